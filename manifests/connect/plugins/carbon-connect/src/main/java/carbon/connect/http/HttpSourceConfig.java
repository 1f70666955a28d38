package carbon.connect.http;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.NO_DEFAULT_VALUE;

import carbon.connect.common.OffsetSpec;
import carbon.connect.common.Pointers;
import carbon.connect.common.RecordMapper;
import com.fasterxml.jackson.core.JsonPointer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;

/**
 * The keys of the connector and what they parse to.
 *
 * <p>Parameters, headers and body are of type PASSWORD although most of them are harmless: they may carry an API key, and only
 * values of that type stay out of the worker's log and of the answer of its validate endpoint.
 */
final class HttpSourceConfig extends AbstractConfig {
    static final String URL = "http.request.url";
    static final String METHOD = "http.request.method";
    static final String PARAMS = "http.request.params";
    static final String HEADERS = "http.request.headers";
    static final String BODY = "http.request.body";
    static final String SECRET_NAMES = "http.request.secret.names";
    static final String CONNECT_TIMEOUT = "http.client.connection.timeout.millis";
    static final String READ_TIMEOUT = "http.client.read.timeout.millis";
    static final String MAX_BYTES = "http.client.max.response.bytes";
    static final String INTERVAL = "http.timer.interval.millis";
    static final String PARTITIONS = "http.partitions";
    static final String OFFSET_INITIAL = "http.offset.initial";
    static final String OFFSET_POINTER = "http.response.record.offset.pointer";
    static final String OFFSET_ORDER = "http.response.record.offset.order";
    static final String LIST_POINTER = "http.response.list.pointer";
    static final String LIST_OPTIONAL = "http.response.list.optional";
    static final String KEY_POINTER = "http.response.record.key.pointer";
    static final String KEY_FIELD = "http.record.key.field";
    static final String TIMESTAMP_POINTER = "http.response.record.timestamp.pointer";
    static final String FIELDS = "http.record.fields";
    static final String MISSING = "http.record.missing.values";
    static final String ON_ERROR = "http.record.on.error";
    static final String SCHEMA_NAME = "http.record.schema.name";
    static final String PAGE_OFFSET_PARAM = "http.paging.offset.param";
    static final String PAGE_OFFSET_FIRST = "http.paging.offset.first";
    static final String PAGE_LENGTH_PARAM = "http.paging.length.param";
    static final String PAGE_LENGTH = "http.paging.length";
    static final String PAGE_TOTAL_POINTER = "http.paging.total.pointer";
    static final String PAGES_MAX = "http.paging.max.pages";
    static final String RETRY_BACKOFF = "http.retry.backoff.millis";
    static final String RETRY_BACKOFF_MAX = "http.retry.backoff.max.millis";
    static final String RETRY_TIMEOUT = "http.retry.timeout.millis";
    static final String RETRY_AFTER_MAX = "http.retry.after.max.millis";
    static final String BATCH = "http.poll.max.records";
    static final String TOPIC = "kafka.topic";

    private static final long DAY = 86_400_000L;

    static final ConfigDef DEFINITION = records(offsets(requests(new ConfigDef())))
        .define(RETRY_BACKOFF, Type.LONG, 1000L, Range.between(1, DAY), MEDIUM,
            "Milliseconds before the first retry; doubled each time, of which a random half is taken away.")
        .define(RETRY_BACKOFF_MAX, Type.LONG, 60_000L, Range.between(1, DAY), MEDIUM, "Longest back-off, milliseconds.")
        .define(RETRY_TIMEOUT, Type.LONG, 3_600_000L, Range.atLeast(-1), MEDIUM,
            "The task fails when no request has succeeded for this long, milliseconds; -1: never. Throttled answers (429) that "
                + "carry Retry-After are obeyed and do not count.")
        .define(RETRY_AFTER_MAX, Type.LONG, 3_600_000L, Range.between(0, DAY), LOW,
            "Longest Retry-After that is obeyed, milliseconds.")
        .define(BATCH, Type.INT, 1000, Range.between(1, 100_000), LOW,
            "Most records handed to the worker at once; with exactly-once support this is one transaction.")
        .define(TOPIC, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH, "Topic to write to.");

    private static ConfigDef requests(ConfigDef definition) {
        return definition
            .define(URL, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "http or https address without query. Here and in parameters, headers and body ${offset.NAME} stands for the oldest "
                    + "offset still wanted, ${partition} for the source partition, ${now.date} for today in UTC.")
            .define(METHOD, Type.STRING, "GET", ValidString.in("GET", "POST"), LOW, "HTTP method.")
            .define(PARAMS, Type.PASSWORD, "", HIGH, "Query parameters, a=1&b=2; values are encoded when sent. Kept out of logs.")
            .define(HEADERS, Type.PASSWORD, "", MEDIUM, "Headers, \"Name: value, Name: value\". Kept out of logs.")
            .define(BODY, Type.PASSWORD, "", LOW, "Body of a POST. Kept out of logs.")
            .define(SECRET_NAMES, Type.LIST, List.of("api_key", "apikey", "key", "token", "access_token", "authorization"), LOW,
                "Parameters and headers whose values are struck out wherever an answer repeats them. Give the values by a config "
                    + "provider, for example ${env:EIA_API_KEY}.")
            .define(CONNECT_TIMEOUT, Type.INT, 5000, Range.between(1, (int) DAY), LOW, "Limit for connecting, milliseconds.")
            .define(READ_TIMEOUT, Type.INT, 30_000, Range.between(1, (int) DAY), MEDIUM,
                "Limit for the complete answer, body included, milliseconds.")
            .define(MAX_BYTES, Type.INT, 16 << 20, Range.between(1, 1 << 30), LOW, "Largest answer accepted, bytes.")
            .define(INTERVAL, Type.LONG, 60_000L, Range.between(20, DAY), HIGH,
                "Milliseconds from one poll of a source partition to the next. A late poll is never made up by faster ones.")
            .define(PARTITIONS, Type.LIST, List.of(), MEDIUM,
                "Names of source partitions, each polled by itself as ${partition} with an offset of its own: one per series where "
                    + "series are published at different times.");
    }

    private static ConfigDef offsets(ConfigDef definition) {
        return definition
            .define(OFFSET_INITIAL, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "NAME=VALUE: where a new source partition begins, inclusive, for example period=2020-01-01.")
            .define(OFFSET_POINTER, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "NAME=/pointer of a row's offset, for example period=/period. A row is new when its offset is beyond the newest one "
                    + "emitted for the same record key, so rows of several keys may share an offset.")
            .define(OFFSET_ORDER, Type.STRING, "text", ValidString.in("text", "number"), LOW,
                "How offsets compare: text suits ISO dates and times of one length.")
            .define(LIST_POINTER, Type.STRING, "", HIGH, "JSON pointer of the rows: an array, or an object for a single row.")
            .define(LIST_OPTIONAL, Type.BOOLEAN, false, LOW,
                "Whether an answer without the list means no rows; otherwise it counts as garbage and is retried.")
            .define(PAGE_OFFSET_PARAM, Type.STRING, "", MEDIUM, "Query parameter for the number of rows to leave out; empty: no paging.")
            .define(PAGE_OFFSET_FIRST, Type.INT, 0, Range.between(0, 1), LOW, "What that parameter is for the first page.")
            .define(PAGE_LENGTH_PARAM, Type.STRING, "", MEDIUM, "Query parameter for the number of rows in a page.")
            .define(PAGE_LENGTH, Type.INT, 5000, Range.between(1, 100_000), MEDIUM, "Rows in a page; a shorter page is the last.")
            .define(PAGE_TOTAL_POINTER, Type.STRING, "", LOW,
                "JSON pointer of the number of rows in all, for an API that may give shorter pages than asked for.")
            .define(PAGES_MAX, Type.INT, 40, Range.between(1, 10_000), LOW,
                "Most pages of one poll. The next poll goes on from there, which needs rows sorted by the offset, ascending.");
    }

    private static ConfigDef records(ConfigDef definition) {
        return definition
            .define(FIELDS, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "name:type:source; … with type string, long, double, boolean or decimal(DIGITS), a ? after it for an optional field. "
                    + "The source is a /pointer or a text with {/pointer}, {@partition}, {@now} (yyyy-MM-dd HH:mm:ss.SSS, UTC). "
                    + "A row that lacks a field which is not optional is skipped and counted. http.record.fields.NAME.map=A=x,B=y translates the value; "
                    + "http.record.fields.NAME.rules=/P=x,/Q>0=y,=z gives the text of the first rule whose pointer has a value.")
            .define(MISSING, Type.LIST, List.of("."), LOW, "Texts that mean no value, besides null and blank.")
            .define(ON_ERROR, Type.STRING, "fail", ValidString.in("fail", "skip"), MEDIUM,
                "What a row does whose value does not fit its type: fail the task, or be skipped, counted and logged.")
            .define(KEY_POINTER, Type.STRING, "", MEDIUM, "JSON pointer of the record key in the row.")
            .define(KEY_FIELD, Type.STRING, "", MEDIUM, "Field that is the record key, after translation; instead of the pointer.")
            .define(TIMESTAMP_POINTER, Type.STRING, "", LOW,
                "JSON pointer of the record timestamp, epoch milliseconds or ISO-8601; empty: the time of sending.")
            .define(SCHEMA_NAME, Type.STRING, "", LOW, "Name of the record schema, for Avro.");
    }

    private final Map<String, String> mistakes = new LinkedHashMap<>();
    private final List<String> partitions;
    private final OffsetSpec offset;
    private final RequestTemplate request;
    private final Paging paging;
    private final JsonPointer listPointer;
    private final RecordMapper mapper;

    private HttpSourceConfig(Map<String, String> properties) {
        super(DEFINITION, properties, false);
        List<String> named = getList(PARTITIONS);
        partitions = named.isEmpty() ? List.of(SourcePartition.ONLY) : List.copyOf(named);
        offset = part(OFFSET_POINTER,
            () -> OffsetSpec.parse(getString(OFFSET_POINTER), getString(OFFSET_INITIAL), getString(OFFSET_ORDER)));
        request = RequestTemplate.parse(this, references(!named.isEmpty()), mistakes);
        paging = part(PAGE_OFFSET_PARAM, () -> Paging.parse(this));
        listPointer = part(LIST_POINTER, () -> Pointers.parse(getString(LIST_POINTER)));
        mapper = part(FIELDS, () -> RecordMapper.parse(new RecordMapper.Spec(getString(FIELDS), originalsWithPrefix(FIELDS + "."),
            getString(KEY_FIELD), getString(KEY_POINTER), getString(TIMESTAMP_POINTER), getList(MISSING), getString(SCHEMA_NAME))));
        unknownKeys().forEach(key -> mistakes.putIfAbsent(key, "no such key of this connector"));
    }

    /**
     * Parse a configuration.
     *
     * @throws ConfigException naming each key that is wrong and why, without values of secret keys
     */
    static HttpSourceConfig of(Map<String, String> properties) {
        HttpSourceConfig config = new HttpSourceConfig(properties);
        if (!config.mistakes.isEmpty()) {
            throw new ConfigException("Invalid HTTP source: " + config.mistakes);
        }
        return config;
    }

    /** What is wrong, by key; empty for a good configuration whose single keys are valid. */
    static Map<String, String> mistakes(Map<String, String> properties) {
        return new HttpSourceConfig(properties).mistakes;
    }

    private Set<String> references(boolean partitioned) {
        Set<String> references = new TreeSet<>(Set.of("now.date"));
        if (partitioned) {
            references.add("partition");
        }
        if (offset != null) {
            references.add("offset." + offset.name());
        }
        return references;
    }

    private <T> T part(String key, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (IllegalArgumentException error) {
            mistakes.put(key, error.getMessage());
            return null;
        }
    }

    private List<String> unknownKeys() {
        return originals().keySet().stream()
            .filter(key -> key.startsWith("http.") && !key.startsWith(FIELDS + ".") && !key.equals(HttpSourceConnector.TASK_PARTITIONS))
            .filter(key -> !DEFINITION.names().contains(key))
            .sorted()
            .toList();
    }

    List<String> partitions() {
        return partitions;
    }

    OffsetSpec offset() {
        return offset;
    }

    RequestTemplate request() {
        return request;
    }

    Paging paging() {
        return paging;
    }

    JsonPointer listPointer() {
        return listPointer;
    }

    RecordMapper mapper() {
        return mapper;
    }
}

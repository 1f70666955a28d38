package carbon.connect.websocket;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.NO_DEFAULT_VALUE;

import carbon.connect.common.OffsetSpec;
import carbon.connect.common.Pointers;
import carbon.connect.common.RecordMapper;
import carbon.connect.common.Redactor;
import carbon.connect.common.Templates;
import com.fasterxml.jackson.core.JsonPointer;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
 * <p>Headers and subscription are of type PASSWORD: they may carry a token, and only values of that type stay out of the
 * worker's log and of the answer of its validate endpoint.
 */
final class WebSocketSourceConfig extends AbstractConfig {
    static final String URL = "websocket.url";
    static final String HEADERS = "websocket.headers";
    static final String SUBSCRIBE = "websocket.subscribe";
    static final String CONNECT_TIMEOUT = "websocket.connection.timeout.millis";
    static final String PING_INTERVAL = "websocket.ping.interval.millis";
    static final String IDLE_TIMEOUT = "websocket.idle.timeout.millis";
    static final String MESSAGE_TIMEOUT = "websocket.message.timeout.millis";
    static final String MAX_BYTES = "websocket.max.message.bytes";
    static final String BUFFER = "websocket.buffer.messages";
    static final String RETRY_BACKOFF = "websocket.retry.backoff.millis";
    static final String RETRY_BACKOFF_MAX = "websocket.retry.backoff.max.millis";
    static final String RETRY_TIMEOUT = "websocket.retry.timeout.millis";
    static final String MALFORMED = "websocket.malformed";
    static final String SELECT = "websocket.message.select";
    static final String ERROR_POINTER = "websocket.message.error.pointer";
    static final String GAP_POINTER = "websocket.message.gap.pointer";
    static final String LIST_POINTER = "websocket.message.list.pointer";
    static final String OFFSET_POINTER = "websocket.offset.pointer";
    static final String OFFSET_INITIAL = "websocket.offset.initial";
    static final String OFFSET_STEP = "websocket.offset.consecutive";
    static final String FIELDS = "websocket.record.fields";
    static final String KEY_FIELD = "websocket.record.key.field";
    static final String TIMESTAMP_POINTER = "websocket.record.timestamp.pointer";
    static final String MISSING = "websocket.record.missing.values";
    static final String SCHEMA_NAME = "websocket.record.schema.name";
    static final String BATCH = "websocket.poll.max.records";
    static final String TOPIC = "kafka.topic";

    private static final int DAY = 86_400_000;

    static final ConfigDef DEFINITION = records(messages(connection(new ConfigDef())))
        .define(BATCH, Type.INT, 1000, Range.between(1, 100_000), LOW,
            "Most records handed to the worker at once; with exactly-once support this is one transaction.")
        .define(TOPIC, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH, "Topic to write to.");

    private static ConfigDef connection(ConfigDef definition) {
        return definition
            .define(URL, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "ws or wss address without query: what is secret belongs into the headers or the subscription.")
            .define(HEADERS, Type.PASSWORD, "", HIGH, "Headers of the handshake, \"Name: value, Name: value\". Kept out of logs.")
            .define(SUBSCRIBE, Type.PASSWORD, "", HIGH,
                "Text sent after each connect; ${offset.NAME} in it stands for the offset of the last record. Kept out of logs.")
            .define(CONNECT_TIMEOUT, Type.INT, 10_000, Range.between(1, DAY), LOW, "Limit for the handshake, milliseconds.")
            .define(PING_INTERVAL, Type.INT, 5000, Range.between(0, DAY), MEDIUM, "Milliseconds from ping to ping; 0: no pings.")
            .define(IDLE_TIMEOUT, Type.INT, 15_000, Range.between(0, DAY), MEDIUM,
                "A connection on which nothing has come for so long, not even a pong, is dead and made anew; 0: never.")
            .define(MESSAGE_TIMEOUT, Type.INT, 0, Range.between(0, DAY), MEDIUM,
                "The same for messages alone, for a feed that always has news; 0: a silent feed is fine as long as it answers pings.")
            .define(MAX_BYTES, Type.INT, 1 << 20, Range.between(1, 1 << 30), LOW, "Largest message accepted, in characters.")
            .define(BUFFER, Type.INT, 1000, Range.between(1, 1_000_000), MEDIUM,
                "Messages held for the worker. When it is full nothing more is read from the connection, so the feed has to wait; "
                    + "no message is dropped here.")
            .define(RETRY_BACKOFF, Type.LONG, 200L, Range.between(1, DAY), MEDIUM,
                "Milliseconds before the first attempt to connect again; doubled each time, of which a random half is taken away.")
            .define(RETRY_BACKOFF_MAX, Type.LONG, 10_000L, Range.between(1, DAY), MEDIUM, "Longest back-off, milliseconds.")
            .define(RETRY_TIMEOUT, Type.LONG, 3_600_000L, Range.atLeast(-1), MEDIUM,
                "The task fails when no message has come for this long in spite of all attempts, milliseconds; -1: never.");
    }

    private static ConfigDef messages(ConfigDef definition) {
        return definition
            .define(SELECT, Type.STRING, "", MEDIUM,
                "/pointer=text: only such messages hold records; others, such as confirmations, are counted and passed over.")
            .define(ERROR_POINTER, Type.STRING, "", MEDIUM,
                "JSON pointer of the feed's complaint: a message that has a value there is logged and ends the connection.")
            .define(GAP_POINTER, Type.STRING, "", MEDIUM,
                "JSON pointer by which the feed says that it has dropped messages; each such message is logged and counted.")
            .define(LIST_POINTER, Type.STRING, "", MEDIUM, "JSON pointer of the records: an array, or an object for a single one.")
            .define(MALFORMED, Type.STRING, "skip", ValidString.in("skip", "fail"), MEDIUM,
                "What a message does that is not JSON, or a record whose value does not fit its type: be skipped, counted and "
                    + "logged, or fail the task.")
            .define(OFFSET_POINTER, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "NAME=/pointer of a record's number, for example seq=/seq. Numbers grow; a record that is not beyond the last one "
                    + "has been sent before and is passed over.")
            .define(OFFSET_INITIAL, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "NAME=NUMBER that ${offset.NAME} stands for before the first record, for example seq=-1.")
            .define(OFFSET_STEP, Type.BOOLEAN, false, LOW,
                "Whether numbers follow one another without a gap; then a number left out is logged and counted as lost by the feed.");
    }

    private static ConfigDef records(ConfigDef definition) {
        return definition
            .define(FIELDS, Type.STRING, NO_DEFAULT_VALUE, new ConfigDef.NonEmptyString(), HIGH,
                "name:type:source; … with type string, long, double, boolean or decimal(DIGITS), a ? after it for an optional field. "
                    + "The source is a /pointer or a text with {/pointer}, {@now} (yyyy-MM-dd HH:mm:ss.SSS, UTC). A record that lacks "
                    + "a field which is not optional is skipped and counted. websocket.record.fields.NAME.map=A=x,B=y translates "
                    + "the value; websocket.record.fields.NAME.rules=/P=x,/Q>0=y,=z gives the text of the first rule that holds.")
            .define(MISSING, Type.LIST, List.of(), LOW, "Texts that mean no value, besides null and blank.")
            .define(KEY_FIELD, Type.STRING, "", MEDIUM, "Field that is the record key, after translation.")
            .define(TIMESTAMP_POINTER, Type.STRING, "", LOW,
                "JSON pointer of the record timestamp, epoch milliseconds or ISO-8601; empty: the time of sending.")
            .define(SCHEMA_NAME, Type.STRING, "", LOW, "Name of the record schema, for Avro.");
    }

    private final Map<String, String> mistakes = new LinkedHashMap<>();
    private final URI url;
    private final OffsetSpec offset;
    private final List<Map.Entry<String, String>> headers;
    private final String subscribe;
    private final Redactor redactor;
    private final Selection selection;
    private final RecordMapper mapper;

    private WebSocketSourceConfig(Map<String, String> properties) {
        super(DEFINITION, properties, false);
        url = part(URL, () -> address(getString(URL)));
        offset = part(OFFSET_POINTER, () -> OffsetSpec.parse(getString(OFFSET_POINTER), getString(OFFSET_INITIAL), "number"));
        headers = part(HEADERS, () -> headers(getPassword(HEADERS).value().strip()));
        subscribe = part(SUBSCRIBE, () -> subscription(getPassword(SUBSCRIBE).value().strip()));
        redactor = redactor(headers);
        selection = part(SELECT, () -> Selection.parse(getString(SELECT)));
        List.of(ERROR_POINTER, GAP_POINTER, LIST_POINTER, TIMESTAMP_POINTER).forEach(key -> part(key, () -> Pointers.parse(getString(key))));
        mapper = part(FIELDS, () -> RecordMapper.parse(new RecordMapper.Spec(getString(FIELDS), originalsWithPrefix(FIELDS + "."),
            getString(KEY_FIELD), "", getString(TIMESTAMP_POINTER), getList(MISSING), getString(SCHEMA_NAME))));
        unknownKeys().forEach(key -> mistakes.putIfAbsent(key, "no such key of this connector"));
    }

    /**
     * Parse a configuration.
     *
     * @throws ConfigException naming each key that is wrong and why, without values of secret keys
     */
    static WebSocketSourceConfig of(Map<String, String> properties) {
        WebSocketSourceConfig config = new WebSocketSourceConfig(properties);
        if (!config.mistakes.isEmpty()) {
            throw new ConfigException("Invalid WebSocket source: " + config.mistakes);
        }
        return config;
    }

    /** What is wrong, by key; empty for a good configuration whose single keys are valid. */
    static Map<String, String> mistakes(Map<String, String> properties) {
        return new WebSocketSourceConfig(properties).mistakes;
    }

    private static URI address(String text) {
        try {
            URI uri = new URI(text);
            boolean websocket = "ws".equals(uri.getScheme()) || "wss".equals(uri.getScheme());
            if (!websocket || uri.getHost() == null) {
                throw new IllegalArgumentException("must be an absolute ws or wss address");
            }
            if (uri.getRawQuery() != null || uri.getRawFragment() != null || uri.getRawUserInfo() != null) {
                throw new IllegalArgumentException("must have no query, fragment or user: use " + HEADERS + " and " + SUBSCRIBE);
            }
            return uri;
        } catch (URISyntaxException error) {
            throw new IllegalArgumentException("is not an address: " + error.getReason());
        }
    }

    private static List<Map.Entry<String, String>> headers(String text) {
        Templates.checkReferences(text, Set.of());
        return Templates.headers(text);
    }

    private String subscription(String text) {
        Templates.checkReferences(text, offset == null ? Set.of() : Set.of("offset." + offset.name()));
        return text;
    }

    /** Every header's value counts as secret, and what follows a scheme such as Bearer by itself. */
    private static Redactor redactor(List<Map.Entry<String, String>> headers) {
        List<String> secrets = new ArrayList<>();
        for (Map.Entry<String, String> header : headers == null ? List.<Map.Entry<String, String>>of() : headers) {
            secrets.add(header.getValue());
            secrets.add(header.getValue().substring(header.getValue().lastIndexOf(' ') + 1));
        }
        return new Redactor(secrets);
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
            .filter(key -> key.startsWith("websocket.") && !key.startsWith(FIELDS + "."))
            .filter(key -> !DEFINITION.names().contains(key))
            .sorted()
            .toList();
    }

    URI url() {
        return url;
    }

    OffsetSpec offset() {
        return offset;
    }

    List<Map.Entry<String, String>> headers() {
        return headers;
    }

    /** What to send after a connect, empty for nothing. */
    String subscribe(String lastOffset) {
        return Templates.fill(subscribe, Map.of("offset." + offset.name(), lastOffset), text -> text);
    }

    Redactor redactor() {
        return redactor;
    }

    Selection selection() {
        return selection;
    }

    /** A pointer of the messages; null when the key is empty. */
    JsonPointer pointer(String key) {
        return getString(key).isBlank() ? null : Pointers.parse(getString(key));
    }

    RecordMapper mapper() {
        return mapper;
    }
}

package carbon.connect.s3;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.NO_DEFAULT_VALUE;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.NonEmptyString;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;

/** The keys of the connector, named as Confluent's S3 sink names them where both have the same thing. */
final class S3SinkConfig extends AbstractConfig {
    static final String STORE_URL = "store.url";
    static final String BUCKET = "s3.bucket.name";
    static final String REGION = "s3.region";
    static final String KEY_ID = "aws.access.key.id";
    static final String SECRET = "aws.secret.access.key";
    static final String TOPICS_DIR = "topics.dir";
    static final String PATH_FORMAT = "path.format";
    static final String PARTITION_DURATION = "partition.duration.ms";
    static final String LOCALE = "locale";
    static final String TIMEZONE = "timezone";
    static final String EXTRACTOR = "timestamp.extractor";
    static final String TIMESTAMP_FIELD = "timestamp.field";
    static final String FLUSH_SIZE = "flush.size";
    static final String FLUSH_BYTES = "flush.bytes";
    static final String ROTATE_INTERVAL = "rotate.interval.ms";
    static final String ROTATE_SCHEDULE = "rotate.schedule.interval.ms";
    static final String FORMAT = "format";
    static final String COMPRESSION = "s3.compression.type";
    static final String PART_RETRIES = "s3.part.retries";
    static final String PART_BACKOFF = "s3.retry.backoff.ms";
    static final String RETRY_BACKOFF = "retry.backoff.ms";
    static final String CONNECT_TIMEOUT = "s3.connect.timeout.ms";
    static final String REQUEST_TIMEOUT = "s3.request.timeout.ms";

    private static final int MINUTE = 60_000;

    static final ConfigDef DEFINITION = files(paths(new ConfigDef()))
        .define(STORE_URL, Type.STRING, "", HIGH, "Address of the store; empty: AWS in the region. Buckets are addressed by path.")
        .define(BUCKET, Type.STRING, NO_DEFAULT_VALUE, new NonEmptyString(), HIGH, "Bucket to write to; it must exist.")
        .define(REGION, Type.STRING, "us-west-2", new NonEmptyString(), MEDIUM, "Region that requests are signed for.")
        .define(KEY_ID, Type.STRING, NO_DEFAULT_VALUE, new NonEmptyString(), HIGH, "Access key id.")
        .define(SECRET, Type.PASSWORD, NO_DEFAULT_VALUE, HIGH, "Secret access key; give it by a config provider.")
        .define(PART_RETRIES, Type.INT, 3, Range.between(0, 20), MEDIUM, "Retries of a request at once, before the worker is asked to try again later.")
        .define(PART_BACKOFF, Type.LONG, 200L, Range.between(1, MINUTE), LOW, "Milliseconds before the first of them; doubled each time, up to 5 s.")
        .define(RETRY_BACKOFF, Type.LONG, 5000L, Range.between(1, 10L * MINUTE), LOW, "Milliseconds until the worker tries again; it does so without end.")
        .define(CONNECT_TIMEOUT, Type.INT, 5000, Range.between(1, MINUTE), LOW, "Limit for connecting, milliseconds.")
        .define(REQUEST_TIMEOUT, Type.INT, 30_000, Range.between(1, 4 * MINUTE), LOW, "Limit for one request, milliseconds.");

    private static ConfigDef paths(ConfigDef definition) {
        return definition
            .define(TOPICS_DIR, Type.STRING, "topics", new NonEmptyString(), HIGH, "First part of every object's name.")
            .define(PATH_FORMAT, Type.STRING, "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", new NonEmptyString(), MEDIUM,
                "Folders by time. YYYY means the year, as in Confluent's sink.")
            .define(PARTITION_DURATION, Type.LONG, 3_600_000L, Range.atLeast(1), MEDIUM, "Time that one folder stands for, milliseconds.")
            .define(LOCALE, Type.STRING, "en-US", LOW, "Language of names in the path, for example en-US.")
            .define(TIMEZONE, Type.STRING, "UTC", LOW, "Time zone of the path, for example UTC.")
            .define(EXTRACTOR, Type.STRING, "Record", ValidString.in("Record", "RecordField", "Wallclock"), MEDIUM,
                "Where a record's time is taken from. With Wallclock a record that is written again after a crash may come into "
                    + "another folder, so it is not exactly-once.")
            .define(TIMESTAMP_FIELD, Type.STRING, "timestamp", LOW,
                "Field with the time for RecordField, a.b for an inner one: a timestamp, epoch milliseconds, or ISO-8601 text.");
    }

    private static ConfigDef files(ConfigDef definition) {
        return definition
            .define(FORMAT, Type.STRING, "json", ValidString.in("json"), LOW,
                "json: one object a line, the value's fields and _kafka with topic, partition, offset, timestamp and key. Confluent's sink has "
                    + "format.class for this.")
            .define(COMPRESSION, Type.STRING, "gzip", ValidString.in("none", "gzip"), LOW, "Compression of the objects.")
            .define(FLUSH_SIZE, Type.INT, NO_DEFAULT_VALUE, Range.atLeast(1), HIGH, "Records in an object after which all of its partition are written.")
            .define(FLUSH_BYTES, Type.INT, 32 << 20, Range.between(1024, 1 << 30), LOW,
                "Bytes, before compression, that one partition may hold in memory before its objects are written.")
            .define(ROTATE_INTERVAL, Type.LONG, -1L, Range.atLeast(-1), MEDIUM,
                "Time of the records that objects span at most, milliseconds; -1: any.")
            .define(ROTATE_SCHEDULE, Type.LONG, -1L, Range.atLeast(-1), MEDIUM,
                "Objects are written at multiples of this many milliseconds by the clock, whether or not they are full; -1: not.");
    }

    private final Map<String, String> mistakes = new LinkedHashMap<>();
    private final URI address;
    private final TimePath path;

    private S3SinkConfig(Map<String, String> properties) {
        super(DEFINITION, properties, false);
        address = part(STORE_URL, this::parseAddress);
        path = part(PATH_FORMAT, () -> TimePath.parse(this));
        originals().keySet().stream().filter(key -> key.startsWith("s3.") && !DEFINITION.names().contains(key)).sorted()
            .forEach(key -> mistakes.put(key, "no such key of this connector"));
    }

    /**
     * Parse a configuration.
     *
     * @throws ConfigException naming each key that is wrong and why
     */
    static S3SinkConfig of(Map<String, String> properties) {
        S3SinkConfig config = new S3SinkConfig(properties);
        if (!config.mistakes.isEmpty()) {
            throw new ConfigException("Invalid S3 sink: " + config.mistakes);
        }
        return config;
    }

    /** What is wrong, by key; empty for a good configuration whose single keys are valid. */
    static Map<String, String> mistakes(Map<String, String> properties) {
        return new S3SinkConfig(properties).mistakes;
    }

    private URI parseAddress() {
        String text = getString(STORE_URL).isEmpty() ? "https://s3." + getString(REGION) + ".amazonaws.com" : getString(STORE_URL);
        URI parsed = URI.create(text);
        if (parsed.getHost() == null || !Set.of("http", "https").contains(parsed.getScheme())) {
            throw new IllegalArgumentException("not an http or https address");
        }
        return parsed;
    }

    private <T> T part(String key, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (IllegalArgumentException error) {
            mistakes.put(key, error.getMessage());
            return null;
        }
    }

    URI address() {
        return address;
    }

    TimePath path() {
        return path;
    }
}

package carbon.connect.doris;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.NO_DEFAULT_VALUE;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.NonEmptyString;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;

/** The keys of the connector, named as the Doris project's own sink names them where both have the same thing. */
final class DorisSinkConfig extends AbstractConfig {
    static final String URLS = "doris.urls";
    static final String HTTP_PORT = "doris.http.port";
    static final String QUERY_PORT = "doris.query.port";
    static final String USER = "doris.user";
    static final String PASSWORD = "doris.password";
    static final String DATABASE = "doris.database";
    static final String TABLES = "doris.topic2table.map";
    static final String BUFFER_RECORDS = "buffer.count.records";
    static final String BUFFER_SECONDS = "buffer.flush.time";
    static final String BUFFER_BYTES = "buffer.size.bytes";
    static final String LOAD_MODEL = "load.model";
    static final String TWO_PHASE = "enable.2pc";
    static final String GUARANTEE = "delivery.guarantee";
    static final String CONVERTER_MODE = "converter.mode";
    static final String PROPERTIES = "sink.properties.";
    static final String LABEL_PREFIX = "label.prefix";
    static final String DELETE = "enable.delete";
    static final String RETRY_INTERVAL = "retry.interval.ms";
    static final String RETRIES = "max.retries";
    static final String CONNECT_TIMEOUT = "doris.connect.timeout.ms";
    static final String REQUEST_TIMEOUT = "doris.request.timeout.ms";

    private static final int MINUTE = 60_000;
    private static final Set<String> OWN_PROPERTIES = Set.of("label", "format", "read_json_by_line", "strip_outer_array", "two_phase_commit",
        "group_commit", "max_filter_ratio", "hidden_columns", "compress_type");

    static final ConfigDef DEFINITION = loads(new ConfigDef())
        .define(URLS, Type.LIST, NO_DEFAULT_VALUE, HIGH, "Frontends, host or host:port; the next is asked when one does not answer.")
        .define(HTTP_PORT, Type.INT, 8030, Range.between(1, 65_535), MEDIUM, "HTTP port of the frontends that are given without one.")
        .define(QUERY_PORT, Type.INT, 9030, Range.between(1, 65_535), LOW, "Not used: this sink asks over HTTP only.")
        .define(USER, Type.STRING, NO_DEFAULT_VALUE, new NonEmptyString(), HIGH, "User with LOAD privilege.")
        .define(PASSWORD, Type.PASSWORD, NO_DEFAULT_VALUE, HIGH, "Its password; give it by a config provider.")
        .define(DATABASE, Type.STRING, NO_DEFAULT_VALUE, new NonEmptyString(), HIGH, "Database of the tables.")
        .define(TABLES, Type.LIST, NO_DEFAULT_VALUE, HIGH,
            "topic:table,… Records of a topic that is not named, or whose table does not exist, go to the dead letter queue.")
        .define(RETRY_INTERVAL, Type.LONG, 1000L, Range.between(1, 10L * MINUTE), LOW, "Milliseconds before what failed is tried again.")
        .define(RETRIES, Type.INT, 10, Range.atLeast(-1), MEDIUM, "Failures in a row before the task fails; -1: never.")
        .define(CONNECT_TIMEOUT, Type.INT, 5000, Range.between(1, MINUTE), LOW, "Limit for connecting, milliseconds.")
        .define(REQUEST_TIMEOUT, Type.INT, MINUTE, Range.between(1, 4 * MINUTE), LOW, "Limit for one load, milliseconds.");

    private static ConfigDef loads(ConfigDef definition) {
        return definition
            .define(BUFFER_RECORDS, Type.INT, 10_000, Range.atLeast(1), MEDIUM, "Records of a load.")
            .define(BUFFER_SECONDS, Type.LONG, 120L, Range.atLeast(1), MEDIUM, "Seconds after which what waits is loaded.")
            .define(BUFFER_BYTES, Type.INT, 5_000_000, Range.atLeast(1), MEDIUM, "Bytes of a load.")
            .define(LOAD_MODEL, Type.STRING, "stream_load", ValidString.in("stream_load"), LOW, "How rows are brought in.")
            .define(TWO_PHASE, Type.BOOLEAN, false, LOW,
                "Only false: a load is one transaction, and its label tells after a crash that it was done.")
            .define(GUARANTEE, Type.STRING, "exactly_once", ValidString.in("at_least_once", "exactly_once"), MEDIUM,
                "With exactly_once Doris is asked after each assignment which labels it holds, and rows under them are not loaded again.")
            .define(CONVERTER_MODE, Type.STRING, "normal", ValidString.in("normal"), LOW, "normal: the value is the row, by names of fields.")
            .define(LABEL_PREFIX, Type.STRING, "", LOW, "Begin of every label; empty: the connector's name. A new one makes the sink forget what it loaded.")
            .define(DELETE, Type.BOOLEAN, false, LOW,
                "Whether a record without value deletes the row of its key, an object with the table's key columns; needs a UNIQUE table.");
    }

    private final Map<String, String> mistakes = new LinkedHashMap<>();
    private final List<URI> frontends;
    private final Map<String, String> tables;
    private final String labelPrefix;
    private final Map<String, String> headers = new TreeMap<>(Map.of("strict_mode", "true", "timezone", "UTC"));

    private DorisSinkConfig(Map<String, String> properties) {
        super(DEFINITION, properties, false);
        frontends = part(URLS, () -> getList(URLS).stream().map(this::frontend).toList());
        tables = part(TABLES, this::parseTables);
        String name = properties.getOrDefault("name", "doris-sink");
        labelPrefix = getString(LABEL_PREFIX).isEmpty() ? name.replaceAll("[^A-Za-z0-9-]", "-") : getString(LABEL_PREFIX);
        if (!labelPrefix.matches("[A-Za-z0-9-]{1,48}")) {
            mistakes.put(LABEL_PREFIX, "up to 48 letters, digits and dashes");
        }
        if (getBoolean(TWO_PHASE)) {
            mistakes.put(TWO_PHASE, "only false: a load is one transaction, and labels make it exactly-once");
        }
        originalsWithPrefix(PROPERTIES).forEach((header, value) -> headers.put(header.toLowerCase(Locale.ROOT), String.valueOf(value)));
        headers.keySet().stream().filter(OWN_PROPERTIES::contains)
            .forEach(header -> mistakes.put(PROPERTIES + header, "set by the sink itself, since no row may be lost or loaded twice"));
        originals().keySet().stream().filter(key -> key.startsWith("doris.") && !DEFINITION.names().contains(key)).sorted()
            .forEach(key -> mistakes.put(key, "no such key of this connector"));
    }

    /**
     * Parse a configuration.
     *
     * @throws ConfigException naming each key that is wrong and why
     */
    static DorisSinkConfig of(Map<String, String> properties) {
        DorisSinkConfig config = new DorisSinkConfig(properties);
        if (!config.mistakes.isEmpty()) {
            throw new ConfigException("Invalid Doris sink: " + config.mistakes);
        }
        return config;
    }

    /** What is wrong, by key; empty for a good configuration whose single keys are valid. */
    static Map<String, String> mistakes(Map<String, String> properties) {
        return new DorisSinkConfig(properties).mistakes;
    }

    private URI frontend(String text) {
        URI address = URI.create("http://" + text);
        if (address.getHost() == null || !address.getRawPath().isEmpty()) {
            throw new IllegalArgumentException("host or host:port, not " + text);
        }
        return address.getPort() >= 0 ? address : URI.create("http://" + text + ":" + getInt(HTTP_PORT));
    }

    private Map<String, String> parseTables() {
        Map<String, String> parsed = new TreeMap<>();
        for (String pair : getList(TABLES)) {
            String[] parts = pair.split(":", -1);
            if (parts.length != 2 || parts[0].isBlank() || parts[1].isBlank()) {
                throw new IllegalArgumentException("topic:table, not " + pair);
            }
            parsed.put(parts[0].strip(), parts[1].strip());
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

    List<URI> frontends() {
        return frontends;
    }

    Map<String, String> tables() {
        return tables;
    }

    String labelPrefix() {
        return labelPrefix;
    }

    /** Headers of every load, as the configuration gives them. */
    Map<String, String> headers() {
        return headers;
    }

    boolean exactlyOnce() {
        return getString(GUARANTEE).equals("exactly_once");
    }
}

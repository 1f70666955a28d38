package carbon.connect.elasticsearch;

import static org.apache.kafka.common.config.ConfigDef.Importance.HIGH;
import static org.apache.kafka.common.config.ConfigDef.Importance.LOW;
import static org.apache.kafka.common.config.ConfigDef.Importance.MEDIUM;
import static org.apache.kafka.common.config.ConfigDef.NO_DEFAULT_VALUE;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigDef.Range;
import org.apache.kafka.common.config.ConfigDef.Type;
import org.apache.kafka.common.config.ConfigDef.ValidString;
import org.apache.kafka.common.config.ConfigException;

/** The keys of the connector: those of Confluent's Elasticsearch sink by the same names, and two of its own. */
final class ElasticsearchSinkConfig extends AbstractConfig {
    static final String URL = "connection.url";
    static final String USERNAME = "connection.username";
    static final String PASSWORD = "connection.password";
    static final String CONNECTION_TIMEOUT = "connection.timeout.ms";
    static final String READ_TIMEOUT = "read.timeout.ms";
    static final String INDEX = "index";
    static final String ID_FIELD = "document.id.field";
    static final String KEY_IGNORE = "key.ignore";
    static final String SCHEMA_IGNORE = "schema.ignore";
    static final String WRITE_METHOD = "write.method";
    static final String NULL_VALUES = "behavior.on.null.values";
    static final String MALFORMED = "behavior.on.malformed.documents";
    static final String BATCH = "batch.size";
    static final String BULK_BYTES = "bulk.size.bytes";
    static final String RETRIES = "max.retries";
    static final String BACKOFF = "retry.backoff.ms";

    static final ConfigDef DEFINITION = new ConfigDef()
        .define(URL, Type.LIST, NO_DEFAULT_VALUE, HIGH, "http or https addresses of the cluster; each is tried in turn.")
        .define(USERNAME, Type.STRING, "", MEDIUM, "User; empty: no authentication.")
        .define(PASSWORD, Type.PASSWORD, "", MEDIUM, "Password, by a config provider.")
        .define(CONNECTION_TIMEOUT, Type.INT, 1000, Range.atLeast(1), LOW, "Limit for connecting, milliseconds.")
        .define(READ_TIMEOUT, Type.INT, 10_000, Range.atLeast(1), LOW, "Limit for an answer, milliseconds.")
        .define(INDEX, Type.STRING, "", HIGH,
            "Index of every document. Empty, as with Confluent's sink: the name of the record's topic in lower case. The index must be "
                + "there: this sink makes none, since a guessed mapping is hard to take back.")
        .define(ID_FIELD, Type.STRING, "", MEDIUM,
            "Field whose text is the document's id, so that a record which was produced twice stays one document; empty: see "
                + KEY_IGNORE + ". An own key: Confluent's sink needs a transform that sets the record key.")
        .define(KEY_IGNORE, Type.BOOLEAN, false, HIGH,
            "Whether the id is topic+partition+offset; otherwise it is the record key, and the offset is the document's version, so a "
                + "topic that is made anew needs a new index.")
        .define(SCHEMA_IGNORE, Type.BOOLEAN, true, LOW, "Must be true: mappings are declared with the index and not derived from records.")
        .define(WRITE_METHOD, Type.STRING, "insert", ValidString.in("insert", "upsert"), LOW,
            "insert replaces a document; upsert merges the record's fields into it.")
        .define(NULL_VALUES, Type.STRING, "fail", ValidString.in("ignore", "delete", "fail"), MEDIUM,
            "What a record without a value does: nothing, delete the document of its key, or count as malformed.")
        .define(MALFORMED, Type.STRING, "fail", ValidString.in("ignore", "warn", "fail"), MEDIUM,
            "What a record does that is no document or that the index refuses: fail the task, or go to the dead letter queue with the "
                + "reason, with a warning in the log or without.")
        .define(BATCH, Type.INT, 2000, Range.between(1, 100_000), MEDIUM, "Most documents of one request.")
        .define(BULK_BYTES, Type.INT, 5 << 20, Range.atLeast(1), LOW, "Most bytes of one request; a larger document goes alone.")
        .define(RETRIES, Type.INT, 5, Range.atLeast(0), MEDIUM,
            "How often a request is tried again at once; after that the worker delivers the records again, without an end.")
        .define(BACKOFF, Type.LONG, 100L, Range.atLeast(1), LOW,
            "Milliseconds before the first retry; doubled each time, of which a random half is taken away.");

    private final Map<String, String> mistakes = new LinkedHashMap<>();

    private ElasticsearchSinkConfig(Map<String, String> properties) {
        super(DEFINITION, properties, false);
        if (getList(URL).isEmpty()) {
            mistakes.put(URL, "must name an address");
        }
        getList(URL).forEach(this::checkAddress);
        if (getString(USERNAME).isEmpty() != getPassword(PASSWORD).value().isEmpty()) {
            mistakes.put(USERNAME, "user and password belong together");
        }
        if (!getString(INDEX).isEmpty() && !isIndexName(getString(INDEX))) {
            mistakes.put(INDEX, "must be in lower case, without blanks and any of \\ / * ? \" < > | , #, and not begin with _ - +");
        }
        if (!getBoolean(SCHEMA_IGNORE)) {
            mistakes.put(SCHEMA_IGNORE, "this sink makes no mappings from schemas: declare the index, and set true");
        }
        if (getString(NULL_VALUES).equals("delete") && (getBoolean(KEY_IGNORE) || !getString(ID_FIELD).isEmpty())) {
            mistakes.put(NULL_VALUES, "a record without a value can only delete when its key is the id");
        }
    }

    /**
     * Parse a configuration.
     *
     * @throws ConfigException naming each key that is wrong and why, without values of secret keys
     */
    static ElasticsearchSinkConfig of(Map<String, String> properties) {
        ElasticsearchSinkConfig config = new ElasticsearchSinkConfig(properties);
        if (!config.mistakes.isEmpty()) {
            throw new ConfigException("Invalid Elasticsearch sink: " + config.mistakes);
        }
        return config;
    }

    /** What is wrong, by key; empty for a good configuration whose single keys are valid. */
    static Map<String, String> mistakes(Map<String, String> properties) {
        return new ElasticsearchSinkConfig(properties).mistakes;
    }

    private void checkAddress(String text) {
        try {
            URI uri = new URI(text);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (!http || uri.getHost() == null || uri.getRawUserInfo() != null || uri.getRawQuery() != null) {
                mistakes.put(URL, "must be absolute http or https addresses without user and query");
            }
        } catch (URISyntaxException error) {
            mistakes.put(URL, "is not an address: " + error.getReason());
        }
    }

    static boolean isIndexName(String name) {
        return name.equals(name.toLowerCase(Locale.ROOT)) && name.matches("[^\\\\/*?\"<>|\\s,#:_+-][^\\\\/*?\"<>|\\s,#:]{0,254}");
    }

    /** The addresses without a slash at the end. */
    List<String> urls() {
        return getList(URL).stream().map(url -> url.endsWith("/") ? url.substring(0, url.length() - 1) : url).toList();
    }

    /** The index of a topic's records. */
    String index(String topic) {
        return getString(INDEX).isEmpty() ? topic.toLowerCase(Locale.ROOT) : getString(INDEX);
    }
}

package carbon.flink.dimension;

import java.time.Duration;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;

/** Options of {@code 'connector' = 'iceberg-dimension'}. */
final class DimensionOptions {
    /** Everything under this prefix goes to the catalog without it: {@code catalog.uri}, {@code catalog.jdbc.user} and so on. */
    static final String CATALOG_PREFIX = "catalog.";

    static final ConfigOption<String> CATALOG_NAME =
            ConfigOptions.key("catalog-name").stringType().noDefaultValue()
                    .withDescription("Name of the Iceberg catalog; a JDBC catalog keeps it in its rows, so it is the same for every client.");

    static final ConfigOption<String> TABLE =
            ConfigOptions.key("table").stringType().noDefaultValue()
                    .withDescription("Namespace and name of the Iceberg table, for example market.commodities.");

    static final ConfigOption<String> VERSION_COLUMN =
            ConfigOptions.key("version-column").stringType().noDefaultValue()
                    .withDescription("Timestamp column; of the rows of one key the newest counts.");

    static final ConfigOption<String> POSITION_COLUMN =
            ConfigOptions.key("position-column").stringType().noDefaultValue()
                    .withDescription("BIGINT column; of rows of one key with equal versions the highest counts, and a row without it is the lowest.");

    static final ConfigOption<String> DELETED_COLUMN =
            ConfigOptions.key("deleted-column").stringType().noDefaultValue()
                    .withDescription("Boolean column; a key whose newest row has it true finds no match.");

    static final ConfigOption<Duration> REFRESH_INTERVAL =
            ConfigOptions.key("refresh-interval").durationType().defaultValue(Duration.ofSeconds(10))
                    .withDescription("How often to look for a new snapshot of the table, at most 30 s.");

    static final ConfigOption<Integer> MAX_ROWS =
            ConfigOptions.key("max-rows").intType().defaultValue(100_000)
                    .withDescription("Most keys that are kept in memory; a larger table is refused.");

    static final Duration LONGEST_INTERVAL = Duration.ofSeconds(30);

    private DimensionOptions() {}
}

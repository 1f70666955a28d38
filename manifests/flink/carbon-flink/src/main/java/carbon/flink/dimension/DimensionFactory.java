package carbon.flink.dimension;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;

/**
 * {@code 'connector' = 'iceberg-dimension'}: a change log in an Iceberg table, looked up by key in a full copy in memory that
 * follows the table's snapshots. Only for {@code JOIN … FOR SYSTEM_TIME AS OF proctime}.
 */
public final class DimensionFactory implements DynamicTableSourceFactory {
    @Override
    public String factoryIdentifier() {
        return "iceberg-dimension";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(
                DimensionOptions.CATALOG_NAME,
                DimensionOptions.TABLE,
                DimensionOptions.VERSION_COLUMN,
                DimensionOptions.POSITION_COLUMN,
                DimensionOptions.DELETED_COLUMN);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(DimensionOptions.REFRESH_INTERVAL, DimensionOptions.MAX_ROWS);
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validateExcept(DimensionOptions.CATALOG_PREFIX);
        ReadableConfig options = helper.getOptions();
        Duration interval = options.get(DimensionOptions.REFRESH_INTERVAL);
        if (interval.isNegative() || interval.isZero() || interval.compareTo(DimensionOptions.LONGEST_INTERVAL) > 0) {
            throw new ValidationException(
                    DimensionOptions.REFRESH_INTERVAL.key() + " must be above 0 and at most 30 s, found " + interval);
        }
        DataType row = context.getPhysicalRowDataType();
        return new DimensionSource(
                new DimensionSpec(
                        options.get(DimensionOptions.CATALOG_NAME),
                        catalogProperties(context.getCatalogTable().getOptions()),
                        options.get(DimensionOptions.TABLE),
                        List.copyOf(DataType.getFieldNames(row)),
                        List.copyOf(row.getLogicalType().getChildren()),
                        0,
                        options.get(DimensionOptions.VERSION_COLUMN),
                        options.get(DimensionOptions.POSITION_COLUMN),
                        options.get(DimensionOptions.DELETED_COLUMN),
                        interval,
                        options.get(DimensionOptions.MAX_ROWS)));
    }

    private static Map<String, String> catalogProperties(Map<String, String> options) {
        Map<String, String> properties = new HashMap<>();
        options.forEach(
                (key, value) -> {
                    if (key.startsWith(DimensionOptions.CATALOG_PREFIX)) {
                        properties.put(key.substring(DimensionOptions.CATALOG_PREFIX.length()), value);
                    }
                });
        return properties;
    }
}

package carbon.flink.dimension;

import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * What is read, and how: two lookups with equal specifications share one cache. Its text form leaves the catalog's
 * properties out, since there is a password among them.
 *
 * @param columns of the dimension, as declared in the script
 * @param key position of the key among the columns
 */
record DimensionSpec(
        String catalogName,
        Map<String, String> catalogProperties,
        String table,
        List<String> columns,
        List<LogicalType> types,
        int key,
        String versionColumn,
        String positionColumn,
        String deletedColumn,
        Duration refreshInterval,
        int maxRows)
        implements Serializable {

    DimensionSpec withKey(int position) {
        return new DimensionSpec(
                catalogName, catalogProperties, table, columns, types, position, versionColumn, positionColumn, deletedColumn, refreshInterval, maxRows);
    }

    @Override
    public String toString() {
        return "Iceberg table " + table + " of catalog " + catalogName;
    }
}

package carbon.flink.dimension;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.BaseCombinedScanTask;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Snapshot;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.source.DataIterator;
import org.apache.iceberg.flink.source.RowDataFileScanTaskReader;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types.NestedField;

/** Reads the newest row of each key from the Iceberg table; one connection to the catalog for its life. */
final class DimensionReader implements Closeable {
    /** No snapshot yet: the table is empty. */
    static final long EMPTY = -1;

    private final DimensionSpec spec;
    private final Catalog catalog;
    private final Table table;

    DimensionReader(DimensionSpec spec) {
        this.spec = spec;
        Map<String, String> properties = new HashMap<>(spec.catalogProperties());
        if (!properties.containsKey(CatalogUtil.ICEBERG_CATALOG_TYPE)) {
            properties.putIfAbsent("catalog-impl", CatalogUtil.ICEBERG_CATALOG_JDBC);
        }
        catalog = CatalogUtil.buildIcebergCatalog(spec.catalogName(), properties, new Configuration());
        table = catalog.loadTable(TableIdentifier.parse(spec.table()));
    }

    /** Looks at the catalog and returns the id of the table's current snapshot. */
    long currentSnapshot() {
        table.refresh();
        Snapshot snapshot = table.currentSnapshot();
        return snapshot == null ? EMPTY : snapshot.snapshotId();
    }

    /** The rows of a snapshot by key: of each key the newest one, unless that one marks it as deleted. */
    Map<Object, RowData> read(long snapshot) throws IOException {
        if (snapshot == EMPTY) {
            return Map.of();
        }
        Schema projection = projection();
        Map<Object, Versioned> newest = new HashMap<>();
        RowDataFileScanTaskReader reader = new RowDataFileScanTaskReader(table.schema(), projection, null, true, List.of());
        for (FileScanTask file : filesInOrderOfCommit(snapshot)) {
            try (DataIterator<RowData> rows =
                    new DataIterator<>(reader, new BaseCombinedScanTask(file), table.io(), table.encryption())) {
                while (rows.hasNext()) {
                    keepNewest(rows.next(), newest);
                }
            }
        }
        Map<Object, RowData> live = new HashMap<>();
        newest.forEach(
                (key, row) -> {
                    if (!row.deleted) {
                        live.put(key, row.values);
                    }
                });
        return live;
    }

    private record Versioned(TimestampData version, long position, boolean deleted, RowData values) {
        boolean isOlderThan(Versioned other) {
            int order = version.compareTo(other.version);
            return order < 0 || order == 0 && position < other.position;
        }
    }

    private List<FileScanTask> filesInOrderOfCommit(long snapshot) throws IOException {
        List<FileScanTask> files = new ArrayList<>();
        try (CloseableIterable<FileScanTask> planned = table.newScan().useSnapshot(snapshot).planFiles()) {
            planned.forEach(files::add);
        }
        files.sort(
                Comparator.comparing((FileScanTask task) -> task.file().dataSequenceNumber())
                        .thenComparing(task -> task.file().location()));
        return files;
    }

    private void keepNewest(RowData row, Map<Object, Versioned> newest) {
        GenericRowData values = new GenericRowData(spec.columns().size());
        for (int i = 0; i < values.getArity(); i++) {
            values.setField(i, own(RowData.createFieldGetter(spec.types().get(i), i).getFieldOrNull(row)));
        }
        Object key = values.getField(spec.key());
        if (key == null) {
            return; // no record can ask for it
        }
        int last = spec.columns().size();
        TimestampData version = row.isNullAt(last) ? TimestampData.fromEpochMillis(Long.MIN_VALUE) : row.getTimestamp(last, 6);
        long position = row.isNullAt(last + 1) ? Long.MIN_VALUE : row.getLong(last + 1);
        Versioned found = new Versioned(version, position, !row.isNullAt(last + 2) && row.getBoolean(last + 2), values);
        newest.merge(key, found, (known, other) -> other.isOlderThan(known) ? known : other);
        if (newest.size() > spec.maxRows()) {
            throw new IllegalStateException(spec + " has more than max-rows = " + spec.maxRows() + " keys");
        }
    }

    /** A value that does not keep the file's buffers alive. */
    private static Object own(Object value) {
        return value instanceof StringData text ? StringData.fromString(text.toString()) : value;
    }

    /** The declared columns, then the version, the position and the deletion mark. */
    private Schema projection() {
        List<NestedField> fields = new ArrayList<>();
        for (int i = 0; i < spec.columns().size(); i++) {
            fields.add(column(spec.columns().get(i), spec.types().get(i)));
        }
        fields.add(column(spec.versionColumn(), null));
        fields.add(column(spec.positionColumn(), new BigIntType()));
        fields.add(column(spec.deletedColumn(), null));
        return new Schema(distinct(fields));
    }

    private NestedField column(String name, LogicalType declared) {
        NestedField field = table.schema().findField(name);
        if (field == null) {
            throw new IllegalStateException(spec + " has no column " + name);
        }
        LogicalType found = FlinkSchemaUtil.convert(field.type());
        if (declared != null && declared.getTypeRoot() != found.getTypeRoot()) {
            throw new IllegalStateException(spec + " has " + name + " as " + found + ", declared is " + declared);
        }
        return field;
    }

    private List<NestedField> distinct(List<NestedField> fields) {
        long ids = fields.stream().map(NestedField::fieldId).distinct().count();
        if (ids != fields.size()) {
            throw new IllegalStateException(
                    "Declare " + spec.versionColumn() + ", " + spec.positionColumn() + " and " + spec.deletedColumn()
                            + " only as version-column, position-column and deleted-column");
        }
        return fields;
    }

    @Override
    public void close() {
        if (catalog instanceof Closeable closeable) {
            try {
                closeable.close();
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}

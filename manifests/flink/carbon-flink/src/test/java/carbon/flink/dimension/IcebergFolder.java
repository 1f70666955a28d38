package carbon.flink.dimension;

import java.io.IOException;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.GenericAppenderFactory;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.hadoop.HadoopCatalog;
import org.apache.iceberg.io.FileAppender;
import org.apache.iceberg.io.OutputFile;
import org.apache.iceberg.types.Types;

/** The dimension table in a folder, for tests: the same table format, the catalog of plain files. */
public final class IcebergFolder implements AutoCloseable {
    private static final List<String> COLUMNS = List.of("commodity_code", "name", "sector", "unit", "currency", "exchange", "region");

    private final Path folder;
    private final HadoopCatalog catalog;
    private final Table table;

    public IcebergFolder(Path folder) {
        this.folder = folder;
        catalog = new HadoopCatalog(new Configuration(), folder.toUri().toString());
        Types.NestedField[] fields = new Types.NestedField[COLUMNS.size() + 3];
        for (int i = 0; i < COLUMNS.size(); i++) {
            fields[i] = Types.NestedField.optional(i + 1, COLUMNS.get(i), Types.StringType.get());
        }
        fields[7] = Types.NestedField.optional(8, "updated_at", Types.TimestampType.withZone());
        fields[8] = Types.NestedField.optional(9, "deleted", Types.BooleanType.get());
        fields[9] = Types.NestedField.optional(10, "position", Types.LongType.get());
        table = catalog.createTable(TableIdentifier.parse("market.commodities"), new Schema(fields), PartitionSpec.unpartitioned());
    }

    /** Options that read this table in the place of the deployed catalog. */
    public String options(String interval) {
        return "'connector' = 'iceberg-dimension', 'catalog-name' = 'test', 'catalog.type' = 'hadoop', 'catalog.warehouse' = '"
                + folder.toUri() + "', 'table' = 'market.commodities', 'version-column' = 'updated_at', 'position-column' = 'position',"
                + " 'deleted-column' = 'deleted',"
                + " 'refresh-interval' = '" + interval + "'";
    }

    Map<String, String> catalogProperties() {
        return Map.of("type", "hadoop", "warehouse", folder.toUri().toString());
    }

    /** A row of the change log from before there were positions; the sector stands for what may change. */
    public Record row(String code, String sector, String updatedAt, Boolean deleted) {
        return row(code, sector, updatedAt, deleted, null);
    }

    Record row(String code, String sector, String updatedAt, Boolean deleted, Long position) {
        GenericRecord row = GenericRecord.create(table.schema());
        row.setField("commodity_code", code);
        row.setField("name", code + " name");
        row.setField("sector", sector);
        row.setField("unit", "BBL");
        row.setField("currency", "USD");
        row.setField("updated_at", updatedAt == null ? null : OffsetDateTime.parse(updatedAt));
        row.setField("deleted", deleted);
        row.setField("position", position);
        return row;
    }

    /** One commit with one file. */
    @SuppressWarnings("deprecation") // its successor asks for a table in a catalog of its own
    public void append(Record... rows) throws IOException {
        OutputFile file = table.io().newOutputFile(table.locationProvider().newDataLocation(UUID.randomUUID() + ".parquet"));
        FileAppender<Record> writer = new GenericAppenderFactory(table.schema()).newAppender(file, FileFormat.PARQUET);
        try (writer) {
            List.of(rows).forEach(writer::add);
        }
        DataFile written = DataFiles.builder(PartitionSpec.unpartitioned()).withInputFile(file.toInputFile()).withMetrics(writer.metrics()).withFormat(FileFormat.PARQUET).build();
        table.newAppend().appendFile(written).commit();
    }

    @Override
    public void close() throws IOException {
        catalog.close();
    }
}

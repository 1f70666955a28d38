package carbon.flink.doris;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.doris.flink.sink.writer.serializer.DorisRecord;
import org.apache.doris.flink.sink.writer.serializer.DorisRecordSerializer;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.DecimalType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.VarCharType;

/**
 * Rows as lines of JSON, written straight into bytes; a null is left out.
 *
 * <p>The connector's own serializer makes an object of each value, a text of that, a map of all and one more text of the map,
 * and its times pass through the zone of the machine, which shifts those that the zone skips in spring.
 */
final class JsonRows implements DorisRecordSerializer<RowData> {
    private static final long serialVersionUID = 1L;

    /** Writes one column of a row that has a value there. */
    private interface Column extends Serializable {
        void write(RowData row, int at, JsonLine line);
    }

    private final byte[][] names;
    private final Column[] columns;
    private transient JsonLine line;

    JsonRows(RowType type) {
        List<RowType.RowField> fields = type.getFields();
        names = fields.stream().map(each -> ('"' + each.getName() + "\":").getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
        columns = fields.stream().map(JsonRows::column).toArray(Column[]::new);
    }

    private static Column column(RowType.RowField field) {
        LogicalType type = field.getType();
        if (type instanceof VarCharType) {
            return (row, at, line) -> line.text(row.getString(at).toBytes());
        }
        if (type instanceof DecimalType decimal && decimal.getPrecision() <= 18) {
            int precision = decimal.getPrecision();
            int scale = decimal.getScale();
            return (row, at, line) -> line.decimal(row.getDecimal(at, precision, scale).toUnscaledLong(), scale);
        }
        if (type instanceof TimestampType time && time.getPrecision() <= 3) {
            int precision = time.getPrecision();
            return (row, at, line) -> line.time(row.getTimestamp(at, precision).getMillisecond());
        }
        throw new ValidationException(
                "Column " + field.getName() + " is " + type.asSummaryString()
                        + "; doris-rows writes STRING, DECIMAL of at most 18 digits and TIMESTAMP(3)");
    }

    @Override
    public DorisRecord serialize(RowData row) {
        if (line == null) {
            line = new JsonLine();
        }
        line.begin();
        for (int at = 0; at < columns.length; at++) {
            if (!row.isNullAt(at)) {
                line.name(names[at]);
                columns[at].write(row, at, line);
            }
        }
        return DorisRecord.of(line.end());
    }
}

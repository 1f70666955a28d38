package carbon.flink.anomaly;

import carbon.flink.TableOperator;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.VarCharType;

/** {@code anomaly-detector}: a table with commodity_code, event_time, event_id and price to a table of alerts. */
public final class AnomalyOperator implements TableOperator {
    /** Under this name the detector's state is found in a savepoint. */
    public static final String UID = "anomaly-detector";

    private static final DataType PRICE = DataTypes.DECIMAL(AnomalyDetector.PRECISION, AnomalyDetector.SCALE);

    private static final DataType INPUT =
            DataTypes.ROW(
                    DataTypes.FIELD("commodity_code", DataTypes.STRING()),
                    DataTypes.FIELD("event_time", DataTypes.TIMESTAMP(3)),
                    DataTypes.FIELD("event_id", DataTypes.STRING()),
                    DataTypes.FIELD("price", PRICE));

    private static final DataType OUTPUT =
            DataTypes.ROW(
                    DataTypes.FIELD("alert_id", DataTypes.STRING()),
                    DataTypes.FIELD("commodity_code", DataTypes.STRING()),
                    DataTypes.FIELD("alert_type", DataTypes.STRING()),
                    DataTypes.FIELD("direction", DataTypes.STRING()),
                    DataTypes.FIELD("severity", DataTypes.STRING()),
                    DataTypes.FIELD("price", PRICE),
                    DataTypes.FIELD("reference_price", PRICE),
                    DataTypes.FIELD("change_pct", DataTypes.DECIMAL(Finding.PERCENT_PRECISION, Finding.PERCENT_SCALE)),
                    DataTypes.FIELD("event_time", DataTypes.TIMESTAMP(3)),
                    DataTypes.FIELD("event_id", DataTypes.STRING()),
                    DataTypes.FIELD("detected_at", DataTypes.TIMESTAMP(3)));

    @Override
    public Table apply(StreamTableEnvironment tables, Table input) {
        List<String> wanted = DataType.getFieldNames(INPUT);
        List<String> found = input.getResolvedSchema().getColumnNames();
        if (!found.equals(wanted)) {
            throw new ValidationException("anomaly-detector needs the columns " + wanted + ", found " + found);
        }
        // Rows in Flink's internal form pass through without being converted.
        DataStream<RowData> prices = tables.toDataStream(input, INPUT.notNull().bridgedTo(RowData.class));
        DataStream<RowData> alerts =
                prices.keyBy(new ByCommodity(), keyType())
                        .process(new AnomalyDetector(), InternalTypeInfo.of(OUTPUT.getLogicalType()))
                        .uid(UID)
                        .name(UID);
        return tables.fromDataStream(alerts, Schema.newBuilder().fromRowDataType(OUTPUT).build());
    }

    private static TypeInformation<StringData> keyType() {
        @SuppressWarnings({"unchecked", "rawtypes"})
        TypeInformation<StringData> type = (TypeInformation) InternalTypeInfo.of(new VarCharType(false, VarCharType.MAX_LENGTH));
        return type;
    }

    static final class ByCommodity implements KeySelector<RowData, StringData> {
        @Override
        public StringData getKey(RowData row) {
            return row.getString(AnomalyDetector.CODE);
        }
    }
}

package carbon.flink.prices;

import org.apache.flink.metrics.Counter;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.TableFunction;

/**
 * {@code parse_price(value, topic, partition, offset, timestamp)}: exactly one row for each message, with either the fields
 * of a valid raw price or the reason why it is none.
 *
 * <p>Metrics of the operator: {@code pricesParsed}, {@code pricesRejected}.
 */
@FunctionHint(
        output =
                @DataTypeHint(
                        value =
                                "ROW<event_id STRING, commodity_code STRING, event_time TIMESTAMP(3), price DECIMAL(18, 6),"
                                        + " currency STRING, volume DECIMAL(18, 6), unit STRING, source STRING,"
                                        + " as_of TIMESTAMP(3), reason STRING>",
                        bridgedTo = RowData.class))
public class ParsePrice extends TableFunction<RowData> {
    private static final int FIELDS = 10;
    private static final int REASON = 9;

    private transient PriceParser parser;
    private transient Counter parsed;
    private transient Counter rejected;

    @Override
    public void open(FunctionContext context) {
        parser = new PriceParser();
        parsed = context.getMetricGroup().counter("pricesParsed");
        rejected = context.getMetricGroup().counter("pricesRejected");
    }

    /** Called by generated code, once a message. */
    public void eval(
            byte[] value,
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData topic,
            Integer partition,
            Long offset,
            @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class) TimestampData timestamp) {
        GenericRowData row = new GenericRowData(FIELDS);
        try {
            fill(row, parser.parse(value, System.currentTimeMillis()), topic, partition, offset, timestamp);
            parsed.inc();
        } catch (Rejected reason) {
            row.setField(REASON, StringData.fromString(reason.getMessage()));
            rejected.inc();
        }
        collect(row);
    }

    private static void fill(
            GenericRowData row, PriceParser.Price price, StringData topic, int partition, long offset, TimestampData timestamp)
            throws Rejected {
        long recordTime = timestamp.getMillisecond();
        if (price.eventTime == null && recordTime > System.currentTimeMillis() + PriceParser.MAX_AHEAD) {
            throw new Rejected("the record's timestamp, taken for event_time, is more than 5 minutes ahead");
        }
        String id = price.eventId == null ? topic + "-" + partition + "-" + offset : price.eventId;
        row.setField(0, StringData.fromString(id));
        row.setField(1, StringData.fromString(price.code));
        row.setField(2, TimestampData.fromEpochMillis(price.eventTime == null ? recordTime : price.eventTime));
        row.setField(3, decimal(price.price));
        row.setField(4, StringData.fromString(price.currency));
        row.setField(5, decimal(price.volume));
        row.setField(6, StringData.fromString(price.unit));
        row.setField(7, StringData.fromString(price.source));
        row.setField(8, price.asOf == null ? null : TimestampData.fromEpochMillis(price.asOf));
    }

    private static DecimalData decimal(long millionths) {
        return DecimalData.fromUnscaledLong(millionths, Decimals.PRECISION, Decimals.SCALE);
    }
}

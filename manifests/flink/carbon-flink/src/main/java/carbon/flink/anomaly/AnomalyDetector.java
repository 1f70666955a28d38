package carbon.flink.anomaly;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.util.Collector;

/**
 * Gives an alert when a price differs by more than 5 % from any price of its commodity that arrived before it and whose event
 * time lies within the 60 s before its own, both ends included.
 *
 * <p>Input rows: commodity_code, event_time, event_id, price. The alert is given at once. After an alert with event time t
 * there is none of the same commodity, direction and severity for a price with an event time before t + 60 s, so the result
 * depends on the order of the records alone and a replay gives the same alerts.
 *
 * <p>The state of a commodity is dropped when the watermark is past everything that could matter ({@link PriceWindow#expiry}).
 * It is one value that changes with every record: keep it on the heap, where a change costs no serialisation.
 *
 * <p>Metrics of the operator: {@code alerts}, {@code alertsInCoolDown}, {@code pricesBeyondHorizon}.
 */
public class AnomalyDetector extends KeyedProcessFunction<StringData, RowData, RowData> {
    static final int CODE = 0;
    static final int EVENT_TIME = 1;
    static final int EVENT_ID = 2;
    static final int PRICE = 3;
    static final int PRECISION = 18;
    static final int SCALE = 6;
    static final long COOL_DOWN = 60_000; // ms of event time

    private static final int ID_DIGITS = 32;

    private transient ValueState<PriceWindow> windows;
    private transient MessageDigest digest;
    private transient Counter alerts;
    private transient Counter inCoolDown;
    private transient Counter beyondHorizon;

    @Override
    public void open(OpenContext context) throws NoSuchAlgorithmException {
        windows = getRuntimeContext().getState(new ValueStateDescriptor<>("prices", new PriceWindowSerializer()));
        digest = MessageDigest.getInstance("SHA-256");
        alerts = getRuntimeContext().getMetricGroup().counter("alerts");
        inCoolDown = getRuntimeContext().getMetricGroup().counter("alertsInCoolDown");
        beyondHorizon = getRuntimeContext().getMetricGroup().counter("pricesBeyondHorizon");
    }

    @Override
    public void processElement(RowData row, Context context, Collector<RowData> out) throws Exception {
        long time = row.getTimestamp(EVENT_TIME, 3).getMillisecond();
        long price = row.getDecimal(PRICE, PRECISION, SCALE).toUnscaledLong();
        PriceWindow window = windows.value();
        if (window == null) {
            window = new PriceWindow();
            context.timerService().registerEventTimeTimer(time + PriceWindow.SPAN + PriceWindow.HORIZON);
        }
        if (window.isBeyondHorizon(time)) {
            beyondHorizon.inc();
        }
        Finding finding = Finding.of(price, window.before(time));
        if (finding != null) {
            alert(finding, row, time, window, out);
        }
        window.add(time, price);
        windows.update(window);
    }

    private void alert(Finding finding, RowData row, long time, PriceWindow window, Collector<RowData> out) {
        long last = window.lastAlert(finding.kind());
        if (last != Long.MIN_VALUE && time < last + COOL_DOWN) {
            inCoolDown.inc();
            return;
        }
        window.alerted(finding.kind(), time);
        alerts.inc();
        out.collect(describe(finding, row));
    }

    private RowData describe(Finding finding, RowData row) {
        StringData code = row.getString(CODE);
        StringData eventId = row.getString(EVENT_ID);
        String severity = Finding.SEVERITIES[finding.severity()];
        String identity = code + "|" + finding.direction() + "|" + severity + "|" + eventId;
        byte[] hash = digest.digest(identity.getBytes(StandardCharsets.UTF_8));
        return GenericRowData.of(
                StringData.fromString(HexFormat.of().formatHex(hash).substring(0, ID_DIGITS)),
                StringData.fromString(code.toString()),
                StringData.fromString(finding.type()),
                StringData.fromString(finding.direction()),
                StringData.fromString(severity),
                DecimalData.fromUnscaledLong(finding.price(), PRECISION, SCALE),
                DecimalData.fromUnscaledLong(finding.reference(), PRECISION, SCALE),
                percent(finding),
                row.getTimestamp(EVENT_TIME, 3),
                StringData.fromString(eventId.toString()),
                TimestampData.fromEpochMillis(System.currentTimeMillis()));
    }

    private static DecimalData percent(Finding finding) {
        return finding.reference() == 0
                ? null
                : DecimalData.fromBigDecimal(finding.changePercent(), Finding.PERCENT_PRECISION, Finding.PERCENT_SCALE);
    }

    /** Drops a commodity that has been quiet, or looks again when its newest price would no longer matter. */
    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<RowData> out) throws Exception {
        PriceWindow window = windows.value();
        if (window == null) {
            return;
        }
        if (window.expiry() <= timestamp) {
            windows.clear();
        } else {
            context.timerService().registerEventTimeTimer(window.expiry());
        }
    }
}

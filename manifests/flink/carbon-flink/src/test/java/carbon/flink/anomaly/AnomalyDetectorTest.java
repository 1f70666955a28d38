package carbon.flink.anomaly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AnomalyDetectorTest {
    private static final long START = 1_767_225_600_000L; // 2026-01-01T00:00:00Z

    private KeyedOneInputStreamOperatorTestHarness<StringData, RowData, RowData> harness;
    private int sent;

    private static KeyedOneInputStreamOperatorTestHarness<StringData, RowData, RowData> newHarness() throws Exception {
        @SuppressWarnings({"unchecked", "rawtypes"})
        org.apache.flink.api.common.typeinfo.TypeInformation<StringData> key =
                (org.apache.flink.api.common.typeinfo.TypeInformation) InternalTypeInfo.of(new VarCharType(VarCharType.MAX_LENGTH));
        return new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new AnomalyDetector()), new AnomalyOperator.ByCommodity(), key);
    }

    @BeforeEach
    void open() throws Exception {
        harness = newHarness();
        harness.open();
    }

    @AfterEach
    void close() throws Exception {
        harness.close();
    }

    /** Sends a price at so many seconds after the start and describes the alerts that it caused. */
    private List<String> price(String code, double second, String price) throws Exception {
        return price(code, second, price, "e" + ++sent);
    }

    private List<String> price(String code, double second, String price, String id) throws Exception {
        RowData row =
                GenericRowData.of(
                        StringData.fromString(code),
                        TimestampData.fromEpochMillis(START + Math.round(second * 1000)),
                        StringData.fromString(id),
                        DecimalData.fromBigDecimal(new BigDecimal(price), 18, 6));
        int before = harness.extractOutputValues().size();
        harness.processElement(row, 0);
        List<RowData> all = harness.extractOutputValues();
        List<String> described = new ArrayList<>();
        all.subList(before, all.size()).forEach(alert -> described.add(describe(alert)));
        return described;
    }

    private static String describe(RowData alert) {
        String change = alert.isNullAt(7) ? "null" : alert.getDecimal(7, 38, 6).toBigDecimal().setScale(2, java.math.RoundingMode.HALF_UP).toPlainString();
        return alert.getString(1) + " " + alert.getString(2) + " " + alert.getString(3) + " " + alert.getString(4) + " " + change;
    }

    @Test
    void everySeverityHasItsOwnCoolDown() throws Exception {
        assertEquals(List.of(), price("CL", 0, "100"));
        assertEquals(List.of(), price("CL", 1, "105"));
        assertEquals(List.of("CL PRICE_CHANGE UP MEDIUM 5.50"), price("CL", 2, "105.5"));
        assertEquals(List.of(), price("CL", 3, "106"));
        assertEquals(List.of("CL PRICE_CHANGE UP HIGH 11.00"), price("CL", 4, "111"));
        assertEquals(List.of("CL PRICE_CHANGE UP CRITICAL 21.00"), price("CL", 5, "121"));
        assertEquals(List.of(), price("CL", 6, "130"));
        assertEquals(List.of("CL PRICE_CHANGE DOWN CRITICAL -23.08"), price("CL", 7, "100"));
    }

    @Test
    void commoditiesDoNotMeet() throws Exception {
        price("CL", 0, "100");
        assertEquals(List.of(), price("NG", 1, "2"));
        assertEquals(List.of("NG PRICE_CHANGE UP HIGH 15.00"), price("NG", 2, "2.3"));
    }

    @Test
    void slowDriftAlertsWithinAMinuteAndNotOverFive() throws Exception {
        List<String> alerts = new ArrayList<>();
        for (int second = 0; second <= 55; second += 5) {
            alerts.addAll(price("CL", second, BigDecimal.valueOf(100 + 6.0 * second / 55).setScale(6, java.math.RoundingMode.HALF_UP).toString()));
        }
        assertEquals(List.of("CL PRICE_CHANGE UP MEDIUM 5.45"), alerts);
        for (int second = 0; second <= 300; second += 5) {
            String price = BigDecimal.valueOf(100 + 6.0 * second / 300).setScale(6, java.math.RoundingMode.HALF_UP).toString();
            assertEquals(List.of(), price("BZ", second, price));
        }
    }

    @Test
    void bothEndsOfTheMinuteCount() throws Exception {
        price("CL", 0, "100");
        assertEquals(1, price("CL", 60, "106").size());
        price("BZ", 0, "100");
        assertEquals(0, price("BZ", 60.001, "106").size());
        price("NG", 10, "100");
        assertEquals(1, price("NG", 10, "106").size());
    }

    @Test
    void coolDownEndsAfterSixtySecondsOfEventTime() throws Exception {
        price("CL", 0, "100");
        assertEquals(1, price("CL", 10, "106").size());
        price("CL", 50, "100");
        assertEquals(0, price("CL", 69.999, "106").size());
        assertEquals(1, price("CL", 70, "106").size());
    }

    @Test
    void anEarlierEventTimeIsComparedWithItsOwnMinute() throws Exception {
        price("CL", 0, "100");
        price("CL", 100, "200");
        assertEquals(List.of("CL PRICE_CHANGE DOWN MEDIUM -6.00"), price("CL", 30, "94"));
        // Later in arrival, earlier in event time: compared with what has arrived, and 200 lies outside of its minute.
        assertEquals(List.of(), price("CL", 89, "97"));
    }

    @Test
    void negativeAndZeroPrices() throws Exception {
        price("CL", 0, "18.27");
        assertEquals(List.of("CL PRICE_CHANGE DOWN CRITICAL -302.41"), price("CL", 1, "-36.98"));
        price("NG", 0, "0");
        assertEquals(List.of("NG ZERO_REFERENCE UP HIGH null"), price("NG", 1, "0.01"));
        assertEquals(List.of("NG ZERO_REFERENCE DOWN HIGH null"), price("NG", 2, "-0.01"));
        price("GC", 0, "5");
        assertEquals(List.of("GC PRICE_CHANGE DOWN CRITICAL -100.00"), price("GC", 1, "0"));
    }

    @Test
    void aRepeatedRecordGivesNoSecondAlert() throws Exception {
        price("CL", 0, "100", "a");
        assertEquals(1, price("CL", 1, "106", "b").size());
        assertEquals(0, price("CL", 1, "106", "b").size());
    }

    @Test
    void alertIdsFollowFromWhatCausedThem() throws Exception {
        price("CL", 0, "100", "a");
        price("CL", 1, "106", "b");
        price("CL", 2, "111", "c");
        List<RowData> alerts = harness.extractOutputValues();
        // sha256("CL|UP|MEDIUM|b"), first 32 hexadecimal digits
        assertEquals(sha256("CL|UP|MEDIUM|b").substring(0, 32), alerts.get(0).getString(0).toString());
        assertEquals("b", alerts.get(0).getString(9).toString());
        assertNotEquals(alerts.get(0).getString(0), alerts.get(1).getString(0));
    }

    private static String sha256(String text) throws Exception {
        byte[] hash = java.security.MessageDigest.getInstance("SHA-256").digest(text.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return String.format("%064x", new java.math.BigInteger(1, hash));
    }

    @Test
    void aRestartInTheMiddleChangesNothing() throws Exception {
        List<String> straight = walk(-1);
        close();
        open();
        sent = 0;
        assertEquals(straight, walk(700));
        assertTrue(straight.size() > 20, "alerts: " + straight.size());
    }

    /** A random walk over three commodities, out of order; with a restart before the given record. */
    private List<String> walk(int restartAt) throws Exception {
        Random random = new Random(42);
        double[] prices = {100, 50, 10};
        String[] codes = {"CL", "BZ", "NG"};
        List<String> alerts = new ArrayList<>();
        for (int i = 0; i < 1_500; i++) {
            if (i == restartAt) {
                restart();
            }
            int which = random.nextInt(3);
            prices[which] *= 1 + random.nextGaussian() / 80;
            alerts.addAll(price(codes[which], i / 4.0 - random.nextInt(20), String.format("%.6f", prices[which])));
        }
        return alerts;
    }

    private void restart() throws Exception {
        OperatorSubtaskState state = harness.snapshot(1, 1);
        harness.close();
        harness = newHarness();
        harness.initializeState(state);
        harness.open();
    }

    @Test
    void aQuietCommodityIsForgotten() throws Exception {
        price("CL", 0, "100");
        price("CL", 50, "100");
        assertEquals(1, harness.numKeyedStateEntries());
        harness.processWatermark(new Watermark(START + 200_000));
        assertEquals(1, harness.numKeyedStateEntries());
        harness.processWatermark(new Watermark(START + 230_000));
        assertEquals(0, harness.numKeyedStateEntries());
        assertEquals(0, harness.numEventTimeTimers());
    }
}

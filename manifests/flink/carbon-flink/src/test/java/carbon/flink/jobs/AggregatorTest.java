package carbon.flink.jobs;

import static carbon.flink.jobs.DeployedJobs.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AggregatorTest {
    private static final String SOURCE = "enriched_prices";

    private static Row price(String code, String time, String id, String price, String volume) {
        return Row.of(
                id, code, at(time), new BigDecimal(price), "USD", new BigDecimal(volume), "BBL", "test", null,
                null, null, null, null, at(time), at(time));
    }

    private static Map<String, Row> bars(List<Row> prices, int failAfter) throws Exception {
        TestRows.give(SOURCE, prices, failAfter);
        DeployedJobs.run(DeployedJobs.job("price-aggregator", Map.of()));
        return DeployedJobs.newest(TestRows.taken("price_1min_agg"), r -> r.getField(0) + " " + r.getField(1).toString().substring(11));
    }

    /** open, high, low, close, volume, vwap and count of a bar. */
    private static String text(Row bar) {
        String prices = java.util.stream.IntStream.of(3, 4, 5, 6, 7, 8).mapToObj(i -> number(bar.getField(i))).collect(Collectors.joining(" "));
        return prices + " " + bar.getField(9);
    }

    private static String number(Object value) {
        return value == null ? "null" : ((BigDecimal) value).stripTrailingZeros().toPlainString();
    }

    private static final List<Row> MINUTE =
            List.of(
                    price("CL", "12:00:00", "b", "75.5", "1"),
                    price("CL", "12:00:00", "a", "75", "2"),
                    price("CL", "12:00:00", "a2", "74", "1"),
                    price("CL", "12:00:30.250", "c", "-36.98", "0.5"),
                    price("CL", "12:00:59.999", "d", "80", "1"),
                    price("CL", "12:00:59.999", "d1", "79.123456", "1"),
                    price("CL", "12:01:00", "e", "81", "1"),
                    price("BZ", "12:00:10", "f", "0", "0"),
                    price("BZ", "12:00:11", "g", "1", "0"));

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 2})
    void anyOrderOfArrivalGivesTheSameBars(long seed) throws Exception {
        List<Row> prices = new ArrayList<>(MINUTE);
        Collections.shuffle(prices, new Random(seed));
        Map<String, Row> bars = bars(prices, -1);
        assertEquals(3, bars.size());
        Row bar = bars.get("CL 12:00");
        assertEquals(at("12:01:00"), bar.getField(2));
        // (2 * 75 + 75.5 + 74 - 36.98 / 2 + 80 + 79.123456) / 6.5 = 67.71284…
        assertEquals("75 80 -36.98 79.123456 6.5 67.712839 6", text(bar));
        assertEquals("81 81 81 81 1 81 1", text(bars.get("CL 12:01")));
        assertEquals("0 1 0 1 0 null 2", text(bars.get("BZ 12:00")));
        assertNull(bars.get("BZ 12:00").getField(8));
    }

    @Test
    void lateRowsCorrectTheirBarForTwoMinutesAndThenAreKeptAside() throws Exception {
        Map<String, Row> bars =
                bars(
                        List.of(
                                price("CL", "12:00:10", "a", "75", "1"),
                                price("CL", "12:01:30", "b", "76", "1"),
                                price("CL", "12:00:05", "c", "74", "1"),
                                price("CL", "12:05:00", "d", "77", "1"),
                                price("CL", "12:02:58", "in-time", "70", "1"),
                                price("CL", "12:02:57.999", "late", "60", "1"),
                                price("CL", "12:00:01", "later", "50", "2")),
                        -1);
        assertEquals("74 75 74 75 2 74.5 2", text(bars.get("CL 12:00")));
        assertEquals("70 70 70 70 1 70 1", text(bars.get("CL 12:02")));
        List<Row> late = TestRows.taken("late_topic");
        assertEquals(
                List.of(
                        "CL late 2026-01-15 12:02:57.999 60.000000 1.000000 test 2026-01-15 12:04:58.000",
                        "CL later 2026-01-15 12:00:01.000 50.000000 2.000000 test 2026-01-15 12:04:58.000"),
                late.stream().map(AggregatorTest::joined).toList());
    }

    private static String joined(Row row) {
        return java.util.stream.IntStream.range(0, row.getArity()).mapToObj(i -> String.valueOf(row.getField(i))).collect(Collectors.joining(" "));
    }

    @Test
    void aRestartInTheMiddleLosesAndRepeatsNothing() throws Exception {
        Random random = new Random(3);
        List<Row> prices = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            String time = String.format("12:%02d:%02d.%03d", i / 100, random.nextInt(60), random.nextInt(1_000));
            prices.add(price("CL", time, "id-" + i, String.format("%.6f", 70 + random.nextGaussian()), "1.25"));
        }
        Map<String, String> straight = texts(bars(prices, -1));
        Map<String, String> restarted = texts(bars(prices, 200));
        assertTrue(TestRows.hasFailed(SOURCE));
        assertEquals(straight, restarted);
        assertEquals(4, straight.size());
        assertTrue(straight.values().stream().allMatch(bar -> bar.endsWith(" 100")), straight.toString());
    }

    private static Map<String, String> texts(Map<String, Row> bars) {
        return bars.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, bar -> text(bar.getValue())));
    }
}

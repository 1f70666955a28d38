package carbon.flink.jobs;

import static carbon.flink.jobs.DeployedJobs.at;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

class DetectorTest {
    private static final String SOURCE = "enriched_prices";

    private static Row price(String code, String time, String id, String price) {
        return Row.of(
                id, code, at(time), new BigDecimal(price), "USD", BigDecimal.ONE, null, null, null, null, null, null, null, at(time), at(time));
    }

    private static List<Row> alerts(List<Row> prices, int failAfter) throws Exception {
        TestRows.give(SOURCE, prices, failAfter);
        DeployedJobs.run(DeployedJobs.job("anomaly-detector", Map.of()));
        return TestRows.taken("market_alerts");
    }

    @Test
    void alertsCarryWhatCausedThem() throws Exception {
        List<Row> alerts =
                alerts(
                        List.of(
                                price("CL", "12:00:00", "a", "18.27"),
                                price("CL", "12:00:01.5", "b", "-36.98"),
                                price("NG", "12:00:02", "c", "0"),
                                price("NG", "12:00:03", "d", "0.5")),
                        -1);
        Map<String, Row> byId = alerts.stream().collect(Collectors.toMap(r -> (String) r.getField(9), r -> r));
        assertEquals(2, alerts.size());
        Row fall = byId.get("b");
        assertEquals("CL PRICE_CHANGE DOWN CRITICAL -36.980000 18.270000 -302.408320 2026-01-15 12:00:01.500", joined(fall, 1, 8));
        assertTrue(((String) fall.getField(10)).matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3}"));
        assertEquals("NG ZERO_REFERENCE UP HIGH 0.500000 0.000000 null 2026-01-15 12:00:03.000", joined(byId.get("d"), 1, 8));
    }

    private static String joined(Row row, int from, int to) {
        return java.util.stream.IntStream.rangeClosed(from, to).mapToObj(i -> String.valueOf(row.getField(i))).collect(Collectors.joining(" "));
    }

    @Test
    void aRestartInTheMiddleGivesTheSameAlerts() throws Exception {
        Random random = new Random(5);
        List<Row> prices = new ArrayList<>();
        double[] level = {70, 80};
        for (int i = 0; i < 600; i++) {
            int which = random.nextInt(2);
            level[which] *= 1 + random.nextGaussian() / 50;
            String time = String.format("12:%02d:%02d", i / 60, (i % 60 + random.nextInt(5)) % 60);
            prices.add(price(which == 0 ? "CL" : "BZ", time, "id-" + i, String.format("%.6f", level[which])));
        }
        TreeSet<String> straight = ids(alerts(prices, -1));
        TreeSet<String> restarted = ids(alerts(prices, 300));
        assertTrue(TestRows.hasFailed(SOURCE));
        assertEquals(straight, restarted);
        assertTrue(straight.size() > 20, "alerts: " + straight.size());
    }

    private static TreeSet<String> ids(List<Row> alerts) {
        return alerts.stream().map(r -> joined(r, 0, 9)).collect(Collectors.toCollection(TreeSet::new));
    }
}

package carbon.flink.jobs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.flink.dimension.IcebergFolder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.runtime.partitioner.KeyGroupStreamPartitioner;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnricherTest {
    private static final String SOURCE = "raw_prices";
    private static final Instant TIME = Instant.parse("2026-01-15T12:00:00.250Z");

    @TempDir Path folder;
    private IcebergFolder iceberg;

    @BeforeEach
    void create() throws Exception {
        iceberg = new IcebergFolder(folder);
        iceberg.append(iceberg.row("CL", "ENERGY", "2026-01-01T00:00:00Z", false), iceberg.row("XX", "GONE", "2026-01-01T00:00:00Z", true));
    }

    @AfterEach
    void close() throws Exception {
        iceberg.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Row message(String key, byte[] value, long offset) {
        return Row.of(key == null ? null : bytes(key), value, "commodity-prices-raw", 2, offset, TIME);
    }

    private void run(List<Row> messages, int failAfter) throws Exception {
        TestRows.give(SOURCE, messages, failAfter);
        DeployedJobs.run(DeployedJobs.job("data-enricher", Map.of("commodities", iceberg.options("1 s"))));
    }

    private static String joined(Row row, int... fields) {
        return java.util.Arrays.stream(fields).mapToObj(i -> String.valueOf(row.getField(i))).collect(Collectors.joining(" "));
    }

    @Test
    void theSeedMessageGetsWhatIsKnownOfItsCommodity() throws Exception {
        run(List.of(message("CL", bytes("{\"commodity_code\":\"CL\",\"price\":75.50,\"currency\":\"USD\"}"), 7)), -1);
        Row row = TestRows.taken("enriched_prices").get(0);
        assertEquals(
                "commodity-prices-raw-2-7 CL 2026-01-15T12:00:00.250 75.500000 USD 1.000000 BBL null null CL name ENERGY null null 2026-01-15T12:00:00.250",
                joined(row, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
        LocalDateTime enriched = (LocalDateTime) row.getField(14);
        assertTrue(enriched.isAfter(LocalDateTime.parse("2026-01-15T12:00:01")));
        Row doris = TestRows.taken("energy_prices_rt").get(0);
        assertEquals(joined(row, 0, 1, 2, 3, 4, 5, 6, 9, 10, 13, 14), joined(doris, 2, 0, 1, 3, 4, 5, 6, 9, 10, 13, 14));
        assertEquals(List.of(), TestRows.taken("dead_letters"));
    }

    @Test
    void unknownAndDeletedCommoditiesPassWithoutMetadata() throws Exception {
        run(
                List.of(
                        message("ZZ", bytes("{\"commodity_code\":\"ZZ\",\"price\":-1.5,\"event_id\":\"z\",\"as_of\":\"2020-04-20\"}"), 0),
                        message(null, bytes("{\"commodity_code\":\"XX\",\"price\":\"0\",\"event_id\":\"x\",\"event_time\":\"2026-01-15T11:00:00Z\"}"), 1)),
                -1);
        Map<String, String> rows = new TreeMap<>();
        TestRows.taken("enriched_prices").forEach(r -> rows.put((String) r.getField(0), joined(r, 1, 2, 3, 4, 8, 9, 10)));
        assertEquals("ZZ 2026-01-15T12:00:00.250 -1.500000 null 2020-04-20T00:00 null null", rows.get("z"));
        assertEquals("XX 2026-01-15T11:00 0.000000 null null null null", rows.get("x"));
    }

    @Test
    void poisonGoesAsideWithItsBytesWhileGoodOnesFlow() throws Exception {
        byte[] binary = {0, (byte) 0xff, (byte) 0xfe, 1};
        run(
                List.of(
                        message("k", binary, 0),
                        message("CL", bytes("{\"commodity_code\":\"CL\",\"price\":1}"), 1),
                        message(null, null, 2),
                        message("CL", bytes("{\"commodity_code\":\"CL\",\"price\":NaN}"), 3),
                        message("CL", bytes("{\"commodity_code\":\"CL\",\"price\":2}"), 4)),
                -1);
        assertEquals(2, TestRows.taken("enriched_prices").size());
        assertEquals(2, TestRows.taken("energy_prices_rt").size());
        Map<String, Row> dead = DeployedJobs.newest(TestRows.taken("dead_letters"), r -> header(r, "source_offset"));
        assertEquals(3, dead.size());
        assertArrayEquals(binary, (byte[]) dead.get("0").getField(1));
        assertArrayEquals(bytes("k"), (byte[]) dead.get("0").getField(0));
        assertTrue(header(dead.get("0"), "reason").startsWith("not JSON"));
        assertEquals("the message is empty", header(dead.get("2"), "reason"));
        assertEquals("price is not a finite number", header(dead.get("3"), "reason"));
        assertEquals("commodity-prices-raw 2", header(dead.get("3"), "source_topic") + " " + header(dead.get("3"), "source_partition"));
    }

    private static String header(Row row, String name) {
        return new String((byte[]) ((Map<?, ?>) row.getField(2)).get(name), StandardCharsets.UTF_8);
    }

    @Test
    void aRestartInTheMiddleLosesNothing() throws Exception {
        List<Row> messages = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            messages.add(message("CL", bytes(i % 10 == 3 ? "poison " + i : "{\"commodity_code\":\"CL\",\"price\":" + i + "}"), i));
        }
        run(messages, 150);
        assertTrue(TestRows.hasFailed(SOURCE));
        // These sinks know no transactions, so what was replayed is here twice; which rows there are must be exact.
        assertEquals(270, new TreeSet<>(TestRows.taken("enriched_prices").stream().map(r -> (String) r.getField(0)).toList()).size());
        assertEquals(270, new TreeSet<>(TestRows.taken("energy_prices_rt").stream().map(r -> (String) r.getField(2)).toList()).size());
        assertEquals(30, new TreeSet<>(TestRows.taken("dead_letters").stream().map(r -> header(r, "source_offset")).toList()).size());
    }

    /** Parsing and look-up are most of the work: the job holds each once, for all sinks together, and nothing is sent around. */
    @Test
    void eachMessageIsParsedAndLookedUpOnce() throws Exception {
        StreamGraph graph = DeployedJobs.job("data-enricher", Map.of("commodities", iceberg.options("1 s"))).graph();
        List<String> names = graph.getStreamNodes().stream().map(StreamNode::getOperatorName).toList();
        assertEquals(1, names.stream().filter(name -> name.startsWith("Correlate")).count(), names.toString());
        assertEquals(1, names.stream().filter(name -> name.startsWith("LookupJoin")).count(), names.toString());
        graph.getStreamNodes().forEach(
                node -> node.getOutEdges().forEach(edge -> assertFalse(edge.getPartitioner() instanceof KeyGroupStreamPartitioner, names.toString())));
    }
}

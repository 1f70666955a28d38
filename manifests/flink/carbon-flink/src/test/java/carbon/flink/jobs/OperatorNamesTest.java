package carbon.flink.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperatorNamesTest {
    private static final String COMMODITIES =
            "'connector' = 'iceberg-dimension', 'catalog-name' = 'c', 'table' = 'n.t', 'version-column' = 'v',"
                    + " 'position-column' = 'p', 'deleted-column' = 'd'";

    private static Map<String, String> namesByUid(String job) throws Exception {
        Map<String, String> names = new TreeMap<>();
        for (StreamNode node : DeployedJobs.job(job, Map.of("commodities", COMMODITIES)).graph().getStreamNodes()) {
            names.put(String.valueOf(node.getTransformationUID()), node.getOperatorName());
        }
        return names;
    }

    /** A second submission in the same JVM, as in a session cluster, must find the state of the first and show the same names. */
    @ParameterizedTest
    @ValueSource(strings = {"data-enricher", "price-aggregator", "anomaly-detector"})
    void namesAndUidsAreTheSameEveryTime(String job) throws Exception {
        Map<String, String> first = namesByUid(job);
        assertEquals(first, namesByUid(job));
        assertFalse(first.containsKey("null"), first.toString());
        assertTrue(first.values().stream().noneMatch(name -> name.matches(".*(\\[\\d+]|\\$\\d).*")), first.toString());
        for (String table : job.equals("data-enricher") ? List.of("raw_prices", "dead_letters") : List.of("enriched_prices")) {
            assertTrue(first.keySet().stream().anyMatch(uid -> uid.endsWith(table)), table + " in " + first);
        }
    }
}

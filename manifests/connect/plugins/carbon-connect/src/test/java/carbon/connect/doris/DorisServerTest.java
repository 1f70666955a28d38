package carbon.connect.doris;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.SinkWorkerDouble;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Against a real endpoint: -Ddoris.address=host:http_port -Ddoris.user=… -Ddoris.password=…, with a table
 * {@code sink_test.t (id BIGINT, price DECIMAL(9,2) NOT NULL, at DATETIME(3))} of the DUPLICATE model, which hides no row twice.
 */
@EnabledIfSystemProperty(named = "doris.address", matches = ".+")
class DorisServerTest {
    private final TopicPartition place = new TopicPartition("sink-test", 0);
    private final Map<String, String> config = new HashMap<>(Map.of("name", "test-" + UUID.randomUUID().toString().substring(0, 8), "doris.urls",
        System.getProperty("doris.address"), "doris.user", System.getProperty("doris.user"), "doris.password", System.getProperty("doris.password"),
        "doris.database", "sink_test", "doris.topic2table.map", "sink-test:t", "buffer.count.records", "100", "retry.interval.ms", "1"));

    private SinkRecord record(long offset, Object value) {
        return new SinkRecord(place.topic(), 0, null, null, null, value, offset, 0L, TimestampType.CREATE_TIME);
    }

    @Test
    void poisonIsPickedOutAndARestartedTaskLoadsNothingTwice() {
        List<SinkRecord> log = new ArrayList<>();
        for (long i = 0; i < 200; i++) {
            Map<String, Object> bad = Map.of("id", i, "price", i % 2 == 0 ? "no number" : List.of(1));
            log.add(record(i, i % 40 == 7 ? bad : Map.of("id", i, "price", 1.25, "at", "2026-01-01T00:00:00.123Z")));
        }
        SinkWorkerDouble worker = new SinkWorkerDouble(place, log).start(new DorisSinkTask(), config);
        worker.drain(200);
        assertEquals(List.of(7L, 47L, 87L, 127L, 167L), worker.dead.stream().map(dead -> dead.record().kafkaOffset()).toList());
        assertTrue(worker.dead.get(0).reason().contains("Reason:"), worker.dead.get(0).reason());
        // Nothing was committed: everything comes again, in other batches.
        config.put("buffer.count.records", "1");
        worker.start(new DorisSinkTask(), config).drain(30).commit();
        assertEquals(200, worker.committed);
    }

    @Test
    void aTableThatIsMissingAndAWrongPasswordAreToldApart() {
        config.putAll(Map.of("doris.topic2table.map", "sink-test:nowhere", "buffer.count.records", "1"));
        SinkWorkerDouble missing = new SinkWorkerDouble(place, List.of(record(0, Map.of("id", 1)))).start(new DorisSinkTask(), config);
        missing.drain(1);
        assertTrue(missing.dead.get(0).reason().contains("nowhere"), missing.dead.get(0).reason());
        config.put("doris.password", "wrong");
        SinkWorkerDouble denied = new SinkWorkerDouble(place, List.of(record(0, Map.of("id", 1)))).start(new DorisSinkTask(), config);
        assertTrue(assertThrows(ConnectException.class, () -> denied.drain(1)).getMessage().contains("doris.password"));
    }
}

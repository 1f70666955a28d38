package carbon.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.SinkWorkerDouble;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.LongStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Against a real S3 server: -Ds3.url=… -Ds3.bucket=… -Ds3.user=… -Ds3.secret=…; signatures and names are checked there. */
@EnabledIfSystemProperty(named = "s3.url", matches = "http.*")
class S3ServerTest {
    private final Map<String, String> config = new HashMap<>(Map.of("store.url", System.getProperty("s3.url"), "s3.bucket.name",
        System.getProperty("s3.bucket"), "s3.region", "us-east-1", "aws.access.key.id", System.getProperty("s3.user"), "aws.secret.access.key",
        System.getProperty("s3.secret"), "flush.size", "10", "topics.dir", "test-" + UUID.randomUUID(), "s3.part.retries", "0"));

    @Test
    void objectsAreWrittenReadReplacedAndRemoved() {
        ObjectStore store = new ObjectStore(S3SinkConfig.of(config));
        String name = config.get("topics.dir") + "/year=2026/a b+0+1 ä.json";
        assertEquals(Optional.empty(), store.get(name));
        store.put(name, new byte[] {1}, "application/json");
        store.put(name, new byte[] {2, 3}, "application/json");
        assertEquals(2, store.get(name).orElseThrow().length);
        store.delete(name);
        assertEquals(Optional.empty(), store.get(name));
        store.delete(name);
    }

    @Test
    void aTaskWritesAndGoesOnWhereItsNoteSays() {
        List<SinkRecord> log = LongStream.range(0, 30).mapToObj(i -> new SinkRecord("prices", 0, null, "CL", null, Map.of("n", i), i, 0L,
            TimestampType.CREATE_TIME)).toList();
        SinkWorkerDouble worker = new SinkWorkerDouble(new TopicPartition("prices", 0), log).start(new S3SinkTask(), config);
        worker.drain(30);
        long written = worker.start(new S3SinkTask(), config).drain(30).commit().committed;
        assertEquals(30, written);
        ObjectStore store = new ObjectStore(S3SinkConfig.of(config));
        ObjectNames names = new ObjectNames(config.get("topics.dir"), "prices", 0, true);
        assertEquals(30, names.nextOffset(store.get(names.note()).orElseThrow()));
        for (long first : List.of(0L, 10L, 20L)) {
            String name = names.object("year=1970/month=01/day=01/hour=00", first);
            assertTrue(store.get(name).isPresent(), name);
            store.delete(name);
        }
        store.delete(names.note());
    }

    @Test
    void aWrongKeyAndAWrongBucketAreToldApart() {
        config.put("aws.secret.access.key", "wrong");
        String key = assertThrows(ConnectException.class, () -> new ObjectStore(S3SinkConfig.of(config)).put("x", new byte[1], "a/b")).getMessage();
        assertTrue(key.contains("HTTP 403"), key);
        config.put("aws.secret.access.key", System.getProperty("s3.secret"));
        config.put("s3.bucket.name", "no-such-bucket-here");
        String bucket = assertThrows(ConnectException.class, () -> new ObjectStore(S3SinkConfig.of(config)).put("x", new byte[1], "a/b")).getMessage();
        assertTrue(bucket.contains("Create the bucket no-such-bucket-here"), bucket);
    }
}

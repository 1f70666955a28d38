package carbon.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.SinkWorkerDouble;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The task against a double of a bucket. */
class S3SinkTaskTest {
    private static final TopicPartition PLACE = new TopicPartition("prices", 2);
    private static final long NOON = Instant.parse("2026-01-01T12:00:00Z").toEpochMilli();
    private static final long HOUR = 3_600_000L;

    private final BucketDouble bucket = new BucketDouble();
    private final Hands clock = new Hands();

    @AfterEach
    void close() {
        bucket.close();
    }

    /** A clock that a test sets. */
    private static final class Hands extends Clock {
        private long millis = NOON;

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(millis);
        }
    }

    private Map<String, String> config(String... more) {
        Map<String, String> config = new HashMap<>(Map.of("store.url", bucket.url(), "s3.bucket.name", "archive", "aws.access.key.id", "key",
            "aws.secret.access.key", "canary-secret", "flush.size", "1000", "s3.retry.backoff.ms", "1", "retry.backoff.ms", "1"));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        return config;
    }

    private static SinkRecord record(long offset, long millis, Object value) {
        return new SinkRecord(PLACE.topic(), PLACE.partition(), Schema.STRING_SCHEMA, "CL", null, value, offset, millis, TimestampType.CREATE_TIME);
    }

    private static List<SinkRecord> records(int count) {
        return LongStream.range(0, count).mapToObj(i -> record(i, NOON, Map.of("n", i))).toList();
    }

    private SinkWorkerDouble worker(List<SinkRecord> log, Map<String, String> config) {
        return new SinkWorkerDouble(PLACE, log).start(new S3SinkTask(clock), config);
    }

    @Test
    void aFullObjectIsWrittenWithItsFieldsAndItsOrigin() {
        Schema schema = SchemaBuilder.struct().field("price", Decimal.schema(2)).field("event_time", Timestamp.SCHEMA).build();
        Struct price = new Struct(schema).put("price", new BigDecimal("-36.98")).put("event_time", new Date(NOON - 2 * HOUR));
        SinkRecord typed = new SinkRecord("prices", 2, Schema.STRING_SCHEMA, "CL", schema, price, 7, NOON, TimestampType.CREATE_TIME);
        SinkWorkerDouble worker = worker(List.of(typed), config("flush.size", "1", "timestamp.extractor", "RecordField", "timestamp.field", "event_time"));
        worker.drain(10).commit();
        assertEquals(List.of("topics/prices/year=2026/month=01/day=01/hour=10/prices+2+0000000007.json.gz"), bucket.archived());
        assertEquals("{\"price\":-36.98,\"event_time\":\"2026-01-01T10:00:00.000Z\",\"_kafka\":{\"topic\":\"prices\",\"partition\":2,\"offset\":7,"
            + "\"timestamp\":" + NOON + ",\"key\":\"CL\"}}", bucket.lines(bucket.archived().get(0)).get(0).toString());
        assertEquals(8, worker.committed);
    }

    @Test
    void offsetsAreCommittedOnlyForWhatIsWritten() {
        SinkWorkerDouble worker = worker(records(25), config("flush.size", "10"));
        worker.drain(25).commit();
        assertEquals(20, worker.committed);
        assertEquals(LongStream.range(0, 20).boxed().toList(), bucket.offsets());
    }

    @Test
    void theScheduleWritesWhatIsNotFull() {
        SinkWorkerDouble worker = worker(records(3), config("rotate.schedule.interval.ms", "10000"));
        worker.drain(3).commit();
        assertEquals(0, worker.committed);
        clock.millis += 10_000;
        worker.round(0);
        worker.commit();
        assertEquals(3, worker.committed);
        assertEquals(1, bucket.archived().size());
    }

    @Test
    void theTimeOfTheRecordsRotates() {
        List<SinkRecord> log = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            log.add(record(i, NOON + i * 1000L, Map.of("n", i)));
        }
        worker(log, config("rotate.interval.ms", "2000")).drain(6);
        assertEquals(List.of(0L, 1L, 2L, 3L), bucket.offsets());
        assertEquals(2, bucket.archived().size());
    }

    @Test
    void badRecordsGoToTheQueueWithTheirReasonAndTheOthersFlow() {
        List<SinkRecord> log = List.of(record(0, NOON, Map.of("n", 0)), record(1, NOON, null), record(2, NOON, "text"),
            record(3, NOON, Map.of("_kafka", 1)), record(4, NOON, Map.of("n", Double.NaN)), record(5, NOON, Map.of("n", 5)));
        SinkWorkerDouble worker = worker(log, config("flush.size", "2"));
        worker.drain(3).commit();
        assertEquals(List.of(0L, 5L), bucket.offsets());
        assertEquals(List.of(1L, 2L, 3L, 4L), worker.dead.stream().map(dead -> dead.record().kafkaOffset()).toList());
        assertTrue(worker.dead.get(1).reason().contains("not an object"), worker.dead.get(1).reason());
        assertEquals(6, worker.committed);
    }

    @Test
    void withoutAQueueABadRecordStopsTheTaskAndSaysWhere() {
        SinkWorkerDouble worker = worker(List.of(record(4, NOON, null)), config());
        worker.reporting = false;
        worker.start(new S3SinkTask(clock), config());
        String message = assertThrows(ConnectException.class, () -> worker.drain(1)).getMessage();
        assertTrue(message.contains("prices-2@4") && message.contains("errors.deadletterqueue.topic.name"), message);
    }

    @ParameterizedTest
    @CsvSource({"500,InternalError", "503,SlowDown", "429,TooManyRequests", "400,RequestTimeout"})
    void whatMayPassIsTriedAgainWithoutLoss(int status, String code) {
        for (int i = 0; i < 10; i++) {
            bucket.refusals.add(new BucketDouble.Refusal(status, code));
        }
        SinkWorkerDouble worker = worker(records(5), config("flush.size", "2", "s3.part.retries", "1"));
        worker.drain(5).commit();
        assertEquals(List.of(0L, 1L, 2L, 3L), bucket.offsets());
        assertEquals(5, worker.retried);
    }

    @Test
    void aStoreThatIsGoneIsWaitedFor() {
        SinkWorkerDouble worker = worker(records(2), config("flush.size", "1", "s3.part.retries", "0"));
        bucket.close();
        assertFalse(worker.round(2));
        assertFalse(worker.round(2));
        assertEquals(0, worker.commit().committed);
    }

    @ParameterizedTest
    @CsvSource({"403,SignatureDoesNotMatch,s3.region", "404,NoSuchBucket,Create the bucket archive"})
    void whatWillNotPassFailsAndKeepsTheSecret(int status, String code, String remedy) {
        bucket.refusals.add(new BucketDouble.Refusal(status, code));
        SinkWorkerDouble worker = worker(records(2), config("flush.size", "1"));
        String message = assertThrows(ConnectException.class, () -> worker.drain(2)).getMessage();
        assertTrue(message.contains(code) && message.contains(remedy), message);
        assertFalse(message.contains("canary"), message);
    }

    /** Crashes between any two writes, cuts that differ from run to run, folders that interleave: the claim of the package. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whateverCrashesEachOffsetIsInOneObject(long seed) {
        Random random = new Random(seed);
        List<SinkRecord> log = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < 300; i++) {
            // Markers of transactions take offsets; a record's hour is independent of its place.
            offset += 1 + random.nextInt(2);
            log.add(record(offset, NOON + random.nextInt(3) * HOUR, Map.of("n", i)));
        }
        SinkWorkerDouble worker = new SinkWorkerDouble(PLACE, log);
        for (int run = 0; run < 40; run++) {
            bucket.writesLeft = random.nextInt(12);
            worker.start(new S3SinkTask(clock), config("flush.size", String.valueOf(1 + random.nextInt(15)), "rotate.schedule.interval.ms", "1000"));
            assertThrows(ConnectException.class, () -> crashing(worker, random), "the double refuses in the end");
            assertEquals(bucket.offsets().stream().distinct().count(), bucket.offsets().size(), "an offset is in two objects");
        }
        bucket.writesLeft = -1;
        worker.start(new S3SinkTask(clock), config("flush.size", "1")).drain(7).commit();
        assertEquals(SinkWorkerDouble.offsets(log), bucket.offsets().stream().sorted().toList());
        assertEquals(offset + 1, worker.committed);
    }

    private void crashing(SinkWorkerDouble worker, Random random) {
        for (int round = 0; round < 1000; round++) {
            worker.round(random.nextInt(9));
            clock.millis += random.nextInt(400);
            if (random.nextInt(6) == 0) {
                worker.commit();
            }
        }
        throw new ConnectException("killed");
    }

    @Test
    void aTopicMadeAnewIsNotTakenForOneThatIsArchived() {
        worker(records(10), config("flush.size", "10")).drain(10);
        SinkWorkerDouble anew = worker(records(4), config("flush.size", "1"));
        anew.round(2);
        String message = assertThrows(ConnectException.class, () -> anew.round(2)).getMessage();
        assertTrue(message.contains("made anew") && message.contains("up to offset 10"), message);
    }

    @Test
    void offsetsMovedByHandAreFollowed() {
        worker(records(10), config("flush.size", "10")).drain(10);
        assertTrue(bucket.objects.containsKey("topics/_archived/prices+2.json"));
        Map<TopicPartition, Long> reset = new HashMap<>();
        reset.put(PLACE, null);
        new S3SinkConnector().alterOffsets(config(), reset);
        assertFalse(bucket.objects.containsKey("topics/_archived/prices+2.json"));
    }

    @Test
    void aConfigurationThatCannotWorkIsRefusedByKey() {
        Map<String, String> wrong = config("store.url", "archive", "path.format", "'year'=bb", "s3.part.sise", "1");
        assertEquals(List.of("store.url", "path.format", "s3.part.sise"), List.copyOf(S3SinkConfig.mistakes(wrong).keySet()));
        assertFalse(new S3SinkConnector().validate(wrong).toString().contains("canary"));
    }

    @Test
    void foldersFollowZoneAndDuration() {
        TimePath path = S3SinkConfig.of(config("timezone", "Asia/Kolkata", "partition.duration.ms", "86400000", "path.format", "YYYY-MM-dd'T'HH")).path();
        assertEquals("2026-01-01T00", path.of(NOON));
        assertEquals("2026-01-02T00", path.of(NOON + 7 * HOUR));
    }
}

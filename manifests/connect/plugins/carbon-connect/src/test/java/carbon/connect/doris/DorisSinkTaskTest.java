package carbon.connect.doris;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.SinkWorkerDouble;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The task against a double of Doris. */
class DorisSinkTaskTest {
    private static final TopicPartition PLACE = new TopicPartition("weather-events", 1);

    private final DorisDouble doris = new DorisDouble();

    DorisSinkTaskTest() {
        doris.tables.put("weather", new ArrayList<>());
    }

    @AfterEach
    void close() {
        doris.close();
    }

    private Map<String, String> config(String... more) {
        Map<String, String> config = new HashMap<>(Map.of("name", "doris-weather", "doris.urls", doris.address(), "doris.user", "loader",
            "doris.password", "right", "doris.database", "db", "doris.topic2table.map", "weather-events:weather", "buffer.count.records", "10",
            "buffer.flush.time", "1", "retry.interval.ms", "1"));
        for (int i = 0; i < more.length; i += 2) {
            config.put(more[i], more[i + 1]);
        }
        return config;
    }

    private static SinkRecord record(long offset, Object value) {
        return new SinkRecord(PLACE.topic(), PLACE.partition(), Schema.STRING_SCHEMA, "S", null, value, offset, 0L, TimestampType.CREATE_TIME);
    }

    private static List<SinkRecord> records(int count) {
        return LongStream.range(0, count).mapToObj(i -> record(i, Map.of("n", i))).toList();
    }

    private SinkWorkerDouble worker(List<SinkRecord> log, Map<String, String> config) {
        return new SinkWorkerDouble(PLACE, log).start(new DorisSinkTask(), config);
    }

    private List<Long> loaded() {
        return doris.tables.get("weather").stream().map(row -> row.path("n").longValue()).toList();
    }

    @Test
    void fullBatchesAreLoadedAndOnlyTheyAreCommitted() {
        SinkWorkerDouble worker = worker(records(25), config());
        worker.drain(25).commit();
        assertEquals(LongStream.range(0, 20).boxed().toList(), loaded());
        assertEquals(20, worker.committed);
        Map<String, List<String>> headers = doris.headers.get(0);
        List<String> sent = List.of("Format", "Read_json_by_line", "Max_filter_ratio", "Strict_mode", "Expect").stream()
            .map(name -> headers.get(name).get(0).toLowerCase(Locale.ROOT)).toList();
        assertEquals(List.of("json", "true", "0", "true", "100-continue"), sent);
        assertTrue(headers.get("Label").get(0).matches("doris-weather_weather-events_[0-9a-f]{8}_1_0_9"), headers.get("Label").get(0));
    }

    @Test
    void whatWaitsTooLongIsLoaded() throws InterruptedException {
        SinkWorkerDouble worker = worker(records(3), config());
        worker.drain(3);
        assertEquals(List.of(), loaded());
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (loaded().isEmpty() && System.nanoTime() < deadline) {
            worker.round(0);
            Thread.sleep(20);
        }
        assertEquals(List.of(0L, 1L, 2L), loaded());
        assertEquals(3, worker.commit().committed);
    }

    @Test
    void rowsThatDorisRefusesArePickedOutWithItsReason() {
        List<SinkRecord> log = new ArrayList<>(records(20));
        log.set(3, record(3, Map.of("bad", true)));
        log.set(4, record(4, Map.of("bad", true)));
        log.set(19, record(19, Map.of("bad", true)));
        SinkWorkerDouble worker = worker(log, config("buffer.count.records", "20"));
        worker.drain(20).commit();
        assertEquals(17, loaded().stream().distinct().count());
        assertEquals(17, loaded().size());
        assertEquals(List.of(3L, 4L, 19L), worker.dead.stream().map(dead -> dead.record().kafkaOffset()).toList());
        assertTrue(worker.dead.get(0).reason().endsWith("Reason: price is no number. src line [x]"), worker.dead.get(0).reason());
        assertEquals(20, worker.committed);
    }

    @Test
    void whatIsNoRowAndWhatHasNoTableAreDeadLetters() {
        List<SinkRecord> log = List.of(record(0, Map.of("n", 0)), record(1, null), record(2, List.of()));
        SinkWorkerDouble worker = worker(log, config("buffer.count.records", "1"));
        worker.drain(3).commit();
        assertEquals(List.of(0L), loaded());
        assertEquals(2, worker.dead.size());
        SinkWorkerDouble missing = worker(records(2), config("doris.topic2table.map", "weather-events:nowhere", "buffer.count.records", "1"));
        missing.drain(2).commit();
        assertEquals(2, missing.committed);
        assertTrue(missing.dead.get(1).reason().contains("unknown table, tableName=nowhere"), missing.dead.get(1).reason());
        SinkWorkerDouble unmapped = worker(records(1), config("doris.topic2table.map", "other:weather"));
        unmapped.drain(1);
        assertTrue(unmapped.dead.get(0).reason().contains("no table for the topic weather-events"), unmapped.dead.get(0).reason());
    }

    @Test
    void anAnswerThatIsLostIsNoRowTwice() {
        doris.fault = DorisDouble.Fault.LOADED_BUT_NO_ANSWER;
        SinkWorkerDouble worker = worker(records(10), config());
        assertFalse(worker.round(10));
        assertEquals(10, loaded().size());
        doris.fault = DorisDouble.Fault.NONE;
        worker.drain(10).commit();
        assertEquals(10, loaded().size());
        assertEquals(10, worker.committed);
    }

    @Test
    void aServerErrorIsTriedAgainUntilTheRetriesAreUsedUp() {
        doris.fault = DorisDouble.Fault.SERVER_ERROR;
        SinkWorkerDouble worker = worker(records(10), config("max.retries", "2"));
        assertFalse(worker.round(10));
        assertFalse(worker.round(10));
        String message = assertThrows(ConnectException.class, () -> worker.round(10)).getMessage();
        assertTrue(message.contains("Given up after 2 retries") && message.contains("HTTP 500 no backend"), message);
    }

    @Test
    void aFrontendThatIsGoneIsPassedOver() {
        SinkWorkerDouble worker = worker(records(10), config("doris.urls", "127.0.0.1:1," + doris.address()));
        assertFalse(worker.round(10));
        worker.drain(10).commit();
        assertEquals(10, loaded().size());
        assertEquals(10, worker.committed);
    }

    @Test
    void aWrongPasswordFailsAtOnceSinceDorisLocksTheUser() {
        doris.password = "other";
        SinkWorkerDouble worker = worker(records(10), config("doris.password", "canary-secret"));
        String message = assertThrows(ConnectException.class, () -> worker.round(10)).getMessage();
        assertTrue(message.contains("Access denied") && message.contains("doris.password"), message);
        assertFalse(message.contains("canary"), message);
        assertEquals(1, doris.loads);
    }

    /** Crashes at any place, batches cut elsewhere in each run, refused rows between: each good row is there once. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void whateverCrashesEachRowIsLoadedOnce(long seed) {
        Random random = new Random(seed);
        List<SinkRecord> log = new ArrayList<>();
        List<Long> good = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < 120; i++) {
            offset += 1 + random.nextInt(2);
            boolean bad = random.nextInt(12) == 0;
            log.add(record(offset, bad ? Map.of("bad", true) : Map.of("n", offset)));
            if (!bad) {
                good.add(offset);
            }
        }
        SinkWorkerDouble worker = new SinkWorkerDouble(PLACE, log);
        for (int run = 0; run < 12; run++) {
            worker.start(new DorisSinkTask(Clock.systemUTC()), config("buffer.count.records", String.valueOf(1 + random.nextInt(9)), "max.retries", "-1"));
            for (int round = random.nextInt(5); round >= 0; round--) {
                doris.fault = DorisDouble.Fault.values()[random.nextInt(3)];
                worker.round(random.nextInt(20));
                if (random.nextInt(4) == 0) {
                    worker.commit();
                }
            }
        }
        doris.fault = DorisDouble.Fault.NONE;
        worker.start(new DorisSinkTask(), config("buffer.count.records", "1")).drain(7).commit();
        assertEquals(good, loaded().stream().sorted().toList());
        assertEquals(offset + 1, worker.committed);
    }

    @Test
    void aLoadOfAnEarlierTaskThatIsNotOverIsWaitedFor() {
        String stem = Labels.of("doris-weather", "weather", PLACE.topic(), PLACE.partition(), true).stem();
        doris.labels.put(stem + "_0_4", "PREPARE");
        SinkWorkerDouble worker = worker(records(10), config());
        assertFalse(worker.round(10));
        doris.labels.put(stem + "_0_4", "VISIBLE");
        worker.drain(10);
        worker.start(new DorisSinkTask(), config("buffer.count.records", "1")).drain(10);
        assertEquals(LongStream.range(5, 10).boxed().toList(), loaded());
    }

    @Test
    void deletesCarryTheSign() {
        SinkRecord delete = new SinkRecord(PLACE.topic(), PLACE.partition(), null, Map.of("n", 7), null, null, 0, 0L, TimestampType.CREATE_TIME);
        worker(List.of(delete, record(1, Map.of("n", 8))), config("enable.delete", "true", "buffer.count.records", "2")).drain(2);
        assertEquals("[{\"n\":7,\"__DORIS_DELETE_SIGN__\":1}, {\"n\":8,\"__DORIS_DELETE_SIGN__\":0}]", doris.tables.get("weather").toString());
        assertEquals(List.of("__DORIS_DELETE_SIGN__"), doris.headers.get(0).get("Hidden_columns"));
    }

    @Test
    void labelsOfOthersSayNothing() {
        Labels labels = Labels.of("p", "t", "a.b", 1, true);
        assertEquals(10, labels.next(labels.of(5, 9)).getAsLong());
        assertTrue(labels.next(labels.of(5, 9) + "_x").isEmpty());
        assertTrue(labels.next(Labels.of("p", "t", "a-b", 1, true).of(5, 9)).isEmpty(), "another topic that reads the same");
        assertTrue(Labels.of("p".repeat(48), "t", "x".repeat(249), 999, true).of(9_999_999_999L, 9_999_999_999L).length() <= 128);
    }

    @Test
    void aConfigurationThatCannotWorkIsRefusedByKey() {
        Map<String, String> wrong = config("doris.urls", "http://x", "doris.topic2table.map", "a", "enable.2pc", "true", "doris.batch", "1",
            "sink.properties.max_filter_ratio", "0.5");
        assertEquals(List.of("doris.urls", "doris.topic2table.map", "enable.2pc", "sink.properties.max_filter_ratio", "doris.batch"),
            List.copyOf(DorisSinkConfig.mistakes(wrong).keySet()));
    }
}

package carbon.connect.websocket;

import static carbon.connect.websocket.Feeds.tick;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.TestWorker;
import java.io.IOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is asked of a feed, what is emitted, and what happens when the feed is not as it should be. */
@Timeout(30)
class WebSocketSourceTaskTest {
    private final TestFeed feed = TestFeed.open();
    private final TestWorker worker = new TestWorker(WebSocketSourceTask::new);

    @AfterEach
    void close() throws IOException {
        worker.close();
        feed.close();
    }

    private List<String> ids() {
        return worker.records.stream().map(record -> ((Struct) record.value()).getString("event_id")).toList();
    }

    private static List<String> ids(int first, int last) {
        return IntStream.rangeClosed(first, last).mapToObj(seq -> "FEED-" + seq).toList();
    }

    private TestFeed.Session opened() throws InterruptedException {
        int sessions = feed.sessions.size();
        worker.until(() -> feed.sessions.size() > sessions && !feed.sessions.get(sessions).heard.isEmpty());
        return feed.session();
    }

    private String failure() {
        ConnectException error = assertThrows(ConnectException.class, () -> worker.until(() -> false));
        assertFalse((error.getMessage() + error.getCause()).contains(Feeds.TOKEN), error.getMessage());
        return error.getMessage();
    }

    @Test
    void aTickBecomesARawPriceAtOnce() throws Exception {
        worker.start(Feeds.config(feed));
        TestFeed.Session session = opened();
        assertEquals("Bearer " + Feeds.TOKEN, session.headers.get("authorization"));
        assertEquals("{\"subscribe\":\"prices\",\"after\":-1}", session.hear());
        session.say("{\"type\":\"subscribed\"}", tick(7));
        worker.untilRecords(1);
        SourceRecord record = worker.records.get(0);
        assertEquals("CL", record.key());
        assertEquals(Map.of("seq", "7"), record.sourceOffset());
        assertEquals(new BigDecimal("-36.980000"), ((Struct) record.value()).get("price"));
        assertEquals(1, worker.metric("websocket-passed-over-total"));
        assertEquals(0, worker.metric("websocket-gaps-total"));
    }

    @Test
    void aRestartedTaskAsksForWhatCameAfterItsOffset() throws Exception {
        worker.offsets.put(MessageReader.PARTITION, Map.of("seq", "41"));
        worker.start(Feeds.config(feed));
        TestFeed.Session session = opened();
        assertEquals("{\"subscribe\":\"prices\",\"after\":41}", session.hear());
        session.say(tick(40), tick(41), tick(42));
        worker.untilRecords(1);
        assertEquals(ids(42, 42), ids());
        assertEquals(2, worker.metric("websocket-repeated-total"));
    }

    @Test
    void aCutConnectionIsMadeAnewAndNothingIsLostOrRepeated() throws Exception {
        worker.start(Feeds.config(feed));
        TestFeed.Session first = opened();
        first.hear();
        first.say(tick(1), tick(2), tick(3));
        // What was on its way when the connection was cut may be lost with it, so the feed is asked for it again.
        first.cut();
        TestFeed.Session second = opened();
        int got = worker.records.size();
        assertEquals("{\"subscribe\":\"prices\",\"after\":" + (got == 0 ? -1 : got) + "}", second.hear());
        for (int seq = got + 1; seq <= 4; seq++) {
            second.say(tick(seq));
        }
        worker.untilRecords(4);
        assertEquals(ids(1, 4), ids());
        assertEquals(2, worker.metric("websocket-connects-total"));
    }

    @Test
    void aConnectionThatAnswersNoPingIsDead() throws Exception {
        feed.answersPings = false;
        worker.start(Feeds.config(feed, WebSocketSourceConfig.PING_INTERVAL, "50", WebSocketSourceConfig.IDLE_TIMEOUT, "300"));
        opened();
        opened();
        assertTrue(worker.metric("websocket-failures-total") >= 1);
    }

    @Test
    void aQuietFeedThatAnswersPingsIsAlive() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.PING_INTERVAL, "50", WebSocketSourceConfig.IDLE_TIMEOUT, "2000"));
        TestFeed.Session session = opened();
        long until = System.nanoTime() + 3_500_000_000L;
        worker.until(() -> System.nanoTime() > until);
        session.say(tick(1));
        worker.untilRecords(1);
        assertEquals(1, worker.metric("websocket-connects-total"));
    }

    @Test
    void aFeedThatOwesNewsIsLeftWhenItIsSilent() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.PING_INTERVAL, "50", WebSocketSourceConfig.MESSAGE_TIMEOUT, "300"));
        opened();
        opened();
        assertTrue(worker.metric("websocket-failures-total") >= 1);
    }

    @Test
    void garbageIsCountedAndStopsNothing() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.MAX_BYTES, "1000"));
        TestFeed.Session session = opened();
        session.say(tick(1), "{\"type\":\"tick\",\"seq\":2,\"co", "\u0000\u0001", "7", tick(2).replace("-36.98", "\"abc\""), tick(3) + "x",
            "[\"" + "x".repeat(2000) + "\"]", "{\"type\":\"tick\",\"seq\":\"x\"}", "{\"type\":\"tick\",\"seq\":3,\"code\":null,\"price\":1}", tick(4));
        worker.untilRecords(2);
        assertEquals(List.of("FEED-1", "FEED-4"), ids());
        assertEquals(8, worker.metric("websocket-malformed-total"));
        assertEquals(0, worker.metric("websocket-gaps-total"));
    }

    @Test
    void garbageFailsTheTaskWhereThatIsWanted() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.MALFORMED, "fail"));
        opened().say("garbage that repeats Bearer " + Feeds.TOKEN);
        assertTrue(failure().contains("The message garbage that repeats *** does not fit: not a JSON object or array"));
    }

    @Test
    void aMessageInPartsIsOne() throws Exception {
        worker.start(Feeds.config(feed));
        opened().sayInParts("{\"type\":\"tick\",\"seq\":1,", "\"code\":\"CL\"", ",\"price\":1}");
        worker.untilRecords(1);
        assertEquals(ids(1, 1), ids());
    }

    @Test
    void aListOfRecordsIsTakenApart() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.SELECT, "", WebSocketSourceConfig.LIST_POINTER, "/ticks"));
        opened().say("{\"ticks\":[" + tick(1) + "," + tick(2) + "]}");
        worker.untilRecords(2);
        assertEquals(ids(1, 2), ids());
    }

    @Test
    void aFeedIsHeldBackWhileNobodyTakesItsMessages() throws Exception {
        int all = 15_000;
        worker.start(Feeds.config(feed, WebSocketSourceConfig.BUFFER, "10"));
        TestFeed.Session session = opened();
        AtomicInteger said = new AtomicInteger();
        String padding = "\",\"note\":\"" + "x".repeat(1000) + "\"";
        Thread saying = new Thread(() -> {
            try {
                for (int seq = 1; seq <= all; seq++) {
                    session.say(tick(seq).replace("\"CL\"", "\"CL" + padding));
                    said.set(seq);
                }
            } catch (IOException error) {
                throw new AssertionError(error);
            }
        });
        saying.start();
        int before = -1;
        // Nobody polls, so sooner or later the feed cannot send any more.
        while (before != said.get()) {
            before = said.get();
            saying.join(300);
        }
        assertTrue(said.get() < all, "the feed could send everything");
        worker.untilRecords(all);
        assertEquals(ids(1, all), ids());
        saying.join();
    }

    @Test
    void whatTheFeedDroppedIsCounted() throws Exception {
        worker.start(Feeds.config(feed));
        TestFeed.Session session = opened();
        session.say(tick(1), "{\"type\":\"gap\",\"gap\":{\"from\":2,\"to\":8}}", tick(9));
        worker.untilRecords(2);
        // Once because the feed says so, once because the numbers show it.
        assertEquals(2, worker.metric("websocket-gaps-total"));
    }

    @Test
    void aComplaintOfTheFeedIsARetryAndThenTheReasonOfTheFailure() throws Exception {
        worker.start(Feeds.config(feed, WebSocketSourceConfig.RETRY_TIMEOUT, "0"));
        opened().say("{\"type\":\"error\",\"error\":\"after 9 is ahead of Bearer " + Feeds.TOKEN + "\"}");
        assertTrue(failure().contains("the feed complains: after 9 is ahead of ***"));
    }

    @Test
    void aRefusedTokenFailsTheTaskAtOnce() {
        feed.refuse("401 Unauthorized");
        worker.start(Feeds.config(feed));
        assertTrue(failure().contains("answered HTTP 401 (check address, headers and token)"));
    }

    @Test
    void aFeedThatIsDownIsAskedAgainAfterTheTimeThatItNames() throws Exception {
        feed.refuse("503 Down\r\nRetry-After: 1", "500 Oops");
        long started = System.nanoTime();
        worker.start(Feeds.config(feed));
        opened();
        assertTrue(System.nanoTime() - started >= 1_000_000_000L);
        assertEquals(2, worker.metric("websocket-failures-total"));
    }

    @Test
    void aFeedThatIsNotThereIsNamedWhenTimeIsUp() throws Exception {
        feed.close();
        worker.start(Feeds.config(feed, WebSocketSourceConfig.RETRY_TIMEOUT, "100"));
        String message = failure();
        assertTrue(message.contains(feed.url() + ": gave up after ") && message.contains("ConnectException"), message);
    }

    @Test
    void anOffsetOfSomebodyElseIsRefused() {
        worker.offsets.put(MessageReader.PARTITION, Map.of("period", "2020-01-01"));
        assertTrue(assertThrows(ConnectException.class, () -> worker.start(Feeds.config(feed))).getMessage().contains("reset its offsets"));
    }
}

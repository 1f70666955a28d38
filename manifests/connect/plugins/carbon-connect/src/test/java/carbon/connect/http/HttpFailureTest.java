package carbon.connect.http;

import static carbon.connect.http.Configs.answer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.TestApi;
import carbon.connect.common.TestApi.Answer;
import carbon.connect.common.TestWorker;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import org.apache.kafka.connect.errors.ConnectException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens when an API does not answer as it should: back-off, giving up, and no secret in any message. */
@Timeout(30)
class HttpFailureTest {
    private final TestApi api = TestApi.open();
    private final TestWorker worker = new TestWorker(HttpSourceTask::new);

    @AfterEach
    void close() {
        worker.close();
        api.close();
    }

    private double secondsBetween(int first, int second) {
        return (api.seen.get(second).nanos() - api.seen.get(first).nanos()) / 1e9;
    }

    private String failure(Map<String, String> config) {
        worker.start(config);
        ConnectException error = assertThrows(ConnectException.class, () -> worker.until(() -> false));
        assertFalse(error.getMessage().contains("\n"), error.getMessage());
        assertFalse(error.getMessage().contains("s3cr3t"), error.getMessage());
        assertNull(error.getCause());
        return error.getMessage();
    }

    @Test
    void retryAfterInSecondsIsObeyed() throws InterruptedException {
        api.once(Answer.status(429, "slow down").with("Retry-After", "1"));
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api)).untilRecords(1);
        assertTrue(secondsBetween(0, 1) >= 1.0, "waited " + secondsBetween(0, 1));
        assertEquals(1, worker.metric("http-throttled-total"));
    }

    @Test
    void retryAfterAsADateIsObeyed() throws InterruptedException {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(Instant.now().plusSeconds(2).atOffset(ZoneOffset.UTC));
        api.once(Answer.status(503, "maintenance").with("Retry-After", date));
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api)).untilRecords(1);
        // The date has whole seconds, so between one and two are left of it.
        assertTrue(secondsBetween(0, 1) > 0.8, "waited " + secondsBetween(0, 1));
    }

    @Test
    void throttlingHoldsEverySourcePartitionBack() throws InterruptedException {
        api.once(Answer.status(429, "").with("Retry-After", "1"));
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api, HttpSourceConfig.PARTITIONS, "A,B")).until(() -> api.seen.size() >= 3);
        assertTrue(secondsBetween(0, 1) >= 1.0, "the other partition asked after " + secondsBetween(0, 1));
    }

    @Test
    void throttlingDoesNotCountTowardsGivingUp() throws InterruptedException {
        Answer throttled = Answer.status(429, "").with("Retry-After", "0");
        api.once(throttled, throttled, throttled, throttled, throttled, throttled);
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api, HttpSourceConfig.RETRY_TIMEOUT, "1")).untilRecords(1);
        assertEquals(6, worker.metric("http-throttled-total"));
    }

    @Test
    void serverErrorsAndGarbageAreRetriedWithGrowingWaits() throws InterruptedException {
        api.once(Answer.status(500, "oops"), Answer.json("<html>no JSON</html>"), Answer.json("{\"response\":{\"data\":[{\"per"),
            Answer.json("{\"response\":{}}"), Answer.json("{\"response\":{\"data\":3}}"));
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api, HttpSourceConfig.RETRY_BACKOFF, "40", HttpSourceConfig.RETRY_BACKOFF_MAX, "200")).untilRecords(1);
        assertEquals(5, worker.metric("http-failures-total"));
        assertEquals(4, worker.metric("http-garbage-total"));
        assertTrue(secondsBetween(0, 1) >= 0.02 && secondsBetween(4, 5) >= 0.1, "first " + secondsBetween(0, 1) + ", fifth " + secondsBetween(4, 5));
    }

    @Test
    void afterALongFailureTheTaskFailsWithTheLastReason() {
        api.always(request -> Answer.json("no json with " + Configs.KEY));
        String message = failure(Configs.eia(api, HttpSourceConfig.RETRY_TIMEOUT, "100"));
        assertTrue(message.matches("default: gave up after \\d+ failures in \\d+ ms, the last: GET http://127.0.0.1:\\d+/v2/data/: "
            + "the answer is not a JSON object or array: no json with \\*\\*\\*"), message);
    }

    @Test
    void aRefusedKeyFailsTheTaskAtOnceAndIsNotRepeatedInTheMessage() {
        api.always(request -> Answer.status(403, "{\"error\":{\"code\":\"API_KEY_INVALID\",\n\"key\":\"" + request.query().get("api_key") + "\"}}"));
        String message = failure(Configs.eia(api));
        assertTrue(message.contains("answered HTTP 403") && message.contains("API_KEY_INVALID") && message.contains("\"key\":\"***\""), message);
        assertEquals(1, api.seen.size());
    }

    @Test
    void anUnreachableHostIsRetriedAndNamedWithoutItsQuery() {
        String url = api.url("/v2/data/");
        api.close();
        String message = failure(Configs.eia(api, HttpSourceConfig.URL, url, HttpSourceConfig.RETRY_TIMEOUT, "100"));
        assertTrue(message.contains("GET " + url + ": ConnectException"), message);
    }

    @Test
    void aSlowAnswerTimesOut() {
        api.always(request -> Answer.json(answer()).after(2000));
        String message = failure(Configs.eia(api, HttpSourceConfig.READ_TIMEOUT, "100", HttpSourceConfig.RETRY_TIMEOUT, "0"));
        assertTrue(message.contains("gave no complete answer within 100 ms"), message);
    }

    @Test
    void anAnswerThatStallsInItsBodyTimesOut() {
        api.always(request -> Answer.json(answer("RWTC 2020-04-20 1")).stallingInTheBody(2000));
        String message = failure(Configs.eia(api, HttpSourceConfig.READ_TIMEOUT, "200", HttpSourceConfig.RETRY_TIMEOUT, "0"));
        assertTrue(message.contains("gave no complete answer within 200 ms"), message);
    }

    @Test
    void anAnswerThatIsTooLargeFailsTheTask() {
        api.alwaysJson("[\"" + "x".repeat(5000) + "\"]");
        String message = failure(Configs.eia(api, HttpSourceConfig.MAX_BYTES, "1000"));
        assertTrue(message.contains("larger than 1000 bytes"), message);
    }

    @Test
    void aRedirectWithinTheHostIsFollowedWithTheKey() throws InterruptedException {
        api.always(request -> request.path().equals("/v3/") ? Answer.json(answer("RWTC 2020-04-20 1"))
            : Answer.status(307, "").with("Location", "/v3/?api_key=again"));
        worker.start(Configs.eia(api, HttpSourceConfig.HEADERS, "token: t")).untilRecords(1);
        assertEquals("t", api.seen.get(1).headers().get("Token").get(0));
    }

    @Test
    void aRedirectToAnotherHostIsRefused() {
        api.always(request -> Answer.status(302, "").with("Location", "http://localhost:1/steal?api_key=s3cr3t"));
        assertTrue(failure(Configs.eia(api)).contains("redirects to another host (http://localhost), which is refused"));
        assertEquals(1, api.seen.size());
    }

    @Test
    void aRedirectLoopEnds() {
        api.always(request -> Answer.status(302, "").with("Location", "/again"));
        assertTrue(failure(Configs.eia(api)).contains("redirects more than 5 times"));
    }

    @Test
    void aTaskThatIsLateDoesNotPollFaster() throws InterruptedException {
        api.once(Answer.json(answer()).after(700));
        api.alwaysJson(answer());
        worker.start(Configs.eia(api, HttpSourceConfig.INTERVAL, "150")).until(() -> api.seen.size() >= 5);
        // The first answer took more than four intervals; what was missed is not made up.
        for (int i = 2; i < 5; i++) {
            assertTrue(secondsBetween(i - 1, i) >= 0.14, "poll " + i + " after " + secondsBetween(i - 1, i));
        }
    }

    @Test
    void aRowThatDoesNotFitFailsTheTaskUnlessItIsToBeSkipped() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-20 abc", "RWTC 2020-04-21 2"));
        assertTrue(failure(Configs.eia(api)).contains("price: 'abc' is not a number"));
        worker.close();
        api.alwaysJson(answer("OTHER 2020-04-21 2", "RWTC 2020-04-20 abc", "RWTC 2020-04-21 2"));
        assertTrue(failure(Configs.eia(api)).contains("the map has no translation of 'OTHER'"));
        worker.close();
        worker.start(Configs.eia(api, HttpSourceConfig.ON_ERROR, "skip")).untilRecords(1);
        assertEquals(2, worker.metric("rows-skipped-total"));
    }

    @Test
    void unsortedPagesBeyondTheLimitAreRefusedRatherThanLost() {
        api.always(request -> Answer.json(request.query().get("offset").equals("0")
            ? answer("RWTC 2020-04-21 2", "RWTC 2020-04-20 1") : answer("RWTC 2020-04-19 2", "RWTC 2020-04-18 1")));
        assertTrue(failure(Configs.eia(api, HttpSourceConfig.PAGE_OFFSET_PARAM, "offset", HttpSourceConfig.PAGE_LENGTH, "2",
            HttpSourceConfig.PAGES_MAX, "2")).contains("not sorted by period ascending"));
    }
}

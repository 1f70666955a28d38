package carbon.connect.websocket;

import carbon.connect.common.Backoff;
import carbon.connect.common.RetryAfter;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps a connection to the feed: connects, subscribes, pings, notices when it is dead, and connects again after a wait. */
final class FeedClient {
    private static final Logger LOG = LoggerFactory.getLogger(FeedClient.class);
    private static final Set<Integer> MAY_PASS = Set.of(408, 425, 429);
    private static final int EXCERPT = 200;
    private static final long LONGEST_RETRY_AFTER = 3_600_000;

    private final WebSocketSourceConfig config;
    private final Counters counters;
    private final HttpClient client;
    private final Backoff backoff;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private CompletableFuture<WebSocket> connecting;
    private Connection opened;
    private Connection connection;
    private String subscribedAfter;
    private long pingedNanos;
    private long dueNanos = System.nanoTime();
    private long failingSinceNanos;
    private int failures;

    FeedClient(WebSocketSourceConfig config, Counters counters) {
        this.config = config;
        this.counters = counters;
        client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).version(HttpClient.Version.HTTP_1_1).build();
        backoff = new Backoff(config.getLong(WebSocketSourceConfig.RETRY_BACKOFF), config.getLong(WebSocketSourceConfig.RETRY_BACKOFF_MAX),
            LONGEST_RETRY_AFTER, config.getLong(WebSocketSourceConfig.RETRY_TIMEOUT), Math::random);
    }

    /**
     * The next message, after connecting where that is needed; null when there is none within the time.
     *
     * @param lastOffset what a new subscription goes on after
     * @throws ConnectException when the feed refuses for good, or failures have lasted too long
     */
    String next(String lastOffset, long millis) throws InterruptedException {
        if (connection == null && !connect(lastOffset, millis)) {
            return null;
        }
        String message = connection.take(millis);
        if (message == null) {
            lookAfter();
        }
        return message;
    }

    /** A record has come: what was wrong before is over. */
    void accepted() {
        failures = 0;
    }

    /** Give the connection up, and connect again after a wait. */
    void fail(String reason) {
        retry(reason, null);
    }

    void close() {
        stopped.countDown();
        if (connecting != null) {
            connecting.cancel(true);
        }
        if (opened != null) {
            opened.abort();
        }
    }

    private boolean connect(String lastOffset, long millis) throws InterruptedException {
        long started = System.nanoTime();
        if (connecting == null) {
            long wait = TimeUnit.NANOSECONDS.toMillis(Math.max(0, dueNanos - started) + 999_999);
            if (stopped.await(Math.min(wait, millis), TimeUnit.MILLISECONDS) || wait > millis) {
                return false;
            }
            begin(lastOffset);
        }
        try {
            connecting.get(Math.max(millis, 1), TimeUnit.MILLISECONDS);
            connecting = null;
            connection = opened;
            counters.connects.incrementAndGet();
            pingedNanos = System.nanoTime();
            if (!config.subscribe(subscribedAfter).isEmpty()) {
                connection.send(config.subscribe(subscribedAfter));
            }
            LOG.info("Connected to {}, going on after {} {} ({})", config.url(), config.offset().name(), subscribedAfter, counters);
            return true;
        } catch (TimeoutException stillConnecting) {
            return false;
        } catch (ExecutionException error) {
            connecting = null;
            refused(error.getCause());
            return false;
        }
    }

    private void begin(String lastOffset) {
        subscribedAfter = lastOffset;
        opened = new Connection(config.getInt(WebSocketSourceConfig.BUFFER), config.getInt(WebSocketSourceConfig.MAX_BYTES));
        WebSocket.Builder builder = client.newWebSocketBuilder()
            .connectTimeout(Duration.ofMillis(config.getInt(WebSocketSourceConfig.CONNECT_TIMEOUT)));
        config.headers().forEach(header -> builder.header(header.getKey(), header.getValue()));
        connecting = builder.buildAsync(config.url(), opened);
    }

    private void refused(Throwable cause) {
        if (!(cause instanceof WebSocketHandshakeException handshake)) {
            retry(clean(cause.getClass().getSimpleName() + " " + cause.getMessage()), null);
            return;
        }
        HttpResponse<?> response = handshake.getResponse();
        int status = response.statusCode();
        String message = "the feed answered HTTP " + status;
        if (status >= 400 && status < 500 && !MAY_PASS.contains(status)) {
            counters.failures.incrementAndGet();
            throw new ConnectException(config.url() + ": " + message + " (check address, headers and token)");
        }
        retry(message, response.headers().firstValue("Retry-After").map(text -> RetryAfter.parse(text, Instant.now())).orElse(null));
    }

    private void lookAfter() {
        String ended = connection.ended();
        long idle = config.getInt(WebSocketSourceConfig.IDLE_TIMEOUT);
        long silent = config.getInt(WebSocketSourceConfig.MESSAGE_TIMEOUT);
        if (ended != null) {
            retry(clean(ended), null);
        } else if (idle > 0 && connection.millisSinceHeard() >= idle) {
            retry("nothing came for " + idle + " ms, not even a pong", null);
        } else if (silent > 0 && connection.millisSinceMessage() >= silent) {
            retry("no message came for " + silent + " ms", null);
        } else {
            ping();
        }
    }

    private void ping() {
        long interval = TimeUnit.MILLISECONDS.toNanos(config.getInt(WebSocketSourceConfig.PING_INTERVAL));
        if (interval > 0 && System.nanoTime() - pingedNanos >= interval) {
            pingedNanos = System.nanoTime();
            connection.ping();
        }
    }

    private void retry(String reason, Duration retryAfter) {
        if (connection != null) {
            connection.abort();
            connection = null;
        }
        counters.failures.incrementAndGet();
        long now = System.nanoTime();
        if (failures == 0) {
            failingSinceNanos = now;
        }
        failures++;
        long failingMillis = TimeUnit.NANOSECONDS.toMillis(now - failingSinceNanos);
        if (backoff.givesUp(failingMillis)) {
            throw new ConnectException(config.url() + ": gave up after " + failures + " failures in " + failingMillis
                + " ms, the last: " + reason);
        }
        long wait = backoff.millis(failures, retryAfter);
        dueNanos = now + TimeUnit.MILLISECONDS.toNanos(wait);
        LOG.warn("{}: {}; failure {} in a row, next try in {} ms ({})", config.url(), reason, failures, wait, counters);
    }

    private String clean(String text) {
        return config.redactor().clean(text, EXCERPT);
    }
}

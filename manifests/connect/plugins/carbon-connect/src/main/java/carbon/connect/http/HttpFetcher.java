package carbon.connect.http;

import carbon.connect.common.LimitedBody;
import carbon.connect.common.Redactor;
import carbon.connect.common.RetryAfter;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Sends a request and gives the JSON of its answer, or a failure that says what follows from it.
 *
 * <p>Redirects are followed only within the same scheme, host and port, since headers and parameters may carry a key. No
 * message contains a query string.
 */
final class HttpFetcher {
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Set<Integer> MAY_PASS = Set.of(408, 425);
    private static final int MAX_REDIRECTS = 5;
    private static final int EXCERPT = 200;
    private static final ObjectMapper JSON = JsonMapper.builder()
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final HttpClient client;
    private final Redactor redactor;
    private final Counters counters;
    private final int answerMillis;
    private final int maxBytes;
    private volatile long heldUntilNanos = System.nanoTime();

    HttpFetcher(HttpSourceConfig config, Counters counters) {
        client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofMillis(config.getInt(HttpSourceConfig.CONNECT_TIMEOUT))).build();
        redactor = config.request().redactor();
        this.counters = counters;
        answerMillis = config.getInt(HttpSourceConfig.READ_TIMEOUT);
        maxBytes = config.getInt(HttpSourceConfig.MAX_BYTES);
    }

    /** Send nothing for a while: a server that throttles means the key, so it concerns every source partition. */
    void hold(long millis) {
        heldUntilNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    long heldUntilNanos() {
        return heldUntilNanos;
    }

    /** The answer's JSON; null for an answer without content (204). */
    JsonNode fetch(HttpRequest request) throws HttpFailure, InterruptedException {
        HttpRequest current = request;
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpResponse<byte[]> response = exchange(current);
            if (!REDIRECTS.contains(response.statusCode())) {
                return accept(current, response);
            }
            current = followed(current, response);
        }
        throw HttpFailure.fatal(name(request) + " redirects more than " + MAX_REDIRECTS + " times");
    }

    private HttpResponse<byte[]> exchange(HttpRequest request) throws HttpFailure, InterruptedException {
        counters.requests.incrementAndGet();
        CompletableFuture<HttpResponse<byte[]>> answer = client.sendAsync(request, info -> new LimitedBody(maxBytes));
        try {
            return answer.get(answerMillis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException error) {
            throw HttpFailure.retriable(name(request) + " gave no complete answer within " + answerMillis + " ms", null);
        } catch (ExecutionException error) {
            throw broken(request, error.getCause());
        } finally {
            answer.cancel(true);
        }
    }

    private HttpFailure broken(HttpRequest request, Throwable cause) {
        if (cause instanceof LimitedBody.TooLarge || cause != null && cause.getCause() instanceof LimitedBody.TooLarge) {
            return HttpFailure.fatal(name(request) + ": the answer is larger than " + maxBytes + " bytes; ask for smaller pages or raise "
                + HttpSourceConfig.MAX_BYTES);
        }
        // The foreign exception is not passed on as a cause: its text may hold the address with the key in it.
        String text = cause == null ? "failed" : redactor.clean(cause.getClass().getSimpleName() + " " + cause.getMessage(), EXCERPT);
        String message = name(request) + ": " + text;
        return cause instanceof IOException ? HttpFailure.retriable(message, null) : HttpFailure.fatal(message);
    }

    private HttpRequest followed(HttpRequest request, HttpResponse<byte[]> response) throws HttpFailure {
        URI from = request.uri();
        String location = response.headers().firstValue("Location").orElse("");
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException error) {
            throw HttpFailure.fatal(name(request) + " redirects to something that is not an address");
        }
        boolean sameOrigin = from.getScheme().equals(to.getScheme()) && from.getHost().equalsIgnoreCase(to.getHost())
            && from.getPort() == to.getPort();
        if (location.isEmpty() || !sameOrigin) {
            throw HttpFailure.fatal(name(request) + " redirects to another host (" + to.getScheme() + "://" + to.getHost()
                + "), which is refused: correct " + HttpSourceConfig.URL);
        }
        return HttpRequest.newBuilder(request, (header, value) -> true).uri(to).build();
    }

    private JsonNode accept(HttpRequest request, HttpResponse<byte[]> response) throws HttpFailure {
        int status = response.statusCode();
        String message = name(request) + " answered HTTP " + status;
        Duration retryAfter = response.headers().firstValue("Retry-After").map(text -> RetryAfter.parse(text, Instant.now())).orElse(null);
        if (status == 429) {
            counters.throttled.incrementAndGet();
            throw HttpFailure.throttled(message, retryAfter);
        }
        if (status >= 500 || MAY_PASS.contains(status)) {
            throw HttpFailure.retriable(message, retryAfter);
        }
        if (status < 200 || status >= 300) {
            throw HttpFailure.fatal(message + ": " + excerpt(response) + " (check address, parameters and API key)");
        }
        return status == 204 ? null : parse(request, response);
    }

    private JsonNode parse(HttpRequest request, HttpResponse<byte[]> response) throws HttpFailure {
        JsonNode answer;
        try {
            answer = JSON.readTree(response.body());
        } catch (IOException error) {
            answer = null;
        }
        if (answer == null || !answer.isContainerNode()) {
            throw garbage(request, "is not a JSON object or array", excerpt(response));
        }
        return answer;
    }

    /** An answer that is not what the configuration expects. It may pass, so it is retried. */
    HttpFailure garbage(HttpRequest request, String what, String excerpt) {
        counters.garbage.incrementAndGet();
        return HttpFailure.retriable(name(request) + ": the answer " + what + ": " + redactor.clean(excerpt, EXCERPT), null);
    }

    private String excerpt(HttpResponse<byte[]> response) {
        return redactor.clean(new String(response.body(), StandardCharsets.UTF_8), EXCERPT);
    }

    /** The request as messages name it: without its query, where the key is. */
    static String name(HttpRequest request) {
        URI uri = request.uri();
        return request.method() + " " + uri.getScheme() + "://" + uri.getRawAuthority() + uri.getRawPath();
    }
}

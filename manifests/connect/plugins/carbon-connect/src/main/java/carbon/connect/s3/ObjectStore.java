package carbon.connect.s3;

import carbon.connect.common.Backoff;
import carbon.connect.common.Redactor;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * One bucket, addressed by path, over signed HTTP.
 *
 * <p>What may pass (server errors, throttling, lost connections) is tried again a few times and then given back to the worker as
 * retriable; what will not pass by itself fails the task with the answer's own words.
 */
final class ObjectStore {
    private static final Pattern CODE = Pattern.compile("<Code>([^<]*)</Code>");
    private static final Pattern MESSAGE = Pattern.compile("<Message>([^<]*)</Message>");
    private static final Set<Integer> MAY_PASS = Set.of(408, 425, 429);
    private static final Set<String> MAY_PASS_CODES = Set.of("SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted");
    private static final int EXCERPT = 200;

    private final HttpClient client;
    private final URI address;
    private final String bucket;
    private final SigV4 signer;
    private final Redactor redactor;
    private final Backoff backoff;
    private final int attempts;
    private final Duration limit;

    ObjectStore(S3SinkConfig config) {
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofMillis(config.getInt(S3SinkConfig.CONNECT_TIMEOUT))).build();
        address = config.address();
        bucket = config.getString(S3SinkConfig.BUCKET);
        Password secret = config.getPassword(S3SinkConfig.SECRET);
        signer = new SigV4(config.getString(S3SinkConfig.KEY_ID), secret.value(), config.getString(S3SinkConfig.REGION));
        redactor = new Redactor(List.of(secret.value()));
        long first = config.getLong(S3SinkConfig.PART_BACKOFF);
        backoff = new Backoff(first, Math.max(first, 5000), 0, -1, Math::random);
        attempts = config.getInt(S3SinkConfig.PART_RETRIES) + 1;
        limit = Duration.ofMillis(config.getInt(S3SinkConfig.REQUEST_TIMEOUT));
    }

    /** Write an object, whether or not there is one of that name. */
    void put(String name, byte[] content, String type) {
        send("PUT", name, content, Map.of("content-type", type));
    }

    /** An object's content, empty when there is none. */
    Optional<byte[]> get(String name) {
        return send("GET", name, new byte[0], Map.of());
    }

    /** Remove an object; none of that name is fine. */
    void delete(String name) {
        send("DELETE", name, new byte[0], Map.of());
    }

    private Optional<byte[]> send(String method, String name, byte[] content, Map<String, String> headers) {
        for (int attempt = 1;; attempt++) {
            try {
                return once(method, name, content, headers);
            } catch (RetriableException error) {
                if (attempt >= attempts) {
                    throw error;
                }
                pause(backoff.millis(attempt, null));
            }
        }
    }

    private Optional<byte[]> once(String method, String name, byte[] content, Map<String, String> headers) {
        String what = method + " s3://" + bucket + "/" + name;
        try {
            HttpResponse<byte[]> answer = client.send(request(method, name, content, headers), HttpResponse.BodyHandlers.ofByteArray());
            return accept(what, answer);
        } catch (IOException error) {
            throw new RetriableException(what + ": " + redactor.clean(error.getClass().getSimpleName() + " " + error.getMessage(), EXCERPT));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException(what + " was interrupted");
        }
    }

    private HttpRequest request(String method, String name, byte[] content, Map<String, String> headers) {
        String path = address.getRawPath().replaceAll("/+$", "") + SigV4.encoded("/" + bucket + "/" + name);
        URI target = address.resolve(path);
        HttpRequest.Builder request = HttpRequest.newBuilder(target).timeout(limit);
        headers.forEach(request::header);
        Map<String, String> signed = signer.headers(method, path, Map.of("host", target.getRawAuthority()), SigV4.sha256(content), Instant.now());
        signed.forEach((header, value) -> {
            // The client sends it itself, and refuses to be told.
            if (!header.equals("host")) {
                request.header(header, value);
            }
        });
        boolean empty = content.length == 0 && !method.equals("PUT");
        return request.method(method, empty ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofByteArray(content)).build();
    }

    private Optional<byte[]> accept(String what, HttpResponse<byte[]> answer) {
        int status = answer.statusCode();
        if (status >= 200 && status < 300) {
            return Optional.of(answer.body());
        }
        String body = new String(answer.body(), StandardCharsets.UTF_8);
        String code = first(CODE, body);
        if (status == 404 && !what.startsWith("PUT") && !code.equals("NoSuchBucket")) {
            return Optional.empty();
        }
        String message = what + " answered HTTP " + status + " " + redactor.clean(code + " " + first(MESSAGE, body), EXCERPT);
        if (status >= 500 || MAY_PASS.contains(status) || MAY_PASS_CODES.contains(code)) {
            throw new RetriableException(message);
        }
        throw new ConnectException(message + remedy(status, code));
    }

    private String remedy(int status, String code) {
        if (code.equals("NoSuchBucket")) {
            return " Create the bucket " + bucket + ", or correct " + S3SinkConfig.BUCKET + ".";
        }
        return status == 403
            ? " Check " + S3SinkConfig.KEY_ID + ", " + S3SinkConfig.SECRET + ", " + S3SinkConfig.REGION + " and what the key may do; the clock too."
            : " Check " + S3SinkConfig.STORE_URL + " and " + S3SinkConfig.BUCKET + ".";
    }

    private static String first(Pattern pattern, String text) {
        Matcher match = pattern.matcher(text);
        return match.find() ? match.group(1) : "";
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException("The wait before a retry was interrupted.");
        }
    }
}

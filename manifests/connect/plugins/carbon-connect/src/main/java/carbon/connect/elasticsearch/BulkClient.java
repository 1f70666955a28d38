package carbon.connect.elasticsearch;

import carbon.connect.common.JsonValues;
import carbon.connect.common.Redactor;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/** Sends bulk requests. A request is refused as a whole by an exception; otherwise each document has a result of its own. */
final class BulkClient {
    private static final Set<Integer> MAY_PASS = Set.of(408, 425, 429);
    /** How a cluster answers when a document of the request is at fault; any other 400 is not about documents. */
    private static final Pattern VALIDATION = Pattern.compile("\"(action_request_validation_exception|illegal_argument_exception)\"");
    private static final int EXCERPT = 300;

    /** The cluster refuses the request as a whole because of what is in it: too many bytes, or one document's id or version. */
    static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message, null, false, false);
        }
    }

    private final HttpClient client;
    private final List<String> urls;
    private final String authorization;
    private final Redactor redactor;
    private final Duration limit;
    private int current;

    BulkClient(ElasticsearchSinkConfig config) {
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofMillis(config.getInt(ElasticsearchSinkConfig.CONNECTION_TIMEOUT))).build();
        urls = config.urls();
        String user = config.getString(ElasticsearchSinkConfig.USERNAME);
        String password = config.getPassword(ElasticsearchSinkConfig.PASSWORD).value();
        String both = Base64.getEncoder().encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
        authorization = user.isEmpty() ? null : "Basic " + both;
        redactor = new Redactor(List.of(password, both));
        limit = Duration.ofMillis(config.getInt(ElasticsearchSinkConfig.READ_TIMEOUT));
    }

    /**
     * The results of the documents, in their order.
     *
     * @throws RetriableException when nothing answers, or the cluster cannot just now
     * @throws ConnectException when it never will: wrong password, wrong address
     */
    List<BulkResult> send(List<Document> documents) throws Refused {
        String url = urls.get(current);
        HttpResponse<byte[]> answer = exchange(url, documents);
        int status = answer.statusCode();
        String text = url + "/_bulk answered HTTP " + status;
        if (status == 413 || status == 400 && VALIDATION.matcher(excerpt(answer)).find()) {
            throw new Refused(text + (status == 413 ? "" : ": " + excerpt(answer)));
        }
        if (status >= 500 || MAY_PASS.contains(status)) {
            current = (current + 1) % urls.size();
            throw new RetriableException(text + ": " + excerpt(answer));
        }
        if (status != 200) {
            throw new ConnectException(text + ": " + excerpt(answer) + " (check address, user and password)");
        }
        return results(url, answer, documents.size());
    }

    private HttpResponse<byte[]> exchange(String url, List<Document> documents) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/_bulk")).timeout(limit)
            .header("Content-Type", "application/x-ndjson")
            .POST(BodyPublishers.ofByteArrays(documents.stream().map(Document::lines).toList()));
        if (authorization != null) {
            request.header("Authorization", authorization);
        }
        try {
            return client.send(request.build(), BodyHandlers.ofByteArray());
        } catch (IOException error) {
            current = (current + 1) % urls.size();
            String cause = redactor.clean(error.getClass().getSimpleName() + " " + error.getMessage(), EXCERPT);
            throw new RetriableException(url + " does not answer: " + cause);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException("interrupted while writing to " + url);
        }
    }

    private List<BulkResult> results(String url, HttpResponse<byte[]> answer, int expected) {
        List<BulkResult> results = new ArrayList<>();
        try {
            JsonNode items = JsonValues.JSON.readTree(answer.body()).path("items");
            items.forEach(item -> results.add(BulkResult.of(item)));
        } catch (IOException error) {
            throw new RetriableException(url + "/_bulk answered something that is not JSON: " + excerpt(answer));
        }
        if (results.size() != expected) {
            throw new RetriableException(url + "/_bulk answered for " + results.size() + " of " + expected + " documents");
        }
        return results;
    }

    private String excerpt(HttpResponse<byte[]> answer) {
        return redactor.clean(new String(answer.body(), StandardCharsets.UTF_8), EXCERPT);
    }
}

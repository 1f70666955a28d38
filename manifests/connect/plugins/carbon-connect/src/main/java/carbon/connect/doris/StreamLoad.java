package carbon.connect.doris;

import carbon.connect.common.JsonValues;
import carbon.connect.common.Redactor;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.RetriableException;

/**
 * Loads over HTTP, and the question which loads there were.
 *
 * <p>A frontend answers a load with a redirect to a backend before it reads the body; that is followed by hand, since the
 * credentials have to go along.
 */
final class StreamLoad {
    /** How a load ended. */
    enum Outcome { LOADED, BAD_ROWS, NO_TABLE }

    /** An outcome, and what Doris says about it. */
    record Answer(Outcome outcome, String reason) {
    }

    private static final Pattern NO_TABLE = Pattern.compile("(?i)unknown table|table not found|table \\[?\\S+ does not exist|unknown tablename");
    private static final Pattern BAD_ROWS = Pattern.compile("(?i)DATA_QUALITY_ERROR|too many filtered rows");
    private static final Pattern REFUSED = Pattern.compile("(?i)access denied|unknown database|privilege");
    private static final int EXCERPT = 300;

    private final HttpClient client;
    private final List<URI> frontends;
    private final String database;
    private final Map<String, String> headers;
    private final String authorization;
    private final boolean deletes;
    private final Duration limit;
    private final Redactor redactor;
    private int frontend;

    StreamLoad(DorisSinkConfig config) {
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofMillis(config.getInt(DorisSinkConfig.CONNECT_TIMEOUT))).build();
        frontends = config.frontends();
        database = config.getString(DorisSinkConfig.DATABASE);
        headers = config.headers();
        deletes = config.getBoolean(DorisSinkConfig.DELETE);
        limit = Duration.ofMillis(config.getInt(DorisSinkConfig.REQUEST_TIMEOUT));
        String password = config.getPassword(DorisSinkConfig.PASSWORD).value();
        String credentials = Base64.getEncoder()
            .encodeToString((config.getString(DorisSinkConfig.USER) + ":" + password).getBytes(StandardCharsets.UTF_8));
        authorization = "Basic " + credentials;
        redactor = new Redactor(List.of(password, credentials));
    }

    /**
     * Load rows under a label.
     *
     * @throws RetriableException when it may pass; whether the rows were loaded is then told by the same label
     * @throws ConnectException when it will not
     */
    Answer load(String table, String label, byte[] rows, int count) {
        JsonNode answer = put("/api/" + database + "/" + table + "/_stream_load", label, rows);
        String message = redactor.clean(answer.path("Message").asText(), EXCERPT);
        String what = "The load " + label + " into " + database + "." + table + ": " + message;
        switch (answer.path("Status").asText()) {
            case "Success", "Publish Timeout" -> {
                return loaded(answer, count, what);
            }
            case "Label Already Exists" -> {
                if (answer.path("ExistingJobStatus").asText().equals("FINISHED")) {
                    return new Answer(Outcome.LOADED, message);
                }
                throw new RetriableException(what);
            }
            default -> {
                return refused(answer, message, what);
            }
        }
    }

    private static Answer loaded(JsonNode answer, int count, String what) {
        long rows = answer.path("NumberLoadedRows").asLong() + answer.path("NumberUnselectedRows").asLong();
        if (rows != count) {
            throw new ConnectException(what + ": " + rows + " of " + count + " rows were loaded or left out by a condition.");
        }
        return new Answer(Outcome.LOADED, "");
    }

    private Answer refused(JsonNode answer, String message, String what) {
        String log = answer.path("ErrorURL").asText();
        if (!log.isEmpty() || BAD_ROWS.matcher(message).find()) {
            return new Answer(Outcome.BAD_ROWS, log.isEmpty() ? message : message + ": " + firstLine(log));
        }
        if (NO_TABLE.matcher(message).find()) {
            return new Answer(Outcome.NO_TABLE, message);
        }
        if (REFUSED.matcher(message).find()) {
            throw new ConnectException(what + " Check " + DorisSinkConfig.USER + ", " + DorisSinkConfig.PASSWORD + " and "
                + DorisSinkConfig.DATABASE + ", and that the user has LOAD privilege.");
        }
        throw new RetriableException(what);
    }

    /** The labels that begin with a text, with the states of their transactions. */
    Map<String, String> labels(String stem) {
        String statement = "SHOW TRANSACTION FROM `" + database + "` WHERE LABEL LIKE '" + stem + "%'";
        byte[] body = JsonValues.JSON.createObjectNode().put("stmt", statement).toString().getBytes(StandardCharsets.UTF_8);
        HttpRequest.Builder request = HttpRequest.newBuilder(at("/api/query/internal/" + database)).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        JsonNode answer = json(request.build(), exchange(request));
        if (answer.path("code").asInt(-1) != 0) {
            String message = redactor.clean(answer.path("data").asText(), EXCERPT);
            String what = "Doris does not say which labels it holds: " + message;
            throw REFUSED.matcher(message).find() ? new ConnectException(what + " Check user, password and database.") : new RetriableException(what);
        }
        return Transactions.of(answer.path("data"));
    }

    private JsonNode put(String path, String label, byte[] rows) {
        URI target = at(path);
        HttpRequest.Builder request = loadRequest(target, label, rows);
        HttpResponse<byte[]> answer = exchange(request);
        if (answer.statusCode() == 307) {
            target = backend(target, answer.headers().firstValue("Location").orElse(""));
            request = loadRequest(target, label, rows);
            answer = exchange(request);
        }
        return json(request.build(), answer);
    }

    private HttpRequest.Builder loadRequest(URI target, String label, byte[] rows) {
        HttpRequest.Builder request = HttpRequest.newBuilder(target).expectContinue(true).PUT(HttpRequest.BodyPublishers.ofByteArray(rows));
        headers.forEach(request::header);
        if (deletes) {
            request.header("hidden_columns", DorisSinkTask.DELETE_SIGN);
        }
        return request.header("format", "json").header("read_json_by_line", "true").header("max_filter_ratio", "0").header("label", label);
    }

    /** Some versions put the credentials into the address that they redirect to. */
    private static URI backend(URI from, String location) {
        try {
            URI to = from.resolve(location);
            if (!location.isEmpty() && to.getHost() != null) {
                return URI.create(to.getScheme() + "://" + to.getHost() + ":" + to.getPort() + to.getRawPath());
            }
        } catch (IllegalArgumentException error) {
            throw new RetriableException("The frontend " + from.getAuthority() + " redirects to something that is no address", error);
        }
        throw new RetriableException("The frontend " + from.getAuthority() + " redirects to nowhere");
    }

    private HttpResponse<byte[]> exchange(HttpRequest.Builder request) {
        HttpRequest ready = request.header("Authorization", authorization).timeout(limit).build();
        try {
            return client.send(ready, HttpResponse.BodyHandlers.ofByteArray());
        } catch (IOException error) {
            frontend++;
            throw new RetriableException(name(ready) + ": " + redactor.clean(error.getClass().getSimpleName() + " " + error.getMessage(), EXCERPT));
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException(name(ready) + " was interrupted");
        }
    }

    private JsonNode json(HttpRequest request, HttpResponse<byte[]> answer) {
        String text = new String(answer.body(), StandardCharsets.UTF_8);
        String what = name(request) + " answered HTTP " + answer.statusCode() + " " + redactor.clean(text, EXCERPT);
        if (answer.statusCode() == 401 || answer.statusCode() == 403) {
            throw new ConnectException(what + " Check " + DorisSinkConfig.USER + " and " + DorisSinkConfig.PASSWORD + ".");
        }
        try {
            JsonNode node = JsonValues.JSON.readTree(text);
            if (answer.statusCode() == 200 && node.isObject()) {
                return node;
            }
        } catch (IOException error) {
            throw new RetriableException(what, error);
        }
        throw new RetriableException(what);
    }

    private String firstLine(String log) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create(log)).header("Authorization", authorization).timeout(limit).build();
            String text = new String(client.send(request, HttpResponse.BodyHandlers.ofByteArray()).body(), StandardCharsets.UTF_8);
            return redactor.clean(text.lines().findFirst().orElse("the error log is empty"), EXCERPT);
        } catch (IOException | IllegalArgumentException error) {
            return "the error log cannot be read: " + redactor.clean(String.valueOf(error.getMessage()), EXCERPT);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new RetriableException("Reading the error log was interrupted");
        }
    }

    private URI at(String path) {
        return frontends.get(frontend % frontends.size()).resolve(path);
    }

    private static String name(HttpRequest request) {
        return request.method() + " " + request.uri().getAuthority() + request.uri().getRawPath();
    }
}

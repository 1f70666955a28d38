package carbon.connect.s3;

import carbon.connect.common.JsonValues;
import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.zip.GZIPInputStream;

/** A double of an S3 bucket named "archive": PUT, GET and DELETE of objects, and refusals as a test says. Signatures are not checked. */
final class BucketDouble implements AutoCloseable {
    record Refusal(int status, String code) {
    }

    final Map<String, byte[]> objects = new ConcurrentSkipListMap<>();
    final Deque<Refusal> refusals = new ArrayDeque<>();
    final List<String> requests = new ArrayList<>();
    /** Writes that are taken before all are refused; negative: no limit. */
    int writesLeft = -1;
    private final HttpServer server;

    BucketDouble() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private synchronized void handle(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI().getRawPath());
        String name = exchange.getRequestURI().getPath().replaceFirst("^/archive/", "");
        boolean write = exchange.getRequestMethod().equals("PUT");
        if (write && writesLeft == 0) {
            answer(exchange, 403, "<Error><Code>AccessDenied</Code></Error>".getBytes(StandardCharsets.UTF_8));
        } else if (!refusals.isEmpty()) {
            Refusal refusal = refusals.poll();
            String text = "<Error><Code>" + refusal.code() + "</Code><Message>key canary-secret refused</Message></Error>";
            answer(exchange, refusal.status(), text.getBytes(StandardCharsets.UTF_8));
        } else if (write) {
            writesLeft--;
            objects.put(name, body);
            answer(exchange, 200, new byte[0]);
        } else if (exchange.getRequestMethod().equals("DELETE")) {
            objects.remove(name);
            answer(exchange, 204, new byte[0]);
        } else {
            byte[] found = objects.get(name);
            answer(exchange, found == null ? 404 : 200, found == null ? "<Error><Code>NoSuchKey</Code></Error>".getBytes(StandardCharsets.UTF_8) : found);
        }
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    /** The lines of an object. */
    List<JsonNode> lines(String name) {
        try (GZIPInputStream stream = new GZIPInputStream(new ByteArrayInputStream(objects.get(name)))) {
            List<JsonNode> lines = new ArrayList<>();
            for (String line : new String(stream.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                lines.add(JsonValues.JSON.readTree(line));
            }
            return lines;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** The offsets in each object of records, in the order of names. */
    List<Long> offsets() {
        return archived().stream().flatMap(name -> lines(name).stream()).map(line -> line.at("/_kafka/offset").longValue()).toList();
    }

    List<String> archived() {
        return objects.keySet().stream().filter(name -> name.endsWith(".json.gz")).toList();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

package carbon.connect.doris;

import carbon.connect.common.JsonValues;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A double of Doris's HTTP side: one frontend that redirects to itself as backend, tables without keys, labels that are taken
 * once. A row with {@code "bad": true} does not fit any table.
 */
final class DorisDouble implements AutoCloseable {
    /** What happens to the next loads instead of an answer. */
    enum Fault { NONE, SERVER_ERROR, LOADED_BUT_NO_ANSWER }

    final Map<String, List<JsonNode>> tables = new LinkedHashMap<>();
    final Map<String, String> labels = new LinkedHashMap<>();
    final List<Map<String, List<String>>> headers = new ArrayList<>();
    String password = "right";
    Fault fault = Fault.NONE;
    int loads;
    private final HttpServer server;

    DorisDouble() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        server.createContext("/api/", this::frontend);
        server.createContext("/be/", this::backend);
        server.createContext("/log", exchange -> answer(exchange, 200, "Reason: price is no number. src line [x]\nmore\n"));
        server.start();
    }

    String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    private synchronized void frontend(HttpExchange exchange) throws IOException {
        exchange.getRequestBody().readAllBytes();
        if (exchange.getRequestURI().getPath().startsWith("/api/query/")) {
            answer(exchange, 200, transactions());
            return;
        }
        exchange.getResponseHeaders().set("Location", "http://root:@" + address() + "/be" + exchange.getRequestURI().getRawPath());
        exchange.sendResponseHeaders(307, -1);
        exchange.close();
    }

    private String transactions() {
        ObjectNode answer = JsonValues.JSON.createObjectNode().put("code", 0);
        ObjectNode data = answer.putObject("data");
        ArrayNode meta = data.putArray("meta");
        meta.addObject().put("name", "TransactionId");
        meta.addObject().put("name", "Label");
        meta.addObject().put("name", "TransactionStatus");
        ArrayNode rows = data.putArray("data");
        labels.forEach((label, state) -> rows.addArray().add("1").add(label).add(state));
        return answer.toString();
    }

    private synchronized void backend(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        headers.add(exchange.getRequestHeaders());
        loads++;
        if (fault == Fault.SERVER_ERROR) {
            answer(exchange, 500, "no backend");
            return;
        }
        String answer = load(exchange, body);
        if (fault == Fault.LOADED_BUT_NO_ANSWER) {
            exchange.close();
            return;
        }
        answer(exchange, 200, answer);
    }

    private String load(HttpExchange exchange, String body) throws IOException {
        String expected = "Basic " + java.util.Base64.getEncoder().encodeToString(("loader:" + password).getBytes(StandardCharsets.UTF_8));
        String label = exchange.getRequestHeaders().getFirst("label");
        String table = exchange.getRequestURI().getPath().split("/")[4];
        if (!expected.equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
            return "{\"Status\":\"Fail\",\"Message\":\"[ANALYSIS_ERROR]Access denied for user loader:canary-secret\"}";
        }
        if (!tables.containsKey(table)) {
            return "{\"Status\":\"Fail\",\"Message\":\"[ANALYSIS_ERROR]errCode = 2, detailMessage = unknown table, tableName=" + table + "\"}";
        }
        if (labels.containsKey(label)) {
            String state = labels.get(label).equals("VISIBLE") ? "FINISHED" : "RUNNING";
            return "{\"Status\":\"Label Already Exists\",\"ExistingJobStatus\":\"" + state + "\",\"Message\":\"used\"}";
        }
        List<JsonNode> rows = new ArrayList<>();
        for (String line : body.split("\n")) {
            rows.add(JsonValues.JSON.readTree(line));
        }
        if (rows.stream().anyMatch(row -> row.path("bad").asBoolean())) {
            return "{\"Status\":\"Fail\",\"Message\":\"[DATA_QUALITY_ERROR]too many filtered rows\",\"ErrorURL\":\"http://" + address() + "/log\"}";
        }
        tables.get(table).addAll(rows);
        labels.put(label, "VISIBLE");
        return "{\"Status\":\"Success\",\"Message\":\"OK\",\"NumberLoadedRows\":" + rows.size() + "}";
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

package carbon.connect.common;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A real HTTP server on the loopback address that answers as a test says and remembers what it was asked. */
public final class TestApi implements AutoCloseable {
    /** One request as it arrived; times are {@link System#nanoTime}. */
    public record Seen(String method, String path, Map<String, String> query, Map<String, List<String>> headers, String body, long nanos) {
    }

    public record Answer(int status, String body, Map<String, String> headers, long delayMillis, long bodyDelayMillis) {
        public static Answer json(String body) {
            return new Answer(200, body, Map.of(), 0, 0);
        }

        public static Answer status(int status, String body) {
            return new Answer(status, body, Map.of(), 0, 0);
        }

        public Answer with(String header, String value) {
            return new Answer(status, body, Map.of(header, value), delayMillis, 0);
        }

        public Answer after(long millis) {
            return new Answer(status, body, headers, millis, 0);
        }

        public Answer stallingInTheBody(long millis) {
            return new Answer(status, body, headers, 0, millis);
        }
    }

    public final List<Seen> seen = new CopyOnWriteArrayList<>();
    private final Deque<Answer> once = new ArrayDeque<>();
    private volatile Function<Seen, Answer> always = request -> Answer.json("[]");
    private final HttpServer server;

    TestApi() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work);
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/", this::handle);
        server.start();
    }

    public String url(String path) {
        return "http://127.0.0.1:" + server.getAddress().getPort() + path;
    }

    /** Answer the next requests with these, in order, before the standing answer. */
    public synchronized void once(Answer... answers) {
        once.addAll(List.of(answers));
    }

    public void always(Function<Seen, Answer> answer) {
        always = answer;
    }

    public void alwaysJson(String body) {
        always = request -> Answer.json(body);
    }

    private synchronized Answer next(Seen request) {
        return once.isEmpty() ? always.apply(request) : once.poll();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Seen request = new Seen(exchange.getRequestMethod(), exchange.getRequestURI().getPath(),
            query(exchange.getRequestURI().getRawQuery()), exchange.getRequestHeaders(), body, System.nanoTime());
        seen.add(request);
        Answer answer = next(request);
        pause(answer.delayMillis());
        byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
        answer.headers().forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
        exchange.sendResponseHeaders(answer.status(), bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().flush();
        pause(answer.bodyDelayMillis());
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static void pause(long millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException error) {
            throw new IOException(error);
        }
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new HashMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    public static TestApi open() {
        try {
            return new TestApi();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}

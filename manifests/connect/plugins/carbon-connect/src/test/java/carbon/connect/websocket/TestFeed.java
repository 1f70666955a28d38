package carbon.connect.websocket;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A double of a WebSocket server (RFC 6455) on the loopback address: it says what a test tells it, and remembers what it heard. */
final class TestFeed implements AutoCloseable {
    private static final int TEXT = 1;
    private static final int CLOSE = 8;
    private static final int PING = 9;
    private static final int PONG = 10;

    /** One connection, from the feed's side. */
    final class Session {
        final Map<String, String> headers = new HashMap<>();
        final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        private final Socket socket;
        private final OutputStream out;

        Session(Socket socket) throws IOException {
            this.socket = socket;
            out = socket.getOutputStream();
        }

        /** The next text that the listener sends. */
        String hear() throws InterruptedException {
            String text = heard.poll(5, TimeUnit.SECONDS);
            if (text == null) {
                throw new AssertionError("nothing heard within 5 s");
            }
            return text;
        }

        void say(String... texts) throws IOException {
            for (String text : texts) {
                frame(0x80 | TEXT, text);
            }
        }

        void sayInParts(String first, String... others) throws IOException {
            frame(TEXT, first);
            for (int i = 0; i < others.length; i++) {
                frame(i == others.length - 1 ? 0x80 : 0, others[i]);
            }
        }

        /** Cut the connection, as a killed process does. */
        void cut() throws IOException {
            socket.close();
        }

        private synchronized void frame(int head, String text) throws IOException {
            byte[] payload = text.getBytes(StandardCharsets.UTF_8);
            out.write(head);
            if (payload.length < 126) {
                out.write(payload.length);
            } else {
                out.write(126);
                out.write(payload.length >> 8);
                out.write(payload.length);
            }
            out.write(payload);
            out.flush();
        }

        private void listen() throws IOException {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            for (int head = in.read(); head >= 0; head = in.read()) {
                int length = in.readUnsignedByte() & 0x7f;
                length = length == 126 ? in.readUnsignedShort() : length;
                byte[] mask = in.readNBytes(4);
                byte[] payload = in.readNBytes(length);
                for (int i = 0; i < length; i++) {
                    payload[i] ^= mask[i % 4];
                }
                int kind = head & 0xf;
                if (kind == TEXT) {
                    heard.add(new String(payload, StandardCharsets.UTF_8));
                } else if (kind == PING && answersPings) {
                    frame(0x80 | PONG, new String(payload, StandardCharsets.UTF_8));
                } else if (kind == CLOSE) {
                    return;
                }
            }
        }
    }

    final List<Session> sessions = new CopyOnWriteArrayList<>();
    volatile boolean answersPings = true;
    private final BlockingQueue<Session> fresh = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> refusals = new LinkedBlockingQueue<>();
    private final ServerSocket server;

    private TestFeed() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    static TestFeed open() {
        try {
            return new TestFeed();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    String url() {
        return "ws://127.0.0.1:" + server.getLocalPort() + "/v1/prices";
    }

    /** Answer the next handshakes with these, for example {@code 503 Down\r\nRetry-After: 1}. */
    void refuse(String... answers) {
        refusals.addAll(List.of(answers));
    }

    /** The next connection that was opened. */
    Session session() throws InterruptedException {
        Session session = fresh.poll(5, TimeUnit.SECONDS);
        if (session == null) {
            throw new AssertionError("no connection within 5 s");
        }
        return session;
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Session session : sessions) {
            session.cut();
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException ended) {
                // The other side left, or the test closed it.
                Thread.currentThread().interrupt();
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() throws IOException {
        while (true) {
            Socket socket = server.accept();
            start(() -> serve(socket));
        }
    }

    private void serve(Socket socket) throws IOException {
        try (socket) {
            Session session = new Session(socket);
            readHead(socket.getInputStream(), session.headers);
            String refusal = refusals.poll();
            if (refusal != null) {
                write(socket, "HTTP/1.1 " + refusal + "\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            write(socket, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                + accepted(session.headers.get("sec-websocket-key")) + "\r\n\r\n");
            sessions.add(session);
            fresh.add(session);
            session.listen();
        }
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
    }

    private static void readHead(InputStream in, Map<String, String> headers) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("closed in the handshake");
            }
            head.append((char) next);
        }
        for (String line : head.toString().split("\r\n")) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
            }
        }
    }

    private static String accepted(String key) {
        try {
            byte[] text = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.US_ASCII);
            return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest(text));
        } catch (GeneralSecurityException error) {
            throw new AssertionError(error);
        }
    }
}

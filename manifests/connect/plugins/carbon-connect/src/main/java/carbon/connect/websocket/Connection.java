package carbon.connect.websocket;

import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One connection: what has come on it and not been taken, when something last came, and how it ended.
 *
 * <p>Only so many messages are asked for as the buffer can hold, so a slow worker holds the feed back by TCP's own means.
 */
final class Connection implements WebSocket.Listener {
    /** Stands in the buffer for a message that was too long or not text. */
    static final String UNREADABLE = new String("unreadable");

    private final BlockingQueue<String> buffer = new LinkedBlockingQueue<>();
    private final StringBuilder parts = new StringBuilder();
    private final int limit;
    private final int capacity;
    private boolean tooLong;
    private volatile WebSocket socket;
    private volatile String ended;
    private volatile long heardNanos = System.nanoTime();
    private volatile long messageNanos = System.nanoTime();

    Connection(int capacity, int limit) {
        this.capacity = capacity;
        this.limit = limit;
    }

    @Override
    public void onOpen(WebSocket opened) {
        socket = opened;
        opened.request(capacity);
    }

    @Override
    public CompletionStage<?> onText(WebSocket source, CharSequence data, boolean last) {
        heard(true);
        tooLong |= parts.length() + data.length() > limit;
        if (!tooLong) {
            parts.append(data);
        }
        if (last) {
            buffer.add(tooLong ? UNREADABLE : parts.toString());
            parts.setLength(0);
            tooLong = false;
        } else {
            source.request(1);
        }
        return null;
    }

    @Override
    public CompletionStage<?> onBinary(WebSocket source, ByteBuffer data, boolean last) {
        heard(true);
        if (last) {
            buffer.add(UNREADABLE);
        } else {
            source.request(1);
        }
        return null;
    }

    @Override
    public CompletionStage<?> onPing(WebSocket source, ByteBuffer message) {
        // The answer is sent by the client itself.
        heard(false);
        source.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onPong(WebSocket source, ByteBuffer message) {
        heard(false);
        source.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket source, int status, String reason) {
        ended = "the feed closed the connection with " + status + (reason.isEmpty() ? "" : ": " + reason);
        return null;
    }

    @Override
    public void onError(WebSocket source, Throwable error) {
        ended = "the connection broke: " + error.getClass().getSimpleName() + (error.getMessage() == null ? "" : " " + error.getMessage());
    }

    private void heard(boolean message) {
        heardNanos = System.nanoTime();
        if (message) {
            messageNanos = heardNanos;
        }
    }

    /** The next message; null when none comes within the time. */
    String take(long millis) throws InterruptedException {
        String message = millis > 0 ? buffer.poll(millis, TimeUnit.MILLISECONDS) : buffer.poll();
        if (message != null) {
            // While the buffer was full nothing was read, so silence counts from here.
            heard(true);
            socket.request(1);
        }
        return message;
    }

    /** Why the connection has ended; null while it has not, or while messages of it are still to be taken. */
    String ended() {
        return buffer.isEmpty() ? ended : null;
    }

    /** Milliseconds since anything came, a pong at least; 0 while messages are still to be taken. */
    long millisSinceHeard() {
        return since(heardNanos);
    }

    /** Milliseconds since a message came; 0 while messages are still to be taken. */
    long millisSinceMessage() {
        return since(messageNanos);
    }

    private long since(long nanos) {
        return buffer.isEmpty() ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos) : 0;
    }

    void send(String text) {
        socket.sendText(text, true).whenComplete((sent, error) -> failed(error));
    }

    void ping() {
        socket.sendPing(ByteBuffer.allocate(0)).whenComplete((sent, error) -> failed(error));
    }

    private void failed(Throwable error) {
        if (error != null && ended == null) {
            ended = "sending failed: " + error.getClass().getSimpleName();
        }
    }

    /** End the connection at once. */
    void abort() {
        if (socket != null) {
            socket.abort();
        }
    }
}

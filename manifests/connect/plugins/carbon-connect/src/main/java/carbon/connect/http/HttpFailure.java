package carbon.connect.http;

import java.time.Duration;

/** A request that did not give rows: whether to try again, and when. The message is one line without secrets. */
final class HttpFailure extends Exception {
    private static final long serialVersionUID = 1L;

    /** What follows from a failure. */
    enum Kind {
        /** May pass: server error, lost connection, time-out, garbage. */
        RETRIABLE,
        /** Too many requests. */
        THROTTLED,
        /** Will not pass by itself: wrong key, wrong path, refused redirect. */
        FATAL
    }

    private final Kind kind;
    private final transient Duration retryAfter;

    private HttpFailure(Kind kind, String message, Duration retryAfter) {
        super(message);
        this.kind = kind;
        this.retryAfter = retryAfter;
    }

    static HttpFailure retriable(String message, Duration retryAfter) {
        return new HttpFailure(Kind.RETRIABLE, message, retryAfter);
    }

    static HttpFailure throttled(String message, Duration retryAfter) {
        return new HttpFailure(Kind.THROTTLED, message, retryAfter);
    }

    static HttpFailure fatal(String message) {
        return new HttpFailure(Kind.FATAL, message, null);
    }

    Kind kind() {
        return kind;
    }

    /** How long the server asks to wait, null when it does not say. */
    Duration retryAfter() {
        return retryAfter;
    }
}

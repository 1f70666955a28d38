package carbon.connect.common;

import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How long to wait after the n-th failure in a row, and when to give up.
 *
 * @param firstMillis wait before the first retry
 * @param maxMillis longest wait
 * @param maxRetryAfterMillis longest wait that a server may ask for
 * @param giveUpMillis time without success after which to give up, -1 for never
 * @param random a number from 0 to 1; workers that failed together must not come back together
 */
public record Backoff(long firstMillis, long maxMillis, long maxRetryAfterMillis, long giveUpMillis, DoubleSupplier random) {

    /** Milliseconds to wait; at least what the server asked for. */
    public long millis(int failures, Duration retryAfter) {
        long full = Math.min(maxMillis, firstMillis << Math.min(failures - 1, 30));
        long jittered = Math.max(1, Math.round(full * (0.5 + random.getAsDouble() / 2)));
        long asked = retryAfter == null ? 0 : Math.min(retryAfter.toMillis(), maxRetryAfterMillis);
        return Math.max(jittered, asked);
    }

    /** Whether it is time to give up. */
    public boolean givesUp(long millisWithoutSuccess) {
        return giveUpMillis >= 0 && millisWithoutSuccess >= giveUpMillis;
    }
}

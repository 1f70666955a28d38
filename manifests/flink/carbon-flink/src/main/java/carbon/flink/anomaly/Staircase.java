package carbon.flink.anomaly;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * The candidates for the lowest value since any point in time: in order of time, each lower than every later one.
 *
 * <p>A value that is not lower than a later one can never be the lowest of a span that holds both, so it is not kept. For
 * the highest value, feed it negated values. Adding in order of time costs O(1) amortised, finding O(log n).
 */
final class Staircase {
    static final long NONE = Long.MAX_VALUE; // no price is as high

    private static final int SMALL = 8;

    private long[] times = new long[SMALL];
    private long[] values = new long[SMALL];
    private int size;

    int size() {
        return size;
    }

    void add(long time, long value) {
        int at = size == 0 || times[size - 1] < time ? size : firstFrom(time);
        if (at < size && values[at] <= value) {
            return;
        }
        int tail = at < size && times[at] == time ? at + 1 : at;
        int head = at;
        while (head > 0 && values[head - 1] >= value) {
            head--;
        }
        replace(head, tail, time, value);
    }

    /** The lowest value within [from, to], {@link #NONE} when there is none. */
    long lowest(long from, long to) {
        int at = firstFrom(from);
        return at < size && times[at] <= to ? values[at] : NONE;
    }

    /** Forgets what is older, from time to time: a binary search does not mind some stale entries at the front. */
    void dropBefore(long time) {
        if (size < SMALL || times[size / 2] >= time) {
            return;
        }
        int stale = firstFrom(time);
        System.arraycopy(times, stale, times, 0, size - stale);
        System.arraycopy(values, stale, values, 0, size - stale);
        size -= stale;
    }

    Staircase copy() {
        Staircase copy = new Staircase();
        copy.times = Arrays.copyOf(times, Math.max(SMALL, size));
        copy.values = Arrays.copyOf(values, Math.max(SMALL, size));
        copy.size = size;
        return copy;
    }

    void write(DataOutputView out) throws IOException {
        out.writeInt(size);
        for (int i = 0; i < size; i++) {
            out.writeLong(times[i]);
            out.writeLong(values[i]);
        }
    }

    static Staircase read(DataInputView in) throws IOException {
        Staircase read = new Staircase();
        read.size = in.readInt();
        read.times = new long[Math.max(SMALL, read.size)];
        read.values = new long[Math.max(SMALL, read.size)];
        for (int i = 0; i < read.size; i++) {
            read.times[i] = in.readLong();
            read.values[i] = in.readLong();
        }
        return read;
    }

    private int firstFrom(long time) {
        int at = Arrays.binarySearch(times, 0, size, time);
        return at < 0 ? -at - 1 : at;
    }

    /** Puts one entry in the place of those in [head, tail). */
    private void replace(int head, int tail, long time, long value) {
        if (head == tail && size == times.length) {
            times = Arrays.copyOf(times, size * 2);
            values = Arrays.copyOf(values, size * 2);
        }
        System.arraycopy(times, tail, times, head + 1, size - tail);
        System.arraycopy(values, tail, values, head + 1, size - tail);
        times[head] = time;
        values[head] = value;
        size += 1 - (tail - head);
    }
}

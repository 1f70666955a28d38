package carbon.flink.anomaly;

import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Lowest and highest price of each millisecond of one short stretch of time, and of all of it. */
final class Block {
    private static final int SMALL = 4;

    final long start;
    private int size;
    private long[] times = new long[SMALL];
    private long[] lows = new long[SMALL];
    private long[] highs = new long[SMALL];
    private long low = Long.MAX_VALUE;
    private long high = Long.MIN_VALUE;

    Block(long start) {
        this.start = start;
    }

    /** Number of milliseconds that have a price. */
    int size() {
        return size;
    }

    /** Adds a price and says whether its millisecond is new. */
    boolean add(long time, long price) {
        low = Math.min(low, price);
        high = Math.max(high, price);
        int at = size == 0 || times[size - 1] < time ? size : find(time);
        if (at < size && times[at] == time) {
            lows[at] = Math.min(lows[at], price);
            highs[at] = Math.max(highs[at], price);
            return false;
        }
        if (size == times.length) {
            resize(size * 2);
        }
        System.arraycopy(times, at, times, at + 1, size - at);
        System.arraycopy(lows, at, lows, at + 1, size - at);
        System.arraycopy(highs, at, highs, at + 1, size - at);
        times[at] = time;
        lows[at] = price;
        highs[at] = price;
        size++;
        return true;
    }

    /** Widens the range by the prices within [from, to]. */
    void extend(Range range, long from, long to) {
        if (times[0] >= from && times[size - 1] <= to) {
            range.add(low, high);
            return;
        }
        for (int i = find(from); i < size && times[i] <= to; i++) {
            range.add(lows[i], highs[i]);
        }
    }

    /** Hands all prices on, in order of time. */
    void foldInto(Staircase lowest, Staircase highestNegated) {
        for (int i = 0; i < size; i++) {
            lowest.add(times[i], lows[i]);
            highestNegated.add(times[i], -highs[i]);
        }
    }

    Block copy() {
        Block copy = new Block(start);
        copy.size = size;
        copy.times = Arrays.copyOf(times, times.length);
        copy.lows = Arrays.copyOf(lows, lows.length);
        copy.highs = Arrays.copyOf(highs, highs.length);
        copy.low = low;
        copy.high = high;
        return copy;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(start);
        out.writeInt(size);
        for (int i = 0; i < size; i++) {
            out.writeShort((int) (times[i] - start));
            out.writeLong(lows[i]);
            out.writeLong(highs[i]);
        }
    }

    static Block read(DataInputView in) throws IOException {
        Block read = new Block(in.readLong());
        int entries = in.readInt();
        read.resize(Math.max(SMALL, entries));
        for (int i = 0; i < entries; i++) {
            long time = read.start + in.readShort();
            read.add(time, in.readLong());
            read.add(time, in.readLong());
        }
        return read;
    }

    private int find(long time) {
        int at = Arrays.binarySearch(times, 0, size, time);
        return at < 0 ? -at - 1 : at;
    }

    private void resize(int capacity) {
        times = Arrays.copyOf(times, capacity);
        lows = Arrays.copyOf(lows, capacity);
        highs = Arrays.copyOf(highs, capacity);
    }
}

package carbon.flink.anomaly;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What the detector remembers of one commodity: enough to give the range of the prices within the 60 s before any point in
 * time that a record may still come with, and when each kind of alert was last given.
 *
 * <p>Recent prices are kept by millisecond, in blocks of a second. Older ones, which every record to come will see up to their
 * end, shrink to two staircases. The answer is exact for a record up to {@link #HORIZON} behind the newest of its commodity,
 * or behind the last {@link #MAX_RECENT} distinct milliseconds where prices come denser than that. For a record that is later
 * still it holds the prices that are left, so an alert may be missed, but none is ever false.
 */
final class PriceWindow {
    static final long SPAN = 60_000; // ms of event time that a price is compared with
    static final long HORIZON = 120_000; // ms
    static final int MAX_RECENT = 4_096;
    static final int KINDS = 6; // direction x severity

    private static final long BLOCK = 1_000; // ms

    private Staircase lows = new Staircase();
    private Staircase highs = new Staircase(); // of negated prices
    private final List<Block> blocks = new ArrayList<>();
    private int recent;
    private long settled = Long.MIN_VALUE; // everything before it is in the staircases
    private long newest = Long.MIN_VALUE;
    private final long[] lastAlert = new long[KINDS];

    PriceWindow() {
        Arrays.fill(lastAlert, Long.MIN_VALUE);
    }

    /** Event time after which nothing in here matters to a record within the horizon. */
    long expiry() {
        return newest + SPAN + HORIZON;
    }

    /** Event time of the last alert of a kind, Long.MIN_VALUE when there was none. */
    long lastAlert(int kind) {
        return lastAlert[kind];
    }

    void alerted(int kind, long time) {
        lastAlert[kind] = time;
    }

    /** Whether a record of that time comes too late for an exact answer. */
    boolean isBeyondHorizon(long time) {
        return time < settled;
    }

    /** The range of the prices added so far with a time within [time - SPAN, time]. */
    Range before(long time) {
        long from = time - SPAN;
        Range range = new Range();
        if (from < settled) {
            range.addLow(lows.lowest(from, time));
            range.addHighNegated(highs.lowest(from, time));
        }
        for (int i = blocks.size() - 1; i >= 0; i--) {
            Block block = blocks.get(i);
            if (block.start + BLOCK <= from) {
                break;
            }
            if (block.start <= time) {
                block.extend(range, from, time);
            }
        }
        return range;
    }

    void add(long time, long price) {
        if (time < settled) {
            lows.add(time, price);
            highs.add(time, -price);
            return;
        }
        if (blockOf(time).add(time, price)) {
            recent++;
        }
        if (time > newest || recent > MAX_RECENT) {
            newest = Math.max(newest, time);
            settle();
        }
    }

    private Block blockOf(long time) {
        long start = Math.floorDiv(time, BLOCK) * BLOCK;
        int at = blocks.size();
        while (at > 0 && blocks.get(at - 1).start >= start) {
            at--;
            if (blocks.get(at).start == start) {
                return blocks.get(at);
            }
        }
        Block block = new Block(start);
        blocks.add(at, block);
        return block;
    }

    /** Moves what has become old, or too much, from the blocks to the staircases. */
    private void settle() {
        long limit = Math.floorDiv(newest - HORIZON, BLOCK) * BLOCK;
        int old = 0;
        while (old < blocks.size() - 1 && (blocks.get(old).start < limit || recent > MAX_RECENT)) {
            Block block = blocks.get(old++);
            block.foldInto(lows, highs);
            recent -= block.size();
            limit = Math.max(limit, block.start + BLOCK);
        }
        if (limit > settled) {
            blocks.subList(0, old).clear();
            settled = limit;
            lows.dropBefore(settled - SPAN);
            highs.dropBefore(settled - SPAN);
        }
    }

    /** Number of entries held, a measure of the size of the state. */
    int entries() {
        return recent + lows.size() + highs.size();
    }

    PriceWindow copy() {
        PriceWindow copy = new PriceWindow();
        copy.lows = lows.copy();
        copy.highs = highs.copy();
        blocks.forEach(block -> copy.blocks.add(block.copy()));
        copy.recent = recent;
        copy.settled = settled;
        copy.newest = newest;
        System.arraycopy(lastAlert, 0, copy.lastAlert, 0, KINDS);
        return copy;
    }

    void write(DataOutputView out) throws IOException {
        out.writeLong(newest);
        out.writeLong(settled);
        for (long time : lastAlert) {
            out.writeLong(time);
        }
        lows.write(out);
        highs.write(out);
        out.writeInt(blocks.size());
        for (Block block : blocks) {
            block.write(out);
        }
    }

    static PriceWindow read(DataInputView in) throws IOException {
        PriceWindow read = new PriceWindow();
        read.newest = in.readLong();
        read.settled = in.readLong();
        for (int i = 0; i < KINDS; i++) {
            read.lastAlert[i] = in.readLong();
        }
        read.lows = Staircase.read(in);
        read.highs = Staircase.read(in);
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            Block block = Block.read(in);
            read.blocks.add(block);
            read.recent += block.size();
        }
        return read;
    }
}

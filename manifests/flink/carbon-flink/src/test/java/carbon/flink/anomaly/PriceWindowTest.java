package carbon.flink.anomaly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PriceWindowTest {
    private record Entry(long time, long price) {}

    private static Range bruteForce(List<Entry> entries, long time) {
        Range range = new Range();
        entries.stream()
                .filter(e -> e.time >= time - PriceWindow.SPAN && e.time <= time)
                .forEach(e -> range.add(e.price, e.price));
        return range;
    }

    private static PriceWindow throughBytes(PriceWindow window) throws IOException {
        PriceWindowSerializer serializer = new PriceWindowSerializer();
        DataOutputSerializer out = new DataOutputSerializer(64);
        serializer.serialize(window, out);
        return serializer.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    }

    /** Against a plain list, with records out of order as far as the horizon, and copies and restores in between. */
    @ParameterizedTest
    @CsvSource({"1, 40, 0", "2, 40, 500", "3, 700, 30000", "4, 2000, 119000", "5, 20000, 100000", "6, 5, 3000"})
    void rangesAreExactWithinTheHorizon(long seed, int step, int disorder) throws IOException {
        Random random = new Random(seed);
        PriceWindow window = new PriceWindow();
        List<Entry> entries = new ArrayList<>();
        long clock = 1_600_000_000_000L;
        long price = 0;
        for (int i = 0; i < 6_000; i++) {
            clock += random.nextInt(step + 1);
            price += random.nextInt(2_001) - 1_000;
            long time = clock - (disorder == 0 ? 0 : random.nextInt(disorder));
            Range expected = bruteForce(entries, time);
            Range found = window.before(time);
            assertFalse(window.isBeyondHorizon(time), "record " + i);
            assertEquals(expected.low, found.low, "lowest before record " + i);
            assertEquals(expected.high, found.high, "highest before record " + i);
            window.add(time, price);
            entries.add(new Entry(time, price));
            if (i % 500 == 0) {
                window = i % 1_000 == 0 ? throughBytes(window) : window.copy();
            }
        }
    }

    @Test
    void denseTrafficStaysBoundedAndExactInOrder() {
        Random random = new Random(7);
        PriceWindow window = new PriceWindow();
        List<Entry> entries = new ArrayList<>();
        int largest = 0;
        for (int time = 0; time < 130_000; time++) {
            long price = random.nextInt(1_000_000);
            if (time % 997 == 0) {
                Range expected = bruteForce(entries, time);
                assertEquals(expected.low, window.before(time).low);
                assertEquals(expected.high, window.before(time).high);
            }
            window.add(time, price);
            entries.add(new Entry(time, price));
            largest = Math.max(largest, window.entries());
        }
        assertTrue(largest < PriceWindow.MAX_RECENT + 2_000, "entries: " + largest);
        assertTrue(window.isBeyondHorizon(100_000));
        assertFalse(window.isBeyondHorizon(127_000));
    }

    @Test
    void beyondTheHorizonNothingIsInvented() {
        Random random = new Random(11);
        PriceWindow window = new PriceWindow();
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            long time = 1_000_000 + i * 100L - (random.nextInt(10) == 0 ? random.nextInt(400_000) : 0);
            Range all = bruteForce(entries, time);
            Range found = window.before(time);
            if (!found.isEmpty()) {
                assertTrue(found.low == Long.MAX_VALUE || found.low >= all.low);
                assertTrue(found.high == Long.MIN_VALUE || found.high <= all.high);
            }
            long price = random.nextInt(1_000_000);
            window.add(time, price);
            entries.add(new Entry(time, price));
        }
    }

    @Test
    void aCopyIsIndependent() {
        PriceWindow window = new PriceWindow();
        window.add(1_000, 5);
        PriceWindow copy = window.copy();
        window.add(1_000, 1);
        window.alerted(3, 1_000);
        assertEquals(5, copy.before(1_000).low);
        assertEquals(Long.MIN_VALUE, copy.lastAlert(3));
    }
}

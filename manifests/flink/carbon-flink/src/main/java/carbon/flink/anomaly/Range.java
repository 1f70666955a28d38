package carbon.flink.anomaly;

/** The lowest and the highest of some prices, in millionths. */
final class Range {
    long low = Long.MAX_VALUE;
    long high = Long.MIN_VALUE;

    boolean isEmpty() {
        return low == Long.MAX_VALUE && high == Long.MIN_VALUE;
    }

    void add(long lower, long higher) {
        low = Math.min(low, lower);
        high = Math.max(high, higher);
    }

    void addLow(long value) {
        low = Math.min(low, value);
    }

    void addHighNegated(long value) {
        if (value != Staircase.NONE) {
            high = Math.max(high, -value);
        }
    }
}

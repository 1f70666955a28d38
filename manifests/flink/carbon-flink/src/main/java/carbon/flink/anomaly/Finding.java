package carbon.flink.anomaly;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/**
 * How a price differs from what came before it, when it differs by more than 5 %. All in whole millionths, so that exactly
 * 5 % is exactly 5 %.
 *
 * @param reference the price compared with
 * @param up whether the price is above it
 * @param severity 0 MEDIUM above 5 %, 1 HIGH above 10 %, 2 CRITICAL above 20 %; HIGH when the reference is zero
 */
record Finding(long price, long reference, boolean up, int severity) {
    static final int MEDIUM = 0;
    static final int HIGH = 1;
    static final int CRITICAL = 2;
    static final String[] SEVERITIES = {"MEDIUM", "HIGH", "CRITICAL"};
    static final int PERCENT_PRECISION = 38;
    static final int PERCENT_SCALE = 6;

    private static final BigInteger HUNDRED_SCALED = BigInteger.TEN.pow(2 + PERCENT_SCALE);

    /** Compares with the lowest or the highest, whichever is relatively further away (the lowest when both are); null at 5 % or less. */
    static Finding of(long price, Range range) {
        if (range.isEmpty()) {
            return null;
        }
        boolean noLow = range.low == Long.MAX_VALUE;
        boolean low = !noLow && (range.high == Long.MIN_VALUE || !isFurther(price, range.high, range.low));
        long reference = low ? range.low : range.high;
        long distance = Math.abs(price - reference);
        if (reference == 0) {
            return distance == 0 ? null : new Finding(price, 0, price > 0, HIGH);
        }
        // x * 20 > r holds exactly when x > floor(r / 20), without leaving 64 bits.
        long base = Math.abs(reference);
        if (distance <= base / 20) {
            return null;
        }
        int severity = distance > base / 5 ? CRITICAL : distance > base / 10 ? HIGH : MEDIUM;
        return new Finding(price, reference, price > reference, severity);
    }

    /** Whether the price is relatively further from the first reference than from the second; any way from zero is the furthest. */
    private static boolean isFurther(long price, long first, long second) {
        long fromFirst = Math.abs(price - first);
        long fromSecond = Math.abs(price - second);
        if (fromFirst == 0 || fromSecond == 0) {
            return fromSecond == 0 && fromFirst != 0;
        }
        if (first == 0 || second == 0) {
            return first == 0 && second != 0;
        }
        // a/b > c/d as a*d > c*b in 128 bits.
        return compareProducts(fromFirst, Math.abs(second), fromSecond, Math.abs(first)) > 0;
    }

    private static int compareProducts(long a, long b, long c, long d) {
        int high = Long.compare(Math.multiplyHigh(a, b), Math.multiplyHigh(c, d));
        return high != 0 ? high : Long.compareUnsigned(a * b, c * d);
    }

    String type() {
        return reference == 0 ? "ZERO_REFERENCE" : "PRICE_CHANGE";
    }

    String direction() {
        return up ? "UP" : "DOWN";
    }

    /** Number of the cool-down that this alert falls under: one for each direction and severity. */
    int kind() {
        return severity * 2 + (up ? 1 : 0);
    }

    /** Change in percent of the reference's magnitude, rounded to six decimals; null when the reference is zero. */
    BigDecimal changePercent() {
        if (reference == 0) {
            return null;
        }
        BigDecimal distance = new BigDecimal(BigInteger.valueOf(price - reference).multiply(HUNDRED_SCALED));
        BigDecimal scaled = distance.divide(BigDecimal.valueOf(Math.abs(reference)), 0, RoundingMode.HALF_UP);
        return scaled.scaleByPowerOfTen(-PERCENT_SCALE).setScale(PERCENT_SCALE);
    }
}

package carbon.flink.prices;

import java.math.BigDecimal;
import java.math.RoundingMode;

/** Decimal text to whole millionths, the form of a DECIMAL(18,6): 12 digits before the point, 6 after it. */
final class Decimals {
    static final int PRECISION = 18;
    static final int SCALE = 6;
    /** Smallest number of millionths that is out of range. */
    static final long LIMIT = 1_000_000_000_000_000_000L;

    private static final int MAX_CHARACTERS = 64;

    private Decimals() {}

    /**
     * Parses JSON-like number text; digits after the sixth decimal are rounded half away from zero.
     *
     * @throws Rejected when the text is no finite number or does not fit
     */
    static long parse(String field, char[] text, int offset, int length) throws Rejected {
        long value = 0;
        int digits = 0;
        int decimals = -1;
        int position = offset;
        int end = offset + length;
        boolean negative = length > 0 && text[offset] == '-';
        if (negative) {
            position++;
        }
        for (; position < end; position++) {
            char c = text[position];
            if (c >= '0' && c <= '9') {
                value = value * 10 + (c - '0');
                digits++;
                if (decimals >= 0) {
                    decimals++;
                }
            } else if (c == '.' && decimals < 0 && digits > 0) {
                decimals = 0;
            } else {
                return general(field, text, offset, length);
            }
        }
        // Within 18 digits and 6 decimals nothing overflows and nothing is rounded; all else takes the general way.
        int missing = SCALE - Math.max(decimals, 0);
        if (digits == 0 || decimals == 0 || missing < 0 || digits + missing > PRECISION) {
            return general(field, text, offset, length);
        }
        for (int i = 0; i < missing; i++) {
            value *= 10;
        }
        return negative ? -value : value;
    }

    private static long general(String field, char[] text, int offset, int length) throws Rejected {
        String string = new String(text, offset, Math.min(length, MAX_CHARACTERS + 1)).strip();
        if (string.length() > MAX_CHARACTERS) {
            throw new Rejected(field + " has more than " + MAX_CHARACTERS + " characters");
        }
        BigDecimal number;
        try {
            number = new BigDecimal(string);
        } catch (NumberFormatException error) {
            throw new Rejected(field + " is not a finite number");
        }
        // The magnitude is looked at first: setScale of 1e999999999 would write out a billion digits.
        long magnitude = (long) number.precision() - number.scale();
        if (number.signum() == 0 || magnitude < -SCALE) {
            return 0;
        }
        if (magnitude > PRECISION - SCALE) {
            throw new Rejected(field + " is out of range");
        }
        long millionths = number.setScale(SCALE, RoundingMode.HALF_UP).unscaledValue().longValueExact();
        if (Math.abs(millionths) >= LIMIT) {
            throw new Rejected(field + " is out of range");
        }
        return millionths;
    }
}

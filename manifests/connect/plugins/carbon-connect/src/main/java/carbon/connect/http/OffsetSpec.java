package carbon.connect.http;

import com.fasterxml.jackson.core.JsonPointer;
import java.math.BigDecimal;
import java.util.Comparator;

/**
 * What orders the rows: the name and place of the offset, where to begin, and how two of them compare.
 *
 * @param name name in the stored offset and in {@code ${offset.NAME}}
 * @param pointer where a row carries it
 * @param initial first value wanted, inclusive
 * @param order comparison of two values
 */
record OffsetSpec(String name, JsonPointer pointer, String initial, Comparator<String> order) {

    /** Throws IllegalArgumentException when the two texts do not agree or are malformed. */
    static OffsetSpec parse(String pointer, String initial, String order) {
        String[] where = pair(pointer, HttpSourceConfig.OFFSET_POINTER);
        String[] start = pair(initial, HttpSourceConfig.OFFSET_INITIAL);
        if (!where[0].equals(start[0])) {
            throw new IllegalArgumentException(
                HttpSourceConfig.OFFSET_INITIAL + " names '" + start[0] + "' but the pointer names '" + where[0] + "'");
        }
        boolean number = order.equals("number");
        OffsetSpec spec = new OffsetSpec(where[0], Pointers.parse(where[1]), start[1],
            number ? Comparator.comparing(BigDecimal::new) : Comparator.naturalOrder());
        if (!spec.fits(start[1])) {
            throw new IllegalArgumentException("'" + start[1] + "' in " + HttpSourceConfig.OFFSET_INITIAL + " is not a number");
        }
        return spec;
    }

    private static String[] pair(String text, String key) {
        String[] parts = text.strip().split("=", 2);
        if (parts.length != 2 || !parts[0].matches("[A-Za-z_][A-Za-z0-9_]*") || parts[1].isBlank()) {
            throw new IllegalArgumentException(key + " must be NAME=VALUE, not '" + text + "'");
        }
        return parts;
    }

    /** Whether the value can be compared in this order. */
    boolean fits(String value) {
        try {
            return order.compare(value, value) == 0;
        } catch (NumberFormatException notANumber) {
            return false;
        }
    }

    boolean isAfter(String value, String other) {
        return order.compare(value, other) > 0;
    }
}

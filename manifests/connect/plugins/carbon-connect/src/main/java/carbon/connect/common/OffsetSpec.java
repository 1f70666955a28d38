package carbon.connect.common;

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
public record OffsetSpec(String name, JsonPointer pointer, String initial, Comparator<String> order) {

    /** Throws IllegalArgumentException when the two texts do not agree or are malformed. */
    public static OffsetSpec parse(String pointer, String initial, String order) {
        String[] where = pair(pointer, "the offset pointer");
        String[] start = pair(initial, "the initial offset");
        if (!where[0].equals(start[0])) {
            throw new IllegalArgumentException("the initial offset names '" + start[0] + "' but the pointer names '" + where[0] + "'");
        }
        boolean number = order.equals("number");
        OffsetSpec spec = new OffsetSpec(where[0], Pointers.parse(where[1]), start[1],
            number ? Comparator.comparing(BigDecimal::new) : Comparator.naturalOrder());
        if (!spec.fits(start[1])) {
            throw new IllegalArgumentException("'" + start[1] + "' as initial offset is not a number");
        }
        return spec;
    }

    private static String[] pair(String text, String what) {
        String[] parts = text.strip().split("=", 2);
        if (parts.length != 2 || !parts[0].matches("[A-Za-z_][A-Za-z0-9_]*") || parts[1].isBlank()) {
            throw new IllegalArgumentException(what + " must be NAME=VALUE, not '" + text + "'");
        }
        return parts;
    }

    /** A row's offset. */
    public String of(Row row) throws RowProblem {
        String text = row.text(pointer);
        if (text == null || !fits(text)) {
            throw RowProblem.wrong("the offset at " + pointer + " is " + (text == null ? "missing" : "not a number: " + text));
        }
        return text;
    }

    /** Whether the value can be compared in this order. */
    public boolean fits(String value) {
        try {
            return order.compare(value, value) == 0;
        } catch (NumberFormatException notANumber) {
            return false;
        }
    }

    /** Whether a value comes after another one. */
    public boolean isAfter(String value, String other) {
        return order.compare(value, other) > 0;
    }
}

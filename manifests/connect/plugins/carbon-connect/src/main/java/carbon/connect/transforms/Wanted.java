package carbon.connect.transforms;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.OffsetDateTime;
import java.util.Date;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.connect.errors.DataException;

/**
 * A field that a value must have.
 *
 * @param name of the field
 * @param type string, boolean, long, double, timestamp or decimal
 * @param precision most digits of a decimal; most bytes of a string in UTF-8, as databases count them, 0 for no limit
 * @param scale most digits after its point
 * @param optional whether it may be null or missing
 */
record Wanted(String name, String type, int precision, int scale, boolean optional) {
    static final String TYPES = "string, string(BYTES), boolean, long, double, timestamp, decimal(DIGITS,AFTER THE POINT)";

    private static final Pattern SYNTAX =
        Pattern.compile("(\\w+)\\s*:\\s*(?:(boolean|long|double|timestamp|string)|(string)\\(([1-9]\\d{0,7})\\)"
            + "|(decimal)\\((\\d{1,2}),\\s*(\\d{1,2})\\))(\\?)?");
    private static final int SHOWN = 40;

    /** Throws IllegalArgumentException when the text names no field. */
    static Wanted parse(String text) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no field; known types are " + TYPES + ", each with ? when optional");
        }
        String name = matcher.group(1);
        boolean optional = matcher.group(8) != null;
        if (matcher.group(2) != null) {
            return new Wanted(name, matcher.group(2), 0, 0, optional);
        }
        return matcher.group(3) != null
            ? new Wanted(name, matcher.group(3), Integer.parseInt(matcher.group(4)), 0, optional)
            : new Wanted(name, matcher.group(5), Integer.parseInt(matcher.group(6)), Integer.parseInt(matcher.group(7)), optional);
    }

    /** Throws DataException when the value is not of this kind. */
    void check(Object value) {
        if (value == null) {
            if (!optional) {
                throw new DataException("Field " + name + " is missing");
            }
            return;
        }
        boolean fits = switch (type) {
            case "string" -> value instanceof String text && isShort(text);
            case "boolean" -> value instanceof Boolean;
            case "long" -> value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte;
            case "double" -> value instanceof Double number && Double.isFinite(number) || value instanceof Float real && Float.isFinite(real);
            case "timestamp" -> value instanceof Date || value instanceof String text && isTime(text);
            default -> value instanceof BigDecimal number && holds(number);
        };
        if (!fits) {
            throw new DataException("Field " + name + " is " + shown(value) + " and not a " + said());
        }
    }

    private boolean isShort(String text) {
        return precision == 0 || text.length() <= precision && text.getBytes(StandardCharsets.UTF_8).length <= precision;
    }

    /** Digits before and after the point each have their room. The number's own form counts: 1E+999999 is never written out. */
    private boolean holds(BigDecimal number) {
        BigDecimal plain = number.stripTrailingZeros();
        return plain.scale() <= scale && (long) plain.precision() - plain.scale() <= precision - scale;
    }

    private static boolean isTime(String text) {
        try {
            return OffsetDateTime.parse(text) != null;
        } catch (DateTimeException error) {
            return false;
        }
    }

    private String said() {
        if (type.equals("decimal")) {
            return type + "(" + precision + "," + scale + ")";
        }
        return precision == 0 ? type : type + "(" + precision + ")";
    }

    private static String shown(Object value) {
        String text = value.toString();
        return value.getClass().getSimpleName() + " '" + (text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text) + "'";
    }
}

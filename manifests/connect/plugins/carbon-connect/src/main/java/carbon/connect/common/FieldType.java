package carbon.connect.common;

import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.SchemaBuilder;

/**
 * A field's type: how its text becomes a value of the record.
 *
 * @param name string, long, double, boolean or decimal
 * @param digits digits after the point of a decimal
 * @param optional whether the field may be null
 */
public record FieldType(String name, int digits, boolean optional) {
    private static final Pattern SYNTAX = Pattern.compile("(string|long|double|boolean|decimal\\((\\d{1,2})\\))(\\?)?");

    /** Throws IllegalArgumentException when the text is no type. */
    public static FieldType parse(String text) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text
                + "' is not a type; known are string, long, double, boolean, decimal(DIGITS), each with ? when optional");
        }
        boolean decimal = matcher.group(2) != null;
        boolean optional = matcher.group(3) != null;
        return decimal ? new FieldType("decimal", Integer.parseInt(matcher.group(2)), optional) : new FieldType(matcher.group(1), 0, optional);
    }

    /** The Connect schema of such a field. */
    public SchemaBuilder schema() {
        SchemaBuilder builder = switch (name) {
            case "string" -> SchemaBuilder.string();
            case "long" -> SchemaBuilder.int64();
            case "double" -> SchemaBuilder.float64();
            case "boolean" -> SchemaBuilder.bool();
            default -> Decimal.builder(digits);
        };
        return optional ? builder.optional() : builder;
    }

    /** The typed value of a text. */
    public Object value(String text) throws RowProblem {
        try {
            return switch (name) {
                case "string" -> text;
                case "long" -> number(text).longValueExact();
                case "double" -> number(text).doubleValue();
                case "boolean" -> bool(text);
                default -> number(text).setScale(digits);
            };
        } catch (ArithmeticException error) {
            throw RowProblem.wrong("'" + text + "' has more digits than " + name + (name.equals("decimal") ? "(" + digits + ")" : ""));
        }
    }

    static BigDecimal number(String text) throws RowProblem {
        // A longer text is no price, and parsing 1E+999999999 to its digits would take the task down.
        if (text.length() <= 40 && text.matches("[-+]?(\\d+\\.?\\d*|\\.\\d+)([eE][-+]?\\d{1,2})?")) {
            return new BigDecimal(text);
        }
        throw RowProblem.wrong("'" + (text.length() > 40 ? text.substring(0, 40) + "…" : text) + "' is not a number");
    }

    private static Boolean bool(String text) throws RowProblem {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw RowProblem.wrong("'" + text + "' is neither true nor false");
        };
    }
}

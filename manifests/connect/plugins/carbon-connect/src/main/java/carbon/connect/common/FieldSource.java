package carbon.connect.common;

import com.fasterxml.jackson.core.JsonPointer;
import java.math.BigDecimal;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where the text of a field comes from; null means that the row has no value for it. */
@FunctionalInterface
public interface FieldSource {
    Pattern PLACEHOLDER = Pattern.compile("\\{([^}]*)}");
    /** UTC in the form that SQL engines read as a timestamp. */
    DateTimeFormatter NOW = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS").withZone(ZoneOffset.UTC);
    Pattern RULE = Pattern.compile("(/[^=>]*)(?:>(-?[0-9.]+))?=(.*)");

    /** The text for a row. */
    String text(Row row) throws RowProblem;

    /** A {@code /pointer}, or a text with placeholders. Throws IllegalArgumentException when malformed. */
    static FieldSource parse(String source) {
        if (source.startsWith("/")) {
            JsonPointer pointer = Pointers.parse(source);
            return row -> row.text(pointer);
        }
        Map<String, FieldSource> placeholders = new HashMap<>();
        PLACEHOLDER.matcher(source).results().forEach(match -> placeholders.put(match.group(1), placeholder(match.group(1))));
        return row -> fill(source, placeholders, row);
    }

    private static FieldSource placeholder(String name) {
        return switch (name) {
            case "@partition" -> Row::partition;
            case "@now" -> row -> NOW.format(row.now());
            default -> {
                if (!name.startsWith("/")) {
                    throw new IllegalArgumentException("{" + name + "} stands for nothing; known are {/pointer}, {@partition}, {@now}");
                }
                yield parse(name);
            }
        };
    }

    private static String fill(String source, Map<String, FieldSource> placeholders, Row row) throws RowProblem {
        Matcher matcher = PLACEHOLDER.matcher(source);
        StringBuilder text = new StringBuilder();
        while (matcher.find()) {
            String value = placeholders.get(matcher.group(1)).text(row);
            if (value == null) {
                return null;
            }
            matcher.appendReplacement(text, Matcher.quoteReplacement(value));
        }
        return matcher.appendTail(text).toString();
    }

    /** Translate by {@code A=x,B=y}; a value that is not listed does not fit. */
    static FieldSource mapped(FieldSource source, String map) {
        Map<String, String> translations = new HashMap<>();
        for (String part : map.split(",")) {
            String[] pair = part.strip().split("=", 2);
            if (pair.length != 2) {
                throw new IllegalArgumentException("'" + part + "' is not FROM=TO");
            }
            translations.put(pair[0], pair[1]);
        }
        return row -> {
            String value = source.text(row);
            if (value != null && !translations.containsKey(value)) {
                throw RowProblem.wrong("the map has no translation of '" + value + "'");
            }
            return translations.get(value);
        };
    }

    /** The first of the rules {@code /P=x,/Q>0=y,=z} that holds. */
    static FieldSource rules(String text) {
        List<FieldSource> rules = new ArrayList<>();
        for (String part : text.split(",")) {
            rules.add(rule(part.strip()));
        }
        return row -> {
            for (FieldSource rule : rules) {
                String value = rule.text(row);
                if (value != null) {
                    return value;
                }
            }
            return null;
        };
    }

    private static FieldSource rule(String text) {
        if (text.startsWith("=")) {
            return row -> text.substring(1);
        }
        Matcher matcher = RULE.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a rule; write /POINTER=TEXT, /POINTER>NUMBER=TEXT or =TEXT");
        }
        JsonPointer pointer = Pointers.parse(matcher.group(1));
        BigDecimal above = matcher.group(2) == null ? null : new BigDecimal(matcher.group(2));
        String result = matcher.group(3);
        return row -> {
            String value = row.text(pointer);
            return value != null && (above == null || FieldType.number(value).compareTo(above) > 0) ? result : null;
        };
    }
}

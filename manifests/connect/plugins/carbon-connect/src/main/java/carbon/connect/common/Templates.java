package carbon.connect.common;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Texts of a configuration with {@code ${name}} references in them, and lists of headers. */
public final class Templates {
    /** A reference. */
    public static final Pattern REFERENCE = Pattern.compile("\\$\\{([^}]*)}");

    private static final Set<String> RESERVED_HEADERS =
        Set.of("host", "content-length", "connection", "expect", "upgrade", "transfer-encoding");

    private Templates() {
    }

    /** Throws IllegalArgumentException for a reference that is not among the known ones, or that no config provider resolved. */
    public static void checkReferences(String text, Set<String> known) {
        Matcher matcher = REFERENCE.matcher(text);
        while (matcher.find()) {
            String name = matcher.group(1);
            if (name.contains(":")) {
                throw new IllegalArgumentException("${" + name
                    + "} was not resolved: is the config provider set up on the worker, and the value there?");
            }
            if (!known.contains(name)) {
                throw new IllegalArgumentException("${" + name + "} stands for nothing; known are " + known);
            }
        }
    }

    /** The text with each reference replaced by its value, which {@code encode} makes fit. */
    public static String fill(String text, Map<String, String> values, UnaryOperator<String> encode) {
        return REFERENCE.matcher(text).replaceAll(match -> Matcher.quoteReplacement(encode.apply(values.get(match.group(1)))));
    }

    /**
     * The headers of {@code Name: value, Name: value}, in order. Throws IllegalArgumentException, which repeats no value, when
     * the text is not of that form or sets a header that belongs to the protocol.
     */
    public static List<Map.Entry<String, String>> headers(String text) {
        List<Map.Entry<String, String>> pairs = new ArrayList<>();
        for (String part : text.isEmpty() ? new String[0] : text.split(",")) {
            String[] pair = part.split(":", 2);
            String name = pair[0].strip();
            boolean reserved = RESERVED_HEADERS.contains(name.toLowerCase(Locale.ROOT));
            if (pair.length != 2 || !name.matches("[A-Za-z0-9!#$%&'*+.^_`|~-]+") || reserved) {
                throw new IllegalArgumentException("header " + (pairs.size() + 1) + " is not \"Name: value\", or its name is reserved");
            }
            pairs.add(Map.entry(name, pair[1].strip()));
        }
        return pairs;
    }
}

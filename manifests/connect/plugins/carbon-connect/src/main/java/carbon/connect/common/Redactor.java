package carbon.connect.common;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/** Strikes secret values out of texts that may repeat them, such as the body of an error answer. */
public final class Redactor {
    private static final String STRUCK = "***";

    private final Set<String> values = new TreeSet<>((a, b) -> a.length() == b.length() ? a.compareTo(b) : b.length() - a.length());

    /** A redactor of these values, in plain and in address form. */
    public Redactor(Collection<String> secrets) {
        for (String secret : secrets) {
            if (!secret.isBlank()) {
                values.add(secret);
                values.add(URLEncoder.encode(secret, StandardCharsets.UTF_8));
            }
        }
    }

    /** The text on one line, without secrets, at most {@code limit} characters. */
    public String clean(String text, int limit) {
        String clean = text;
        for (String value : values) {
            clean = clean.replace(value, STRUCK);
        }
        clean = clean.replaceAll("\\s+", " ").strip();
        return clean.length() <= limit ? clean : clean.substring(0, limit) + "…";
    }
}

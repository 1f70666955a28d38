package carbon.flink.script;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** What {@code ${namespace.name}} stands for in scripts; values of the namespace {@code secret} never leave in a message. */
public final class References {
    private static final String SECRET = "secret.";
    private static final String HIDDEN = "******";

    private final String source;
    private final Map<String, String> values;

    References(String source, Map<String, String> values) {
        this.source = source;
        this.values = Map.copyOf(values);
    }

    /** Reads a Java properties file, UTF-8. */
    public static References load(Path file) {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IOException | IllegalArgumentException error) {
            throw new ScriptException("Cannot read the references of " + file + ": " + error);
        }
        Map<String, String> values = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> values.put(name, properties.getProperty(name)));
        return new References(file.toString(), values);
    }

    /** References from a map, for a caller that has them at hand. */
    public static References of(Map<String, String> values) {
        return new References("the given references", values);
    }

    String get(String name, String where) {
        String value = values.get(name);
        if (value == null) {
            throw new ScriptException(where + ": ${" + name + "} is not among the references in " + source);
        }
        return value;
    }

    String redact(String text) {
        String redacted = text;
        for (Map.Entry<String, String> entry : values.entrySet()) {
            if (entry.getKey().startsWith(SECRET) && !entry.getValue().isEmpty()) {
                redacted = redacted.replace(entry.getValue(), HIDDEN);
            }
        }
        return redacted;
    }
}

package carbon.connect.common;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.config.Config;
import org.apache.kafka.common.config.ConfigValue;

/** What no single key of a configuration can tell, added to the answer of a connector's validation. */
public final class Mistakes {
    private Mistakes() {
    }

    /** The validated configuration with {@code mistakes} by key, which are looked for only when every single key is valid. */
    public static Config added(Config validated, Supplier<Map<String, String>> mistakes) {
        if (validated.configValues().stream().anyMatch(value -> !value.errorMessages().isEmpty())) {
            return validated;
        }
        List<ConfigValue> values = new ArrayList<>(validated.configValues());
        mistakes.get().forEach((key, message) -> valueOf(values, key).addErrorMessage(message));
        return new Config(values);
    }

    private static ConfigValue valueOf(List<ConfigValue> values, String key) {
        return values.stream().filter(value -> value.name().equals(key)).findFirst().orElseGet(() -> {
            ConfigValue added = new ConfigValue(key);
            values.add(added);
            return added;
        });
    }
}

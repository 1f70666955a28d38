package carbon.connect.common;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Set;

/**
 * One row that a source has got: of an answer, or a message of its own.
 *
 * @param node the row
 * @param partition the source partition it came from
 * @param now when it was asked for or came
 * @param missing texts that mean no value
 */
public record Row(JsonNode node, String partition, Instant now, Set<String> missing) {

    /** The value as text without surrounding blanks, null when there is none. */
    public String text(JsonPointer pointer) {
        JsonNode value = node.at(pointer);
        if (value.isMissingNode() || value.isNull()) {
            return null;
        }
        String text = value.isValueNode() ? value.asText().strip() : value.toString();
        return text.isEmpty() || missing.contains(text) ? null : text;
    }
}

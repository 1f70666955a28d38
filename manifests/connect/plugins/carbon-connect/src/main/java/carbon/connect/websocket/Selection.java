package carbon.connect.websocket;

import carbon.connect.common.Pointers;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;

/**
 * Which messages hold records.
 *
 * @param pointer where to look, null when all of them do
 * @param text what must stand there
 */
record Selection(JsonPointer pointer, String text) {

    /** Throws IllegalArgumentException when the text is not {@code /pointer=text}. */
    static Selection parse(String spec) {
        if (spec.isBlank()) {
            return new Selection(null, "");
        }
        int equals = spec.indexOf('=');
        if (equals < 0 || !spec.startsWith("/")) {
            throw new IllegalArgumentException("'" + spec + "' is not /pointer=text");
        }
        return new Selection(Pointers.parse(spec.substring(0, equals)), spec.substring(equals + 1).strip());
    }

    boolean holds(JsonNode message) {
        return pointer == null || message.at(pointer).asText().equals(text);
    }
}

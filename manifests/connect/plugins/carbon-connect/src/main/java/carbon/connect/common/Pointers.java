package carbon.connect.common;

import com.fasterxml.jackson.core.JsonPointer;

/** JSON pointers (RFC 6901) from configuration. */
public final class Pointers {
    private Pointers() {
    }

    /** The empty text points to the whole document. Throws IllegalArgumentException for a malformed one. */
    public static JsonPointer parse(String text) {
        String pointer = text.strip();
        if (!pointer.isEmpty() && !pointer.startsWith("/")) {
            throw new IllegalArgumentException("'" + pointer + "' is not a JSON pointer: it must be empty or start with /");
        }
        return JsonPointer.compile(pointer);
    }
}

package carbon.connect.http;

import com.fasterxml.jackson.core.JsonPointer;

/** JSON pointers (RFC 6901) from configuration. */
final class Pointers {
    private Pointers() {
    }

    /** The empty text points to the whole document. Throws IllegalArgumentException for a malformed one. */
    static JsonPointer parse(String text) {
        String pointer = text.strip();
        if (!pointer.isEmpty() && !pointer.startsWith("/")) {
            throw new IllegalArgumentException("'" + pointer + "' is not a JSON pointer: it must be empty or start with /");
        }
        return JsonPointer.compile(pointer);
    }
}

package carbon.connect.elasticsearch;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What the cluster says about one document of a bulk request.
 *
 * @param status as an HTTP status
 * @param type of the error, empty for none
 * @param reason of the error and its causes, on one line
 */
record BulkResult(int status, String type, String reason) {
    private static final int DEPTH = 5;
    private static final int LONGEST = 400;

    /** The result of an item, which is an object of the action's name. */
    static BulkResult of(JsonNode item) {
        JsonNode result = item.elements().hasNext() ? item.elements().next() : item;
        JsonNode error = result.path("error");
        StringBuilder reason = new StringBuilder(error.path("reason").asText());
        JsonNode cause = error.path("caused_by");
        for (int depth = 0; depth < DEPTH && !cause.isMissingNode(); depth++) {
            reason.append("; ").append(cause.path("reason").asText());
            cause = cause.path("caused_by");
        }
        String line = reason.toString().replaceAll("\\s+", " ").strip();
        return new BulkResult(result.path("status").asInt(), error.path("type").asText(),
            line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…");
    }

    /** Whether the index is as the record wants it: written, or there in this or a later version, or already gone. */
    boolean isDone(Document document) {
        return status >= 200 && status < 300 || isConflict() || document.deletes() && status == 404 && type.isEmpty();
    }

    boolean isConflict() {
        return status == 409;
    }

    /** Whether the document is what is wrong; everything else is the cluster's state and may pass. */
    boolean isMalformed() {
        return status == 400 || status == 413;
    }

    @Override
    public String toString() {
        return type + " (" + status + "): " + reason;
    }
}

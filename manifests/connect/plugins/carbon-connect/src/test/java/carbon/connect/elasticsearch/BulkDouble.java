package carbon.connect.elasticsearch;

import carbon.connect.common.TestApi;
import carbon.connect.common.TestApi.Answer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/** A double of a cluster's bulk API: keeps documents by id with their versions, and refuses what a test tells it to. */
final class BulkDouble implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    final TestApi api = TestApi.open();
    final Map<String, JsonNode> documents = new TreeMap<>();
    /** Status that a document gets instead of being written, 0 for none; asked with its source. */
    Function<JsonNode, Integer> refuses = source -> 0;
    /** The answer of a request that is refused as a whole with 400, null for none; asked with its body. */
    Function<String, String> refusesWhole = body -> null;
    private final Deque<Integer> busy = new ArrayDeque<>();
    private final Map<String, Long> versions = new HashMap<>();
    private int limit = Integer.MAX_VALUE;

    BulkDouble() {
        api.always(request -> bulk(request.body()));
    }

    /** Requests larger than this are refused as a whole. */
    void limit(int bytes) {
        limit = bytes;
    }

    /** The next documents get these statuses, once each. */
    void busy(Integer... statuses) {
        busy.addAll(List.of(statuses));
    }

    private synchronized Answer bulk(String body) {
        if (body.length() > limit) {
            return Answer.status(413, "");
        }
        String refusal = refusesWhole.apply(body);
        if (refusal != null) {
            return Answer.status(400, refusal);
        }
        ArrayNode items = JSON.createArrayNode();
        try {
            String[] lines = body.split("\n");
            for (int i = 0; i < lines.length; i++) {
                String action = JSON.readTree(lines[i]).fieldNames().next();
                JsonNode target = JSON.readTree(lines[i]).get(action);
                JsonNode source = action.equals("delete") ? null : JSON.readTree(lines[++i]);
                items.addObject().set(action, item(action, target, source));
            }
        } catch (JsonProcessingException error) {
            return Answer.status(400, error.getMessage());
        }
        return Answer.json("{\"errors\":true,\"items\":" + items + "}");
    }

    private ObjectNode item(String action, JsonNode target, JsonNode source) {
        String id = target.get("_id").asText();
        Integer status = busy.poll();
        status = status == null ? refuses.apply(source) : status;
        if (status != 0) {
            return error(status, status == 400 ? "mapper_parsing_exception" : "rejected", "failed to parse field");
        }
        if (target.has("version") && target.get("version").asLong() <= versions.getOrDefault(id, -1L)) {
            return error(409, "version_conflict_engine_exception", "current version is higher");
        }
        versions.put(id, target.path("version").asLong());
        if (action.equals("delete")) {
            return JSON.createObjectNode().put("status", documents.remove(id) == null ? 404 : 200);
        }
        JsonNode merged = source;
        if (action.equals("update")) {
            merged = documents.getOrDefault(id, JSON.createObjectNode()).deepCopy();
            ((ObjectNode) merged).setAll((ObjectNode) source.get("doc"));
        }
        documents.put(id, merged);
        return JSON.createObjectNode().put("status", 201);
    }

    private static ObjectNode error(int status, String type, String reason) {
        ObjectNode item = JSON.createObjectNode().put("status", status);
        item.putObject("error").put("type", type).put("reason", reason).putObject("caused_by").put("reason", "For input string: \"abc\"");
        return item;
    }

    @Override
    public void close() {
        api.close();
    }
}

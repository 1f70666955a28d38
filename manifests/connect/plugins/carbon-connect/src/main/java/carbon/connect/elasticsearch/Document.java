package carbon.connect.elasticsearch;

import carbon.connect.common.JsonValues;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * What one record does to the index: the lines of a bulk request.
 *
 * @param record where it comes from
 * @param lines action and source, each ended by a line feed
 * @param deletes whether the document is to go
 */
record Document(SinkRecord record, byte[] lines, boolean deletes) {
    private static final int LONGEST_ID = 512;

    /**
     * The document of a record; null when the record is to do nothing.
     *
     * <p>Ids make the write repeatable. Where the record key is the id, an older record must not overwrite a newer one, should it
     * be delivered again: the offset is the version, as with Confluent's sink.
     *
     * @throws DataException when the record is no document
     */
    static Document of(SinkRecord record, ElasticsearchSinkConfig config) {
        if (record.value() == null) {
            return ofNull(record, config);
        }
        ObjectNode source = JsonValues.object(record.valueSchema(), record.value());
        String field = config.getString(ElasticsearchSinkConfig.ID_FIELD);
        boolean upsert = config.getString(ElasticsearchSinkConfig.WRITE_METHOD).equals("upsert");
        ObjectNode target = target(config.index(record.topic()), field.isEmpty() ? id(record, config) : id(source, field));
        if (upsert) {
            target.put("retry_on_conflict", 3);
            ObjectNode update = JsonValues.JSON.createObjectNode().put("doc_as_upsert", true);
            update.set("doc", source);
            return new Document(record, lines("update", target, update), false);
        }
        if (field.isEmpty() && !config.getBoolean(ElasticsearchSinkConfig.KEY_IGNORE)) {
            version(target, record);
        }
        return new Document(record, lines("index", target, source), false);
    }

    private static Document ofNull(SinkRecord record, ElasticsearchSinkConfig config) {
        switch (config.getString(ElasticsearchSinkConfig.NULL_VALUES)) {
            case "ignore":
                return null;
            case "delete":
                ObjectNode target = target(config.index(record.topic()), id(record, config));
                version(target, record);
                return new Document(record, lines("delete", target, null), true);
            default:
                throw new DataException("the value is null");
        }
    }

    private static ObjectNode target(String index, String id) {
        int bytes = id.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > LONGEST_ID) {
            throw new DataException("the document's id has " + bytes + " bytes, more than the " + LONGEST_ID + " that an index takes");
        }
        return JsonValues.JSON.createObjectNode().put("_index", index).put("_id", id);
    }

    private static void version(ObjectNode target, SinkRecord record) {
        target.put("version_type", "external").put("version", record.originalKafkaOffset());
    }

    private static String id(ObjectNode source, String field) {
        JsonNode id = source.get(field);
        if (id == null || id.isNull() || !id.isValueNode() || id.asText().isEmpty()) {
            throw new DataException("the field " + field + ", which is the document's id, is missing or not a value");
        }
        return id.asText();
    }

    private static String id(SinkRecord record, ElasticsearchSinkConfig config) {
        if (config.getBoolean(ElasticsearchSinkConfig.KEY_IGNORE)) {
            return record.originalTopic() + "+" + record.originalKafkaPartition() + "+" + record.originalKafkaOffset();
        }
        Object key = record.key();
        Schema schema = record.keySchema();
        boolean plain = key instanceof String || key instanceof Number || key instanceof Boolean;
        if (!plain || schema != null && !schema.type().isPrimitive()) {
            throw new DataException("the key is " + (key == null ? "null" : "a " + key.getClass().getSimpleName())
                + " and cannot be the document's id");
        }
        return key.toString();
    }

    private static byte[] lines(String action, ObjectNode target, ObjectNode source) {
        ObjectNode head = JsonValues.JSON.createObjectNode();
        head.set(action, target);
        try {
            String text = JsonValues.JSON.writeValueAsString(head) + "\n";
            return (source == null ? text : text + JsonValues.JSON.writeValueAsString(source) + "\n").getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException error) {
            throw new DataException("the value cannot be written as JSON: " + error.getOriginalMessage(), error);
        }
    }
}

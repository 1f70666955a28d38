package carbon.connect.websocket;

import carbon.connect.common.JsonValues;
import carbon.connect.common.OffsetSpec;
import carbon.connect.common.RecordMapper;
import carbon.connect.common.Row;
import carbon.connect.common.RowProblem;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes records of messages, each number once, and keeps count of everything that is none. */
final class MessageReader {
    /** The one source partition of a feed. */
    static final Map<String, String> PARTITION = Map.of("partition", "default");

    private static final Logger LOG = LoggerFactory.getLogger(MessageReader.class);
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int EXCERPT = 300;

    private final WebSocketSourceConfig config;
    private final Counters counters;
    private final OffsetSpec spec;
    private final RecordMapper mapper;
    private final JsonPointer complaint;
    private final JsonPointer gap;
    private final JsonPointer list;
    private String last;
    private boolean begun;
    private long toldNanos = System.nanoTime() - QUIET_NANOS;

    MessageReader(WebSocketSourceConfig config, Counters counters, Map<String, ?> stored) {
        this.config = config;
        this.counters = counters;
        spec = config.offset();
        mapper = config.mapper();
        complaint = config.pointer(WebSocketSourceConfig.ERROR_POINTER);
        gap = config.pointer(WebSocketSourceConfig.GAP_POINTER);
        list = config.pointer(WebSocketSourceConfig.LIST_POINTER);
        begun = stored != null;
        last = begun ? restored(spec, stored) : spec.initial();
    }

    /** The number in a stored offset. Throws ConnectException when the offset is not one of this connector's. */
    static String restored(OffsetSpec spec, Map<String, ?> stored) {
        if (stored.size() == 1 && stored.get(spec.name()) instanceof String text && spec.fits(text)) {
            return text;
        }
        throw new ConnectException("The stored offset " + stored + " is not {\"" + spec.name()
            + "\": \"NUMBER\"}, so this connector did not write it: reset its offsets");
    }

    /** The number of the last record, which a new subscription goes on after. */
    String last() {
        return last;
    }

    /**
     * Add a message's records to {@code records}.
     *
     * @return what the feed complains about, null when it does not
     */
    String read(String message, List<SourceRecord> records) {
        counters.messages.incrementAndGet();
        JsonNode node = parse(message);
        if (node == null) {
            malformed(message, message.equals(Connection.UNREADABLE) ? "longer than allowed, or not text" : "not a JSON object or array",
                false);
            return null;
        }
        if (given(node, complaint)) {
            return config.redactor().clean(node.at(complaint).asText(), EXCERPT);
        }
        if (given(node, gap)) {
            counters.gaps.incrementAndGet();
            LOG.warn("The feed has dropped messages: {} ({})", config.redactor().clean(node.at(gap).toString(), EXCERPT), counters);
        } else if (!config.selection().holds(node)) {
            counters.passedOver.incrementAndGet();
        } else {
            JsonNode rows = list == null ? node : node.at(list);
            for (JsonNode row : rows.isArray() ? rows : List.of(rows)) {
                add(row, records);
            }
        }
        return null;
    }

    private static JsonNode parse(String message) {
        try {
            JsonNode node = JsonValues.JSON.readTree(message);
            return node != null && node.isContainerNode() ? node : null;
        } catch (JsonProcessingException error) {
            return null;
        }
    }

    private static boolean given(JsonNode node, JsonPointer pointer) {
        return pointer != null && !node.at(pointer).isMissingNode() && !node.at(pointer).isNull();
    }

    private void add(JsonNode node, List<SourceRecord> records) {
        Row row = new Row(node, PARTITION.get("partition"), Instant.now(), mapper.missing());
        try {
            String offset = spec.of(row);
            if (!spec.isAfter(offset, last)) {
                counters.repeated.incrementAndGet();
                return;
            }
            noteGap(offset);
            last = offset;
            begun = true;
            String key = mapper.key(row);
            records.add(new SourceRecord(PARTITION, Map.of(spec.name(), offset), config.getString(WebSocketSourceConfig.TOPIC), null,
                key == null ? null : Schema.STRING_SCHEMA, key, mapper.schema(), mapper.value(row), mapper.timestamp(row)));
            counters.records.incrementAndGet();
        } catch (RowProblem problem) {
            malformed(node.toString(), problem.getMessage(), problem.isMissing());
        }
    }

    private void noteGap(String offset) {
        if (config.getBoolean(WebSocketSourceConfig.OFFSET_STEP) && begun
            && new BigDecimal(offset).subtract(new BigDecimal(last)).compareTo(BigDecimal.ONE) > 0) {
            counters.gaps.incrementAndGet();
            LOG.warn("After {} {} the feed went on with {} ({})", spec.name(), last, offset, counters);
        }
    }

    /** Count it, and log it unless another was logged a moment ago: a feed that babbles must not fill the disk. */
    private void malformed(String text, String why, boolean onlyMissing) {
        long count = counters.malformed.incrementAndGet();
        String excerpt = config.redactor().clean(text, EXCERPT);
        if (!onlyMissing && config.getString(WebSocketSourceConfig.MALFORMED).equals("fail")) {
            throw new ConnectException("The message " + excerpt + " does not fit: " + why + "; with " + WebSocketSourceConfig.MALFORMED
                + "=skip it would be skipped");
        }
        if (System.nanoTime() - toldNanos >= QUIET_NANOS) {
            toldNanos = System.nanoTime();
            LOG.warn("Skipped a message, the {}. since the start: {}: {} ({})", count, why, excerpt, counters);
        }
    }
}

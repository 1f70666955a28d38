package carbon.connect.s3;

import carbon.connect.common.BadRecords;
import carbon.connect.common.Continuation;
import carbon.connect.common.Gauges;
import carbon.connect.common.JsonValues;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** Collects records into objects and writes these; see the package for what makes it exactly-once. */
public final class S3SinkTask extends SinkTask {
    static final String META = "_kafka";

    private final Clock clock;
    private final Map<TopicPartition, ArchivedPartition> partitions = new HashMap<>();
    private final Map<TopicPartition, Continuation> continuations = new HashMap<>();
    private final AtomicLong objects = new AtomicLong();
    private final AtomicLong records = new AtomicLong();
    private S3SinkConfig config;
    private ObjectStore store;
    private BadRecords badRecords;
    private boolean gzip;
    private long scheduleMillis;
    private long nextSchedule;
    private long delivery;

    /** Made by the worker. */
    public S3SinkTask() {
        this(Clock.systemUTC());
    }

    S3SinkTask(Clock clock) {
        this.clock = clock;
    }

    @Override
    public String version() {
        return new S3SinkConnector().version();
    }

    @Override
    public void start(Map<String, String> props) {
        config = S3SinkConfig.of(props);
        store = new ObjectStore(config);
        badRecords = BadRecords.of(context);
        gzip = config.getString(S3SinkConfig.COMPRESSION).equals("gzip");
        scheduleMillis = config.getLong(S3SinkConfig.ROTATE_SCHEDULE);
        nextSchedule = afterNow();
        Gauges.publish(context.pluginMetrics(), Map.of("s3-objects-total", objects, "s3-records-total", records, "s3-bad-records-total",
            badRecords.reported()));
    }

    @Override
    public void put(Collection<SinkRecord> batch) {
        try {
            if (scheduleMillis > 0 && clock.millis() >= nextSchedule) {
                for (ArchivedPartition partition : partitions.values()) {
                    write(partition);
                }
                nextSchedule = afterNow();
            }
            for (SinkRecord record : batch) {
                take(record);
            }
            delivery++;
        } catch (RetriableException error) {
            context.timeout(config.getLong(S3SinkConfig.RETRY_BACKOFF));
            throw error;
        }
        if (scheduleMillis > 0) {
            // Without this the worker waits for records, and a quiet topic's last ones would wait with it.
            context.timeout(Math.max(1, nextSchedule - clock.millis()));
        }
    }

    private void take(SinkRecord record) {
        TopicPartition place = new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
        ArchivedPartition partition = partitions.computeIfAbsent(place, key -> new ArchivedPartition(names(key), store, gzip));
        Continuation continuation = continuations.computeIfAbsent(place, this::continuation);
        if (!continuation.isNew(record.originalKafkaOffset(), delivery, offset -> context.offset(place, offset))) {
            return;
        }
        try {
            long millis = config.path().millis(record, clock.millis());
            byte[] line = line(record);
            // A write that fails leaves the record untaken: the worker brings it again.
            if (isDue(partition, millis)) {
                write(partition);
            }
            partition.add(config.path().of(millis), record.originalKafkaOffset(), millis, line);
            records.incrementAndGet();
        } catch (DataException error) {
            badRecords.report(record, error.getMessage());
        }
        continuation.taken(record.originalKafkaOffset());
        if (isFull(partition)) {
            write(partition);
        }
    }

    private boolean isDue(ArchivedPartition partition, long millis) {
        long interval = config.getLong(S3SinkConfig.ROTATE_INTERVAL);
        return isFull(partition) || interval > 0 && !partition.isEmpty() && millis - partition.oldestMillis() >= interval;
    }

    private boolean isFull(ArchivedPartition partition) {
        return partition.fullest() >= config.getInt(S3SinkConfig.FLUSH_SIZE) || partition.bytes() >= config.getInt(S3SinkConfig.FLUSH_BYTES);
    }

    private byte[] line(SinkRecord record) {
        ObjectNode object = JsonValues.object(record.valueSchema(), record.value());
        if (object.has(META)) {
            throw new DataException("the value has a field " + META + ", which is the archive's own");
        }
        ObjectNode meta = object.putObject(META);
        meta.put("topic", record.originalTopic()).put("partition", record.originalKafkaPartition()).put("offset", record.originalKafkaOffset());
        meta.put("timestamp", record.timestamp());
        meta.set("key", JsonValues.node(record.keySchema(), record.key()));
        try {
            return JsonValues.JSON.writeValueAsBytes(object);
        } catch (JsonProcessingException error) {
            throw new DataException("the value cannot be written as JSON: " + error.getOriginalMessage(), error);
        }
    }

    private void write(ArchivedPartition partition) {
        if (!partition.isEmpty()) {
            objects.addAndGet(partition.write());
        }
    }

    private Continuation continuation(TopicPartition place) {
        ObjectNames names = names(place);
        return new Continuation(place.toString(), store.get(names.note()).map(names::nextOffset).orElse(0L));
    }

    private ObjectNames names(TopicPartition place) {
        return new ObjectNames(config.getString(S3SinkConfig.TOPICS_DIR), place.topic(), place.partition(), gzip);
    }

    private long afterNow() {
        return scheduleMillis <= 0 ? Long.MAX_VALUE : (clock.millis() / scheduleMillis + 1) * scheduleMillis;
    }

    /** Offsets of what is written; a partition of which nothing waits is done up to where the worker is. */
    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>(current);
        partitions.forEach((place, partition) -> {
            if (!partition.isEmpty()) {
                done.put(place, new OffsetAndMetadata(partition.waitingFrom()));
            }
        });
        return done;
    }

    /** What waits is let go: whoever gets the partition reads it again, and begins at the same offset. */
    @Override
    public void close(Collection<TopicPartition> revoked) {
        partitions.keySet().removeAll(revoked);
        continuations.keySet().removeAll(revoked);
    }

    @Override
    public void stop() {
        partitions.clear();
        continuations.clear();
    }
}

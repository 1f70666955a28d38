package carbon.connect.doris;

import carbon.connect.common.BadRecords;
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
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;

/** Collects records into batches and loads these; see the package for what makes it exactly-once. */
public final class DorisSinkTask extends SinkTask {
    static final String DELETE_SIGN = "__DORIS_DELETE_SIGN__";

    /** The worker has to hear from the task well within max.poll.interval.ms, however many rows have to be picked out. */
    private static final long LONGEST_MILLIS = 60_000;

    private final Clock clock;
    private final Map<TopicPartition, LoadedPartition> partitions = new HashMap<>();
    private final AtomicLong loaded = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private DorisSinkConfig config;
    private StreamLoad loads;
    private BadRecords badRecords;
    private long ageMillis;
    private long delivery;
    private int failures;

    /** Made by the worker. */
    public DorisSinkTask() {
        this(Clock.systemUTC());
    }

    DorisSinkTask(Clock clock) {
        this.clock = clock;
    }

    @Override
    public String version() {
        return new DorisSinkConnector().version();
    }

    @Override
    public void start(Map<String, String> props) {
        config = DorisSinkConfig.of(props);
        loads = new StreamLoad(config);
        badRecords = BadRecords.of(context);
        ageMillis = config.getLong(DorisSinkConfig.BUFFER_SECONDS) * 1000;
        Gauges.publish(context.pluginMetrics(), Map.of("doris-rows-total", loaded, "doris-bad-records-total", badRecords.reported(),
            "doris-failures-total", failed));
    }

    @Override
    public void put(Collection<SinkRecord> batch) {
        try {
            for (SinkRecord record : batch) {
                take(record);
            }
            load();
        } catch (RetriableException error) {
            tryAgainLater(error);
        }
        delivery++;
        failures = 0;
        long due = partitions.values().stream().mapToLong(each -> each.dueMillis(ageMillis)).min().orElse(Long.MAX_VALUE);
        if (due < Long.MAX_VALUE) {
            // Without this the worker waits for records, and a quiet topic's last ones would wait with it.
            context.timeout(Math.max(1, due - clock.millis()));
        }
    }

    private void tryAgainLater(RetriableException error) {
        failed.incrementAndGet();
        int limit = config.getInt(DorisSinkConfig.RETRIES);
        if (limit >= 0 && ++failures > limit) {
            throw new ConnectException("Given up after " + limit + " retries. " + error.getMessage(), error);
        }
        context.timeout(config.getLong(DorisSinkConfig.RETRY_INTERVAL));
        throw error;
    }

    private void take(SinkRecord record) {
        TopicPartition place = new TopicPartition(record.originalTopic(), record.originalKafkaPartition());
        LoadedPartition partition = partitions.computeIfAbsent(place, key -> partition(key, record.topic()));
        long offset = record.originalKafkaOffset();
        if (!partition.continuation().isNew(offset, delivery, to -> context.offset(place, to))) {
            return;
        }
        try {
            partition.requireTable();
            partition.add(record, row(record), clock.millis());
        } catch (DataException error) {
            badRecords.report(record, error.getMessage());
        }
        partition.continuation().taken(offset);
        closeWhenDue(partition);
    }

    private LoadedPartition partition(TopicPartition place, String topic) {
        String table = config.tables().get(topic);
        if (table == null) {
            return LoadedPartition.unmapped(place.toString(), topic);
        }
        Labels labels = Labels.of(config.labelPrefix(), table, place.topic(), place.partition(), config.exactlyOnce());
        return LoadedPartition.of(place.toString(), table, labels, loads);
    }

    private void closeWhenDue(LoadedPartition partition) {
        partition.closeWhenDue(config.getInt(DorisSinkConfig.BUFFER_RECORDS), config.getInt(DorisSinkConfig.BUFFER_BYTES), ageMillis, clock.millis());
    }

    private void load() {
        long began = clock.millis();
        for (LoadedPartition partition : partitions.values()) {
            closeWhenDue(partition);
            while (partition.isBehind()) {
                loaded.addAndGet(partition.loadNext(badRecords));
                failures = 0;
                if (clock.millis() - began > LONGEST_MILLIS) {
                    throw new RetriableException("Loads are going on; picking out rows that Doris refuses takes many.");
                }
            }
        }
    }

    private byte[] row(SinkRecord record) {
        boolean delete = record.value() == null && config.getBoolean(DorisSinkConfig.DELETE);
        ObjectNode row = delete
            ? JsonValues.object(record.keySchema(), record.key()) : JsonValues.object(record.valueSchema(), record.value());
        if (config.getBoolean(DorisSinkConfig.DELETE)) {
            row.put(DELETE_SIGN, delete ? 1 : 0);
        }
        try {
            return JsonValues.JSON.writeValueAsBytes(row);
        } catch (JsonProcessingException error) {
            throw new DataException("the value cannot be written as JSON: " + error.getOriginalMessage(), error);
        }
    }

    /** Offsets of what is loaded or a dead letter; a partition of which nothing waits is done up to where the worker is. */
    @Override
    public Map<TopicPartition, OffsetAndMetadata> preCommit(Map<TopicPartition, OffsetAndMetadata> current) {
        Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>(current);
        partitions.forEach((place, partition) -> {
            if (!partition.isIdle()) {
                done.put(place, new OffsetAndMetadata(partition.waitingFrom()));
            }
        });
        return done;
    }

    /** What waits is let go: whoever gets the partition reads it again. */
    @Override
    public void close(Collection<TopicPartition> revoked) {
        partitions.keySet().removeAll(revoked);
    }

    @Override
    public void stop() {
        partitions.clear();
    }
}

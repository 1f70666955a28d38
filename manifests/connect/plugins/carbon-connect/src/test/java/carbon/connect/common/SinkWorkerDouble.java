package carbon.connect.common;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.MetricValueProvider;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.apache.kafka.connect.sink.SinkTaskContext;

/**
 * A double of the worker as a sink task sees it: one partition's log, its committed offset, seeks, the dead letter queue, and a
 * batch that is brought again after a retriable failure. What is kept outlives the task, as Kafka does.
 */
public final class SinkWorkerDouble implements SinkTaskContext, PluginMetrics {
    /** A record in the dead letter queue. */
    public record Dead(SinkRecord record, String reason) {
    }

    public final List<Dead> dead = new ArrayList<>();
    public final Map<String, MetricValueProvider<?>> metrics = new HashMap<>();
    public final TopicPartition place;
    public boolean reporting = true;
    public long committed;
    public long retried;
    private final List<SinkRecord> log;
    private SinkTask task;
    private long position;
    private List<SinkRecord> batch = List.of();

    public SinkWorkerDouble(TopicPartition place, List<SinkRecord> log) {
        this.place = place;
        this.log = log;
    }

    /** Give the partition to a new task, which reads on from the committed offset. */
    public SinkWorkerDouble start(SinkTask next, Map<String, String> config) {
        task = next;
        position = committed;
        batch = List.of();
        task.initialize(this);
        task.start(config);
        task.open(Set.of(place));
        return this;
    }

    /** One round: the next records, at most {@code count}, or the ones before again. False after a retriable failure. */
    public boolean round(int count) {
        if (batch.isEmpty()) {
            batch = log.stream().filter(record -> record.kafkaOffset() >= position).limit(count).toList();
        }
        try {
            task.put(batch);
        } catch (RetriableException again) {
            retried++;
            return false;
        }
        long last = batch.isEmpty() ? position : batch.get(batch.size() - 1).kafkaOffset() + 1;
        position = sought == null ? last : sought;
        // As a broker does when a reader asks for what is not there: from the beginning.
        long end = log.isEmpty() ? 0 : log.get(log.size() - 1).kafkaOffset() + 1;
        position = position > end ? 0 : position;
        sought = null;
        batch = List.of();
        return true;
    }

    private Long sought;

    /** Read to the end of the log, in batches of this size. */
    public SinkWorkerDouble drain(int count) {
        while (position < log.get(log.size() - 1).kafkaOffset() + 1) {
            round(count);
        }
        return this;
    }

    /** Ask for offsets and commit them. */
    public SinkWorkerDouble commit() {
        committed = task.preCommit(new HashMap<>(Map.of(place, new OffsetAndMetadata(position)))).get(place).offset();
        return this;
    }

    /** End the task in order. */
    public void close() {
        task.close(Set.of(place));
        task.stop();
    }

    @Override
    public Map<String, String> configs() {
        return Map.of();
    }

    @Override
    public void offset(Map<TopicPartition, Long> offsets) {
        offsets.forEach(this::offset);
    }

    @Override
    public void offset(TopicPartition partition, long offset) {
        sought = offset;
    }

    @Override
    public void timeout(long millis) {
        // Rounds are called by the test, not by a clock.
    }

    @Override
    public Set<TopicPartition> assignment() {
        return Set.of(place);
    }

    @Override
    public void pause(TopicPartition... partitions) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void resume(TopicPartition... partitions) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void requestCommit() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ErrantRecordReporter errantRecordReporter() {
        return !reporting ? null : (record, error) -> {
            dead.add(new Dead(record, error.getMessage()));
            return CompletableFuture.completedFuture(null);
        };
    }

    @Override
    public PluginMetrics pluginMetrics() {
        return this;
    }

    @Override
    public MetricName metricName(String name, String description, LinkedHashMap<String, String> tags) {
        return new MetricName(name, "plugins", description, tags);
    }

    @Override
    public void addMetric(MetricName name, MetricValueProvider<?> provider) {
        metrics.put(name.name(), provider);
    }

    @Override
    public void removeMetric(MetricName name) {
        metrics.remove(name.name());
    }

    @Override
    public Sensor addSensor(String name) {
        throw new UnsupportedOperationException(name);
    }

    @Override
    public void removeSensor(String name) {
        throw new UnsupportedOperationException(name);
    }

    /** Offsets of records. */
    public static List<Long> offsets(Collection<SinkRecord> records) {
        return records.stream().map(SinkRecord::kafkaOffset).toList();
    }
}

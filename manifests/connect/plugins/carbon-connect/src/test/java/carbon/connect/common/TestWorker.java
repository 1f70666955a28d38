package carbon.connect.common;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.metrics.MetricValueProvider;
import org.apache.kafka.common.metrics.PluginMetrics;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;
import org.apache.kafka.connect.source.SourceTaskContext;
import org.apache.kafka.connect.storage.OffsetStorageReader;

/** The part of a worker that a task sees: stored offsets, metrics, and the loop that calls poll. */
public final class TestWorker implements AutoCloseable {
    public final Map<Map<String, ?>, Map<String, ?>> offsets = new HashMap<>();
    public final Map<String, MetricValueProvider<?>> metrics = new HashMap<>();
    public final List<SourceRecord> records = new ArrayList<>();
    private final Supplier<SourceTask> tasks;
    private SourceTask task;

    /** A worker of tasks of one kind. */
    public TestWorker(Supplier<SourceTask> tasks) {
        this.tasks = tasks;
    }

    /** Start a task, as after a restart when offsets are there already. */
    public TestWorker start(Map<String, String> config) {
        task = tasks.get();
        task.initialize(new Context(config));
        task.start(config);
        return this;
    }

    /** Call poll until the condition holds; every record's offset is committed, as a worker does. */
    public TestWorker until(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 10 s; records so far: " + records.size());
            }
            List<SourceRecord> batch = task.poll();
            if (batch != null) {
                records.addAll(batch);
                batch.forEach(record -> offsets.put(record.sourcePartition(), record.sourceOffset()));
            }
        }
        return this;
    }

    public TestWorker untilRecords(int count) throws InterruptedException {
        return until(() -> records.size() >= count);
    }

    /** One call of poll, for failures. */
    public List<SourceRecord> poll() throws InterruptedException {
        return task.poll();
    }

    /** A counter of the task. */
    public long metric(String name) {
        Object value = ((Gauge<?>) metrics.get(name)).value(null, 0);
        return (Long) value;
    }

    /** Stop the task; the offsets stay for the next one. */
    @Override
    public void close() {
        if (task != null) {
            task.stop();
        }
    }

    private final class Context implements SourceTaskContext, OffsetStorageReader, PluginMetrics {
        private final Map<String, String> config;

        Context(Map<String, String> config) {
            this.config = config;
        }

        @Override
        public Map<String, String> configs() {
            return config;
        }

        @Override
        public OffsetStorageReader offsetStorageReader() {
            return this;
        }

        @Override
        public PluginMetrics pluginMetrics() {
            return this;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> Map<String, Object> offset(Map<String, T> partition) {
            return (Map<String, Object>) offsets.get(partition);
        }

        @Override
        public <T> Map<Map<String, T>, Map<String, Object>> offsets(Collection<Map<String, T>> partitions) {
            Map<Map<String, T>, Map<String, Object>> stored = new HashMap<>();
            partitions.forEach(partition -> stored.put(partition, offset(partition)));
            return stored;
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
    }
}

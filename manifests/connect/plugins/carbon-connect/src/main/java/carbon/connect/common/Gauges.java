package carbon.connect.common;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.metrics.PluginMetrics;

/** Counters of a task among the worker's metrics, under {@code kafka.connect:type=plugins}. */
public final class Gauges {
    private Gauges() {
    }

    /** Register counters by the names they are to have. */
    public static void publish(PluginMetrics metrics, Map<String, AtomicLong> named) {
        named.forEach((name, counter) -> {
            Gauge<Long> gauge = (config, now) -> counter.get();
            metrics.addMetric(metrics.metricName(name, "Since the task started.", new LinkedHashMap<>()), gauge);
        });
    }
}

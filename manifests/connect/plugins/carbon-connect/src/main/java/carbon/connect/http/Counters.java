package carbon.connect.http;

import carbon.connect.common.Gauges;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.metrics.PluginMetrics;

/** What a task has done since it started; the worker publishes it under {@code kafka.connect:type=plugins}. */
final class Counters {
    final AtomicLong requests = new AtomicLong();
    final AtomicLong throttled = new AtomicLong();
    final AtomicLong failures = new AtomicLong();
    final AtomicLong garbage = new AtomicLong();
    final AtomicLong rowsSkipped = new AtomicLong();
    final AtomicLong records = new AtomicLong();

    /** Register every counter with the worker's metrics. */
    void publish(PluginMetrics metrics) {
        Gauges.publish(metrics, Map.of("http-requests-total", requests, "http-throttled-total", throttled,
            "http-failures-total", failures, "http-garbage-total", garbage, "rows-skipped-total", rowsSkipped, "records-total", records));
    }

    @Override
    public String toString() {
        return "requests " + requests + ", throttled " + throttled + ", failed " + failures + ", garbage " + garbage
            + ", rows skipped " + rowsSkipped + ", records " + records;
    }
}

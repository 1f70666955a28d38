package carbon.connect.websocket;

import carbon.connect.common.Gauges;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.metrics.PluginMetrics;

/** What a task has done since it started; the worker publishes it under {@code kafka.connect:type=plugins}. */
final class Counters {
    final AtomicLong connects = new AtomicLong();
    final AtomicLong failures = new AtomicLong();
    final AtomicLong messages = new AtomicLong();
    final AtomicLong passedOver = new AtomicLong();
    final AtomicLong malformed = new AtomicLong();
    final AtomicLong repeated = new AtomicLong();
    final AtomicLong gaps = new AtomicLong();
    final AtomicLong records = new AtomicLong();

    /** Register every counter with the worker's metrics. */
    void publish(PluginMetrics metrics) {
        Gauges.publish(metrics, Map.of("websocket-connects-total", connects, "websocket-failures-total", failures,
            "websocket-messages-total", messages, "websocket-passed-over-total", passedOver, "websocket-malformed-total", malformed,
            "websocket-repeated-total", repeated, "websocket-gaps-total", gaps, "records-total", records));
    }

    @Override
    public String toString() {
        return "connects " + connects + ", failures " + failures + ", messages " + messages + ", passed over " + passedOver
            + ", malformed " + malformed + ", repeated " + repeated + ", gaps " + gaps + ", records " + records;
    }
}

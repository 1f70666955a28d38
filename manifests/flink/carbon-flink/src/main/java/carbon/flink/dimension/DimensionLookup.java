package carbon.flink.dimension;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;

/**
 * The look-up of the join.
 *
 * <p>Metrics of the operator: {@code dimensionRows}, {@code dimensionFailedReloads}, {@code dimensionAgeSeconds} (since the
 * catalog last answered), {@code unknownKeys} (look-ups without a match).
 */
public class DimensionLookup extends LookupFunction {
    private final DimensionSpec spec;
    private transient DimensionCache cache;
    private transient Counter unknown;

    DimensionLookup(DimensionSpec spec) {
        this.spec = spec;
    }

    @Override
    public void open(FunctionContext context) throws IOException {
        cache = DimensionCache.acquire(spec);
        MetricGroup metrics = context.getMetricGroup();
        unknown = metrics.counter("unknownKeys");
        metrics.gauge("dimensionRows", (Gauge<Integer>) cache::size);
        metrics.gauge("dimensionFailedReloads", (Gauge<Long>) cache::failedReloads);
        metrics.gauge("dimensionAgeSeconds", (Gauge<Long>) cache::ageSeconds);
    }

    @Override
    public Collection<RowData> lookup(RowData key) {
        RowData row = cache.find(((GenericRowData) key).getField(0));
        if (row == null) {
            unknown.inc();
            return List.of();
        }
        return List.of(row);
    }

    @Override
    public void close() {
        if (cache != null) {
            cache.release();
            cache = null;
        }
    }
}

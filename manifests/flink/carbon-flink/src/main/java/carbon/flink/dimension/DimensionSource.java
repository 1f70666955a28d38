package carbon.flink.dimension;

import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;

/** The planner's view of the dimension. */
final class DimensionSource implements LookupTableSource {
    private final DimensionSpec spec;

    DimensionSource(DimensionSpec spec) {
        this.spec = spec;
    }

    @Override
    public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
        int[][] keys = context.getKeys();
        if (keys.length != 1 || keys[0].length != 1) {
            throw new ValidationException("iceberg-dimension is looked up by equality with one column, its key");
        }
        return LookupFunctionProvider.of(new DimensionLookup(spec.withKey(keys[0][0])));
    }

    @Override
    public DynamicTableSource copy() {
        return new DimensionSource(spec);
    }

    @Override
    public String asSummaryString() {
        return spec.toString();
    }
}

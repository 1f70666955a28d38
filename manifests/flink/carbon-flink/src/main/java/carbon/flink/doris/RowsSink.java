package carbon.flink.doris;

import org.apache.doris.flink.cfg.DorisExecutionOptions;
import org.apache.doris.flink.cfg.DorisOptions;
import org.apache.doris.flink.cfg.DorisReadOptions;
import org.apache.doris.flink.sink.DorisSink;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

/** The published sink with the serializer of this package; rows are only ever added. */
record RowsSink(DorisOptions where, DorisExecutionOptions how, RowType row) implements DynamicTableSink {
    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
        return ChangelogMode.insertOnly();
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
        DorisSink<RowData> sink =
                DorisSink.<RowData>builder()
                        .setDorisReadOptions(DorisReadOptions.builder().build())
                        .setDorisOptions(where)
                        .setDorisExecutionOptions(how)
                        .setSerializer(new JsonRows(row))
                        .build();
        return SinkV2Provider.of(sink);
    }

    @Override
    public DynamicTableSink copy() {
        return this;
    }

    @Override
    public String asSummaryString() {
        return "Doris table " + where.getTableIdentifier();
    }
}

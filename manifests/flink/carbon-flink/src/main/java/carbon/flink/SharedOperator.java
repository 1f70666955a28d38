package carbon.flink;

import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;

/**
 * {@code shared}: a view that is computed once, however many sinks read it.
 *
 * <p>Flink expands a view wherever it is named and afterwards merges equal parts of the plan again. Parts with a lateral join
 * never look equal to it, since each expansion numbers its correlation anew, so every sink would parse and look up for itself.
 */
public final class SharedOperator implements TableOperator {
    @Override
    public Table apply(StreamTableEnvironment tables, Table input) {
        DataType row = input.getResolvedSchema().toPhysicalRowDataType();
        DataStream<RowData> stream = tables.toDataStream(input, row.notNull().bridgedTo(RowData.class));
        return tables.fromDataStream(stream, Schema.newBuilder().fromRowDataType(row).build());
    }
}

package carbon.flink;

import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** An operator that SQL cannot express, applied to a table of a script by {@code SET 'carbon.operator.NAME' = 'OPERATOR(TABLE)'}. */
public interface TableOperator {
    /** Applies the operator; its state has an explicit uid, so that it is found again after a change of the script. */
    Table apply(StreamTableEnvironment tables, Table input);
}

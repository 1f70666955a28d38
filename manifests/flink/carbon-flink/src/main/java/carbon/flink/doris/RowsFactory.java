package carbon.flink.doris;

import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.doris.flink.cfg.DorisExecutionOptions;
import org.apache.doris.flink.cfg.DorisOptions;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * {@code 'connector' = 'doris-rows'}: the published Doris sink, in two phases and without deletes, with a serializer that costs
 * less CPU time. Its options are those of {@code 'connector' = 'doris'}.
 */
public final class RowsFactory implements DynamicTableSinkFactory {
    private static final ConfigOption<String> NODES = text("fenodes", "HOST:PORT of the frontends, separated by commas.");
    private static final ConfigOption<String> TABLE = text("table.identifier", "DATABASE.TABLE.");
    private static final ConfigOption<String> USER = text("username", "Who loads.");
    private static final ConfigOption<String> PASSWORD = text("password", "Of the user.");
    private static final ConfigOption<String> LABELS =
            text("sink.label-prefix", "Labels of the loads begin with it; one run of one job has it, and never another.");

    private static ConfigOption<String> text(String key, String what) {
        return ConfigOptions.key(key).stringType().noDefaultValue().withDescription(what);
    }

    @Override
    public String factoryIdentifier() {
        return "doris-rows";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(NODES, TABLE, USER, PASSWORD, LABELS);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        FactoryUtil.TableFactoryHelper helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        ReadableConfig given = helper.getOptions();
        DataType row = context.getPhysicalRowDataType();
        DorisOptions where =
                DorisOptions.builder()
                        .setFenodes(given.get(NODES))
                        .setTableIdentifier(given.get(TABLE))
                        .setUsername(given.get(USER))
                        .setPassword(given.get(PASSWORD))
                        .build();
        DorisExecutionOptions how =
                DorisExecutionOptions.builder()
                        .enable2PC()
                        .setDeletable(false)
                        .setLabelPrefix(given.get(LABELS))
                        .setStreamLoadProp(headers(row))
                        .build();
        return new RowsSink(where, how, (RowType) row.getLogicalType());
    }

    private static Properties headers(DataType row) {
        Properties headers = new Properties();
        headers.setProperty("format", "json");
        headers.setProperty("read_json_by_line", "true");
        headers.setProperty("columns", DataType.getFieldNames(row).stream().map(each -> '`' + each + '`').collect(Collectors.joining(",")));
        return headers;
    }
}

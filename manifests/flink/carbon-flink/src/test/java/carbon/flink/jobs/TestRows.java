package carbon.flink.jobs;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.sink.RichSinkFunction;
import org.apache.flink.streaming.api.functions.source.RichSourceFunction;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.RuntimeConverter;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkFunctionProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.SourceFunctionProvider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;
import org.apache.flink.table.types.DataType;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;

/** {@code 'connector' = 'test-rows'}: tables whose rows a test gives and takes, under an id of its choice. */
@SuppressWarnings("deprecation")
public final class TestRows implements DynamicTableSourceFactory, DynamicTableSinkFactory {
    private static final Map<String, Input> INPUTS = new ConcurrentHashMap<>();
    private static final Map<String, List<Row>> OUTPUTS = new ConcurrentHashMap<>();
    private static final ConfigOption<String> ID = ConfigOptions.key("id").stringType().noDefaultValue();

    /** Rows of a source; after {@code failAfter} of them, a checkpoint and a few more, it fails once (never when negative). */
    private record Input(List<Row> rows, int failAfter, AtomicBoolean failed) {}

    static void give(String id, List<Row> rows, int failAfter) {
        INPUTS.put(id, new Input(List.copyOf(rows), failAfter, new AtomicBoolean()));
        OUTPUTS.clear();
    }

    static List<Row> taken(String id) {
        return List.copyOf(OUTPUTS.getOrDefault(id, List.of()));
    }

    static boolean hasFailed(String id) {
        return INPUTS.get(id).failed.get();
    }

    @Override
    public String factoryIdentifier() {
        return "test-rows";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(ID);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of();
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        String id = FactoryUtil.createTableFactoryHelper(this, context).getOptions().get(ID);
        return new Scan(id, context.getPhysicalRowDataType());
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        String id = FactoryUtil.createTableFactoryHelper(this, context).getOptions().get(ID);
        return new Sink(id, context.getPhysicalRowDataType());
    }

    private record Scan(String id, DataType type) implements ScanTableSource {
        @Override
        public ChangelogMode getChangelogMode() {
            return ChangelogMode.insertOnly();
        }

        @Override
        public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
            return SourceFunctionProvider.of(new Source(id, context.createDataStructureConverter(type)), true);
        }

        @Override
        public DynamicTableSource copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return id;
        }
    }

    private record Sink(String id, DataType type) implements DynamicTableSink {
        @Override
        public ChangelogMode getChangelogMode(ChangelogMode requested) {
            // As the Doris sink does: a row replaces the one with its key, nothing is taken back.
            return ChangelogMode.newBuilder().addContainedKind(RowKind.INSERT).addContainedKind(RowKind.UPDATE_AFTER).build();
        }

        @Override
        public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
            return SinkFunctionProvider.of(new Collect(id, context.createDataStructureConverter(type)), 1);
        }

        @Override
        public DynamicTableSink copy() {
            return this;
        }

        @Override
        public String asSummaryString() {
            return id;
        }
    }

    private static final class Source extends RichSourceFunction<RowData> implements CheckpointedFunction, CheckpointListener {
        private static final int MORE = 5;
        private static final long DEADLINE_MS = 30_000;

        private final String id;
        private final DynamicTableSource.DataStructureConverter converter;
        private transient ListState<Integer> offsets;
        private transient Object lock;
        private int offset;
        private int snapshot = -1;
        private int completed = -1;

        Source(String id, DynamicTableSource.DataStructureConverter converter) {
            this.id = id;
            this.converter = converter;
        }

        @Override
        public void run(SourceContext<RowData> context) throws Exception {
            converter.open(RuntimeConverter.Context.create(getClass().getClassLoader()));
            Input input = INPUTS.get(id);
            lock = context.getCheckpointLock();
            while (offset < input.rows.size()) {
                boolean failing = input.failAfter >= 0 && !input.failed.get();
                if (failing && offset == input.failAfter) {
                    awaitCheckpoint();
                }
                if (failing && offset == input.failAfter + MORE) {
                    input.failed.set(true);
                    throw new IllegalStateException("the failure that the test asked for");
                }
                synchronized (lock) {
                    context.collect((RowData) converter.toInternal(input.rows.get(offset)));
                    offset++;
                }
            }
        }

        private void awaitCheckpoint() throws InterruptedException {
            long deadline = System.currentTimeMillis() + DEADLINE_MS;
            synchronized (lock) {
                while (completed < offset) {
                    long left = deadline - System.currentTimeMillis();
                    if (left <= 0) {
                        throw new IllegalStateException("no checkpoint within " + DEADLINE_MS + " ms");
                    }
                    lock.wait(left);
                }
            }
        }

        @Override
        public void notifyCheckpointComplete(long checkpointId) {
            completed = snapshot;
            if (lock != null) {
                synchronized (lock) {
                    lock.notifyAll();
                }
            }
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) throws Exception {
            offsets.update(List.of(offset));
            snapshot = offset;
        }

        @Override
        public void initializeState(FunctionInitializationContext context) throws Exception {
            offsets = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("offset", Integer.class));
            for (Integer value : offsets.get()) {
                offset = value;
            }
        }

        @Override
        public void cancel() {
            // Ends by itself.
        }
    }

    private static final class Collect extends RichSinkFunction<RowData> {
        private final String id;
        private final DynamicTableSink.DataStructureConverter converter;

        Collect(String id, DynamicTableSink.DataStructureConverter converter) {
            this.id = id;
            this.converter = converter;
        }

        @Override
        public void open(org.apache.flink.configuration.Configuration parameters) {
            converter.open(RuntimeConverter.Context.create(getClass().getClassLoader()));
        }

        @Override
        public void invoke(RowData row, Context context) {
            OUTPUTS.computeIfAbsent(id, key -> new CopyOnWriteArrayList<>()).add((Row) converter.toExternal(row));
        }
    }

}

package carbon.connect.http;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/**
 * Polls its source partitions, the one that is due first, one at a time.
 *
 * <p>A request runs on a thread of its own, and {@link #poll} never waits for it longer than a moment: the worker stops and
 * pauses a task only between two polls, and a slow API must not hold that up.
 */
public final class HttpSourceTask extends SourceTask {
    private static final long MOMENT_MILLIS = 500;

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Deque<SourceRecord> ready = new ArrayDeque<>();
    private final List<SourcePartition> partitions = new ArrayList<>();
    private ExecutorService requests;
    private Future<List<SourceRecord>> running;
    private int batch;

    @Override
    public String version() {
        return new HttpSourceConnector().version();
    }

    @Override
    public void start(Map<String, String> props) {
        HttpSourceConfig config = HttpSourceConfig.of(props);
        Counters counters = new Counters();
        HttpFetcher fetcher = new HttpFetcher(config, counters);
        String share = props.get(HttpSourceConnector.TASK_PARTITIONS);
        List<String> names = share == null ? config.partitions() : List.of(share.split(","));
        Map<Map<String, String>, Map<String, Object>> stored =
            context.offsetStorageReader().offsets(names.stream().map(SourcePartition::key).toList());
        for (String name : names) {
            partitions.add(new SourcePartition(name, config, fetcher, counters, stored.get(SourcePartition.key(name))));
        }
        batch = config.getInt(HttpSourceConfig.BATCH);
        requests = Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "http-source-" + config.getString(HttpSourceConfig.TOPIC));
            thread.setDaemon(true);
            return thread;
        });
        counters.publish(context.pluginMetrics());
    }

    @Override
    public List<SourceRecord> poll() throws InterruptedException {
        if (ready.isEmpty()) {
            refill();
        }
        List<SourceRecord> records = new ArrayList<>();
        while (!ready.isEmpty() && records.size() < batch) {
            records.add(ready.poll());
        }
        return records.isEmpty() ? null : records;
    }

    private void refill() throws InterruptedException {
        if (running == null) {
            SourcePartition next = partitions.stream().min(Comparator.comparingLong(SourcePartition::millisUntilDue)).orElseThrow();
            boolean ended = stopped.await(Math.min(next.millisUntilDue(), MOMENT_MILLIS), TimeUnit.MILLISECONDS);
            if (ended || next.millisUntilDue() > 0) {
                return;
            }
            running = requests.submit(next::poll);
        }
        try {
            ready.addAll(running.get(MOMENT_MILLIS, TimeUnit.MILLISECONDS));
            running = null;
        } catch (TimeoutException stillRunning) {
            return;
        } catch (ExecutionException error) {
            running = null;
            Throwable cause = error.getCause();
            throw cause instanceof ConnectException known ? known : new ConnectException("The HTTP source failed.", cause);
        }
    }

    @Override
    public void stop() {
        stopped.countDown();
        if (requests != null) {
            requests.shutdownNow();
        }
    }
}

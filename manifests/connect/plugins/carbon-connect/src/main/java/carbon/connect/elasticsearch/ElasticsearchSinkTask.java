package carbon.connect.elasticsearch;

import carbon.connect.common.Backoff;
import carbon.connect.common.BadRecords;
import carbon.connect.common.Gauges;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes each delivery before it takes the next.
 *
 * <p>When {@link #put} returns, every record of it is in the index, in the dead letter queue, or to be passed over, so the
 * worker may commit what it has delivered. When it cannot be done, the worker delivers the same records again, for as long as
 * it takes: ids make that harmless.
 */
public final class ElasticsearchSinkTask extends SinkTask {
    private static final Logger LOG = LoggerFactory.getLogger(ElasticsearchSinkTask.class);
    private static final long LONGEST_WAIT_MILLIS = 10_000;

    private final AtomicLong documents = new AtomicLong();
    private final AtomicLong conflicts = new AtomicLong();
    private final AtomicLong malformed = new AtomicLong();
    private final AtomicLong retries = new AtomicLong();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private ElasticsearchSinkConfig config;
    private BulkClient client;
    private BadRecords badRecords;
    private Backoff backoff;
    private final Set<String> refused = new HashSet<>();
    private int redeliveries;
    private String lastReason;

    @Override
    public String version() {
        return new ElasticsearchSinkConnector().version();
    }

    @Override
    public void start(Map<String, String> props) {
        config = ElasticsearchSinkConfig.of(props);
        client = new BulkClient(config);
        badRecords = BadRecords.of(context);
        backoff = new Backoff(config.getLong(ElasticsearchSinkConfig.BACKOFF), LONGEST_WAIT_MILLIS, 0, -1, Math::random);
        Gauges.publish(context.pluginMetrics(), Map.of("search-documents-total", documents, "search-conflicts-total", conflicts,
            "search-malformed-total", malformed, "search-retries-total", retries));
    }

    @Override
    public void put(Collection<SinkRecord> records) {
        List<Document> batch = new ArrayList<>();
        long bytes = 0;
        try {
            for (SinkRecord record : records) {
                Document document = document(record);
                if (document == null) {
                    continue;
                }
                boolean full = batch.size() >= config.getInt(ElasticsearchSinkConfig.BATCH)
                    || bytes + document.lines().length > config.getInt(ElasticsearchSinkConfig.BULK_BYTES);
                if (full && !batch.isEmpty()) {
                    write(batch);
                    batch = new ArrayList<>();
                    bytes = 0;
                }
                batch.add(document);
                bytes += document.lines().length;
            }
            write(batch);
            redeliveries = 0;
            refused.clear();
        } catch (RetriableException error) {
            context.timeout(backoff.millis(++redeliveries + config.getInt(ElasticsearchSinkConfig.RETRIES), null));
            throw error;
        }
    }

    private Document document(SinkRecord record) {
        try {
            // A delivery that comes again must not bring its bad records into the dead letter queue again.
            return refused.contains(BadRecords.name(record)) ? null : Document.of(record, config);
        } catch (DataException error) {
            refuse(record, error.getMessage());
            return null;
        }
    }

    /** Write documents, those again that the cluster could not take just now. */
    private void write(List<Document> batch) {
        List<Document> pending = batch;
        for (int attempt = 1; !pending.isEmpty(); attempt++) {
            try {
                pending = attempt(pending);
                if (pending.isEmpty()) {
                    return;
                }
                throw new RetriableException(pending.size() + " documents could not be written, the first: " + lastReason);
            } catch (BulkClient.Refused whole) {
                halve(pending, whole.getMessage());
                return;
            } catch (RetriableException error) {
                retries.incrementAndGet();
                if (attempt > config.getInt(ElasticsearchSinkConfig.RETRIES) || !waited(attempt)) {
                    throw error;
                }
                LOG.warn("{}; attempt {} failed", error.getMessage(), attempt);
            }
        }
    }

    /** Send once, and return the documents that may pass later. */
    private List<Document> attempt(List<Document> batch) throws BulkClient.Refused {
        List<BulkResult> results = client.send(batch);
        List<Document> later = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            BulkResult result = results.get(i);
            Document document = batch.get(i);
            if (result.isDone(document)) {
                (result.isConflict() ? conflicts : documents).incrementAndGet();
            } else if (result.isMalformed()) {
                refuse(document.record(), result.toString());
            } else {
                lastReason = later.isEmpty() ? result.toString() : lastReason;
                later.add(document);
            }
        }
        return later;
    }

    private void halve(List<Document> batch, String reason) {
        if (batch.size() == 1) {
            refuse(batch.get(0).record(), reason);
            return;
        }
        write(batch.subList(0, batch.size() / 2));
        write(batch.subList(batch.size() / 2, batch.size()));
    }

    private boolean waited(int attempt) {
        try {
            return !stopped.await(backoff.millis(attempt, null), TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void refuse(SinkRecord record, String reason) {
        malformed.incrementAndGet();
        refused.add(BadRecords.name(record));
        switch (config.getString(ElasticsearchSinkConfig.MALFORMED)) {
            case "fail":
                throw new ConnectException("Record " + BadRecords.name(record) + " is no document: " + reason + "; with "
                    + ElasticsearchSinkConfig.MALFORMED + "=warn it would go to the dead letter queue");
            case "warn":
                LOG.warn("Record {} is no document: {}", BadRecords.name(record), reason);
                badRecords.report(record, reason);
                break;
            default:
                badRecords.report(record, reason);
        }
    }

    @Override
    public void stop() {
        stopped.countDown();
    }
}

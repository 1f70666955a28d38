package carbon.flink.dimension;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.flink.table.data.RowData;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A copy of the dimension in memory, shared by all subtasks of a job in one TaskManager and kept up to date by a thread of its
 * own. A look-up never waits: it sees the last copy that was read completely, also while the catalog is away.
 */
final class DimensionCache {
    private static final Logger LOG = LoggerFactory.getLogger(DimensionCache.class);
    private static final Map<DimensionSpec, DimensionCache> SHARED = new HashMap<>();

    private final DimensionSpec spec;
    private final ScheduledExecutorService refresher;
    private int users; // guarded by SHARED

    // Of the refreshing thread alone, once it runs.
    private DimensionReader reader;
    private long snapshot;

    private volatile Map<Object, RowData> rows;
    private volatile long failedReloads;
    private volatile long checkedAt; // System.nanoTime

    /**
     * The cache of a table, read before this returns.
     *
     * @throws IOException when the table cannot be read: without the dimension the job does not start
     */
    static DimensionCache acquire(DimensionSpec spec) throws IOException {
        synchronized (SHARED) {
            DimensionCache cache = SHARED.get(spec);
            if (cache == null) {
                cache = new DimensionCache(spec);
                SHARED.put(spec, cache);
            }
            cache.users++;
            return cache;
        }
    }

    /** Gives the cache back; the last one to do so ends its thread. */
    void release() {
        synchronized (SHARED) {
            if (--users > 0) {
                return;
            }
            SHARED.remove(spec);
        }
        refresher.execute(this::closeReader);
        refresher.shutdown();
    }

    /** The newest row of a key, null when there is none or it is deleted. */
    RowData find(Object key) {
        return rows.get(key);
    }

    int size() {
        return rows.size();
    }

    long failedReloads() {
        return failedReloads;
    }

    /** Seconds since the catalog was last asked with success. */
    long ageSeconds() {
        return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - checkedAt);
    }

    private DimensionCache(DimensionSpec spec) throws IOException {
        this.spec = spec;
        try {
            reader = new DimensionReader(spec);
            load(reader.currentSnapshot());
        } catch (RuntimeException | IOException error) {
            closeReader();
            throw new IOException("Cannot read the " + spec + ": " + error.getMessage(), error);
        }
        refresher =
                Executors.newSingleThreadScheduledExecutor(
                        work -> {
                            Thread thread = new Thread(work, "dimension " + spec.table());
                            thread.setDaemon(true);
                            return thread;
                        });
        long interval = spec.refreshInterval().toMillis();
        refresher.scheduleWithFixedDelay(this::refresh, interval, interval, TimeUnit.MILLISECONDS);
    }

    private void load(long current) throws IOException {
        rows = reader.read(current);
        snapshot = current;
        checkedAt = System.nanoTime();
        LOG.info("{} read: {} keys of snapshot {}", spec, rows.size(), current);
    }

    private void refresh() {
        try {
            if (reader == null) {
                reader = new DimensionReader(spec);
            }
            long current = reader.currentSnapshot();
            if (current == snapshot) {
                checkedAt = System.nanoTime();
            } else {
                load(current);
            }
        } catch (RuntimeException | IOException error) {
            failedReloads++;
            LOG.warn("{} could not be read again; the copy of snapshot {} stays in use", spec, snapshot, error);
            // With the next try comes a new connection: the old one may have gone with the server.
            closeReader();
        }
    }

    private void closeReader() {
        DimensionReader closing = reader;
        reader = null;
        if (closing == null) {
            return;
        }
        try {
            closing.close();
        } catch (RuntimeException error) {
            LOG.warn("The catalog of {} did not close", spec, error);
        }
    }
}

package carbon.connect.doris;

import carbon.connect.common.BadRecords;
import carbon.connect.common.Continuation;
import carbon.connect.doris.StreamLoad.Answer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.errors.RetriableException;
import org.apache.kafka.connect.sink.SinkRecord;

/**
 * What of one topic partition waits to be loaded.
 *
 * <p>Batches are loaded in order of offsets. A batch with rows that Doris refuses is halved until those rows stand alone; they go
 * to the dead letter queue, and the others are loaded.
 */
final class LoadedPartition {
    private final String table;
    private final Labels labels;
    private final StreamLoad loads;
    private final Continuation continuation;
    private final Deque<Batch> waiting = new ArrayDeque<>();
    private Batch open = new Batch();
    private long openSinceMillis;

    private LoadedPartition(String table, Labels labels, StreamLoad loads, Continuation continuation) {
        this.table = table;
        this.labels = labels;
        this.loads = loads;
        this.continuation = continuation;
    }

    /** A partition whose rows go to a table; what Doris holds of it is asked for. */
    static LoadedPartition of(String place, String table, Labels labels, StreamLoad loads) {
        return new LoadedPartition(table, labels, loads, new Continuation(place, labels.once() ? held(labels, loads) : 0));
    }

    /** A partition of a topic without table. */
    static LoadedPartition unmapped(String place, String topic) {
        return new LoadedPartition(null, new Labels(topic, false), null, new Continuation(place, 0));
    }

    /**
     * Refuse records of a topic without table.
     *
     * @throws DataException saying so
     */
    void requireTable() {
        if (table == null) {
            throw new DataException(DorisSinkConfig.TABLES + " names no table for the topic " + labels.stem());
        }
    }

    /** First offset that Doris does not hold by its labels. */
    private static long held(Labels labels, StreamLoad loads) {
        long held = 0;
        for (Map.Entry<String, String> each : loads.labels(labels.stem() + "_").entrySet()) {
            OptionalLong next = labels.next(each.getKey());
            if (next.isEmpty() || each.getValue().equals("ABORTED")) {
                continue;
            }
            if (!each.getValue().equals("VISIBLE") && !each.getValue().equals("COMMITTED")) {
                throw new RetriableException("The load " + each.getKey() + " of an earlier task is still " + each.getValue());
            }
            held = Math.max(held, next.getAsLong());
        }
        return held;
    }

    Continuation continuation() {
        return continuation;
    }

    void add(SinkRecord record, byte[] row, long nowMillis) {
        if (open.size() == 0) {
            openSinceMillis = nowMillis;
        }
        open.add(record, row);
    }

    /** Close the open batch when it is large or old enough. */
    void closeWhenDue(int records, long bytes, long ageMillis, long nowMillis) {
        if (open.size() > 0 && (open.size() >= records || open.bytes() >= bytes || nowMillis - openSinceMillis >= ageMillis)) {
            waiting.add(open);
            open = new Batch();
        }
    }

    boolean isIdle() {
        return open.size() == 0 && waiting.isEmpty();
    }

    /** Whether closed batches wait. */
    boolean isBehind() {
        return !waiting.isEmpty();
    }

    /** When the open batch is old enough; never, when there is none. */
    long dueMillis(long ageMillis) {
        return open.size() == 0 ? Long.MAX_VALUE : openSinceMillis + ageMillis;
    }

    /** First offset that is neither loaded nor a dead letter; only for a partition that is not idle. */
    long waitingFrom() {
        return waiting.isEmpty() ? open.first() : waiting.peek().first();
    }

    /** Load one closed batch, or a part of it; gives the number of rows loaded. */
    int loadNext(BadRecords bad) {
        Batch batch = waiting.peek();
        Answer answer = loads.load(table, labels.of(batch.first(), batch.last()), batch.body(), batch.size());
        switch (answer.outcome()) {
            case LOADED -> {
                waiting.poll();
                return batch.size();
            }
            case NO_TABLE -> {
                batch.records().forEach(record -> bad.report(record, answer.reason()));
                waiting.poll();
            }
            case BAD_ROWS -> {
                if (batch.size() == 1) {
                    bad.report(batch.records().get(0), answer.reason());
                    waiting.poll();
                } else {
                    waiting.poll();
                    waiting.addFirst(batch.part(batch.size() / 2, batch.size()));
                    waiting.addFirst(batch.part(0, batch.size() / 2));
                }
            }
        }
        return 0;
    }
}

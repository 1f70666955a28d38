package carbon.connect.common;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.errors.DataException;
import org.apache.kafka.connect.sink.ErrantRecordReporter;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.sink.SinkTaskContext;

/**
 * Where records go that the target can never take: the connector's dead letter queue, with the reason.
 *
 * <p>The worker waits for the queue's acknowledgement before it commits the record's offset.
 */
public final class BadRecords {
    private final ErrantRecordReporter reporter;
    private final AtomicLong reported = new AtomicLong();

    private BadRecords(ErrantRecordReporter reporter) {
        this.reporter = reporter;
    }

    /** The queue of a task. */
    public static BadRecords of(SinkTaskContext context) {
        return new BadRecords(context.errantRecordReporter());
    }

    /**
     * Send a record to the dead letter queue.
     *
     * @throws ConnectException when the connector has none, since the record must not vanish
     */
    public void report(SinkRecord record, String reason) {
        if (reporter == null) {
            throw new ConnectException("Record " + name(record) + ": " + reason
                + " Set errors.tolerance=all and errors.deadletterqueue.topic.name to go on past such records.");
        }
        reporter.report(record, new DataException(reason));
        reported.incrementAndGet();
    }

    /** How many have been sent there. */
    public AtomicLong reported() {
        return reported;
    }

    /** The record as messages name it: topic, partition and offset as they were read. */
    public static String name(SinkRecord record) {
        return record.originalTopic() + "-" + record.originalKafkaPartition() + "@" + record.originalKafkaOffset();
    }
}

/**
 * A sink connector that archives topics in an S3 bucket as gzipped JSON lines, each record in exactly one object.
 *
 * <p>Reading order: {@link carbon.connect.s3.S3SinkConfig} (the keys), {@link carbon.connect.s3.S3SinkTask} (the loop),
 * {@link carbon.connect.s3.ArchivedPartition} (what waits and is written), {@link carbon.connect.s3.ObjectStore}.
 *
 * <p><b>Delivery.</b> All open objects of a partition are written together, a generation, and after them a note that holds the
 * first offset P not archived. Not more than one generation is ever without its note, and it begins at P:
 *
 * <ol>
 *   <li>A restarted task passes over every offset below P, whatever Kafka's committed offset is. So what lies below P is written
 *       once. Offsets are committed only for what is written, never beyond P, so nothing at or above P is left out.</li>
 *   <li>Above P there can only be objects of the one generation that did not get its note. The folder of a record follows from
 *       the record, so the first record of a folder at or above P has the same offset f in every run, and each run that reaches f
 *       writes an object of the same name, which replaces the stale one.</li>
 *   <li>A second object of that folder begins at an offset above f, and is written in a later generation than the one that
 *       replaced the stale object. So no offset is in two objects, wherever the generations were cut: by size, by the clock, longer
 *       or shorter than before.</li>
 * </ol>
 *
 * <p>Two things are outside of that: {@code timestamp.extractor=Wallclock}, by which the folder does not follow from the record;
 * and a task that was frozen in the middle of a request, lost its partitions, and has that request arrive after the new owner's:
 * a request ends after {@code s3.request.timeout.ms}, which is to stay well below {@code max.poll.interval.ms}.
 */
package carbon.connect.s3;

/**
 * A sink connector that loads topics into Doris tables by Stream Load, each record once.
 *
 * <p>Reading order: {@link carbon.connect.doris.DorisSinkConfig} (the keys), {@link carbon.connect.doris.DorisSinkTask} (the
 * loop), {@link carbon.connect.doris.LoadedPartition} (what waits, and what happens to rows that Doris refuses),
 * {@link carbon.connect.doris.StreamLoad}.
 *
 * <p><b>Delivery.</b> A batch is one load: one transaction in Doris, all of its rows or none. Its label names the table, the
 * partition, and the first and last offset. Batches of a partition are loaded one after the other.
 *
 * <ul>
 *   <li>No answer, or the task ends before the offsets are committed: the load may or may not have happened. A running task sends
 *       the same rows under the same label, which Doris takes once and answers "Label Already Exists, FINISHED" afterwards.</li>
 *   <li>A new task cuts its batches elsewhere, so their labels would not meet the old ones. It asks Doris for the labels of the
 *       partition instead, and passes over every offset up to the last one in them. Doris keeps labels for twelve hours
 *       ({@code streaming_label_keep_max_second} and {@code label_num_threshold} of its frontends); a task that comes back
 *       later than that loads again what it had not committed.</li>
 *   <li>Offsets are committed only for rows that are loaded or dead letters, so none is left out.</li>
 * </ul>
 *
 * <p>Two phases would add nothing: the second one can be cut off from the commit of the offsets as well as the only one, and the
 * label tells all the same. A record that Doris refuses may be a dead letter twice after a crash.
 */
package carbon.connect.doris;

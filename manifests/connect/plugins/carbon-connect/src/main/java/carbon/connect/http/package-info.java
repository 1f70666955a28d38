/**
 * A source connector that polls a JSON API over HTTP and emits each new row once.
 *
 * <p>Reading order: {@link carbon.connect.http.HttpSourceConfig} (the keys), {@link carbon.connect.http.HttpSourceTask} (the
 * loop), {@link carbon.connect.http.SourcePartition} (one poll), then its parts: request, fetcher, rows, mapper, cursors.
 *
 * <p><b>Delivery.</b> A row is new when its offset lies beyond the newest one already emitted for its record key. That state is
 * the source offset of every record. With {@code exactly.once.source.support=enabled} on the worker, records and offsets are
 * committed in one transaction per poll, so a killed worker neither loses nor repeats a row (consumers read committed). Without
 * it the worker writes offsets every {@code offset.flush.interval.ms}: rows sent since then are sent again after a crash, so
 * give rows a deterministic id field by which readers can tell.
 */
package carbon.connect.http;

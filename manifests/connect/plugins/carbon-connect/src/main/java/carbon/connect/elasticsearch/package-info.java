/**
 * A sink connector that writes records as documents to OpenSearch or Elasticsearch, by the bulk API that both have.
 *
 * <p>Reading order: {@link carbon.connect.elasticsearch.ElasticsearchSinkConfig} (the keys),
 * {@link carbon.connect.elasticsearch.ElasticsearchSinkTask} (what becomes of a delivery),
 * {@link carbon.connect.elasticsearch.Document} (a record as lines of a request), {@link carbon.connect.elasticsearch.BulkClient}.
 *
 * <p><b>Delivery.</b> Offsets are committed only for what the cluster has acknowledged. After a crash records are delivered
 * again, and since ids come from the record (topic+partition+offset, key or a field) they stay one document each.
 *
 * <p><b>What is bad.</b> A record that is no JSON object, has no id, or that the index refuses (400, 413) is the record's fault:
 * dead letter queue, with the cluster's reason, while the others of the same request flow. Everything else (429, 5xx, nobody there,
 * index missing or blocked) is the cluster's state: tried again a few times, then left to the worker to deliver again.
 */
package carbon.connect.elasticsearch;

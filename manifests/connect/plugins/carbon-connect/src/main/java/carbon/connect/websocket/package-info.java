/**
 * A source connector that listens to a JSON feed over WebSocket and emits each numbered message once.
 *
 * <p>Reading order: {@link carbon.connect.websocket.WebSocketSourceConfig} (the keys),
 * {@link carbon.connect.websocket.WebSocketSourceTask} (the loop), {@link carbon.connect.websocket.FeedClient} (connect, ping,
 * connect again), {@link carbon.connect.websocket.Connection} (one connection and its buffer),
 * {@link carbon.connect.websocket.MessageReader} (messages to records). Fields are those of the HTTP source.
 *
 * <p><b>Delivery.</b> The number of the last record is the source offset, and each subscription asks for what comes after it.
 * With {@code exactly.once.source.support=enabled} on the worker, records and number are committed in one transaction per poll:
 * after a crash of worker or feed nothing is lost that the feed still keeps, and nothing comes twice. What the feed no longer
 * has it must say ({@code websocket.message.gap.pointer}); it is logged and counted, never passed over in silence.
 */
package carbon.connect.websocket;

package carbon.connect.websocket;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.ExactlyOnceSupport;
import org.apache.kafka.connect.source.SourceConnector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Wrong configurations are refused by key, before a connector is made. */
class WebSocketSourceConfigTest {
    private final TestFeed feed = TestFeed.open();
    private final WebSocketSourceConnector connector = new WebSocketSourceConnector();

    @AfterEach
    void close() throws IOException {
        feed.close();
    }

    @Test
    void aGoodConfigurationHasNoErrors() {
        assertTrue(connector.validate(Feeds.config(feed)).configValues().stream().allMatch(value -> value.errorMessages().isEmpty()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "websocket.url | http://example.org | absolute ws or wss",
        "websocket.url | wss://example.org/?token=s3cr3t | no query",
        "websocket.url | not an address | is not an address",
        "websocket.headers | s3cr3t | header 1 is not",
        "websocket.headers | Authorization: Bearer ${env:FEED_TOKEN} | was not resolved",
        "websocket.subscribe | {\"after\":${offset.id}} | ${offset.id} stands for nothing",
        "websocket.offset.initial | seq=first | is not a number",
        "websocket.offset.pointer | id=/id | names 'seq' but the pointer names 'id'",
        "websocket.message.select | type | is not /pointer=text",
        "websocket.message.gap.pointer | gap | is not a JSON pointer",
        "websocket.record.fields | price | is not name:type:source",
        "websocket.record.key.field | price | must name a string field",
        "websocket.malformed | ignore | must be one of",
        "websocket.buffer.messages | 0 | must be at least 1",
        "websocket.pong.interval.millis | 1 | no such key",
    })
    void aMistakeIsReportedWithoutTheSecret(String key, String value, String message) {
        Map<String, String> config = Feeds.config(feed, key, value);
        List<String> all = connector.validate(config).configValues().stream().flatMap(each -> each.errorMessages().stream()).toList();
        assertTrue(all.stream().anyMatch(text -> text.contains(message)), all.toString());
        assertFalse(all.toString().contains("s3cr3t"), all.toString());
        assertThrows(ConfigException.class, () -> connector.start(config));
    }

    @Test
    void whatMayCarryATokenIsAPasswordToTheWorker() {
        for (String key : List.of(WebSocketSourceConfig.HEADERS, WebSocketSourceConfig.SUBSCRIBE)) {
            assertEquals(ConfigDef.Type.PASSWORD, connector.config().configKeys().get(key).type);
        }
    }

    @Test
    void everyKeyIsDocumented() {
        assertTrue(connector.config().configKeys().values().stream().noneMatch(key -> key.documentation == null || key.documentation.isBlank()));
    }

    @Test
    void theConnectorIsDeclaredAsAServiceSupportsExactlyOnceAndHasOneTask() {
        assertTrue(ServiceLoader.load(SourceConnector.class).stream().anyMatch(provider -> provider.type() == WebSocketSourceConnector.class));
        assertEquals(ExactlyOnceSupport.SUPPORTED, connector.exactlyOnceSupport(Feeds.config(feed)));
        connector.start(Feeds.config(feed));
        assertEquals(List.of(Feeds.config(feed)), connector.taskConfigs(3));
    }

    @Test
    void offsetsGivenByHandAreChecked() {
        Map<String, String> config = Feeds.config(feed);
        assertTrue(connector.alterOffsets(config, Map.of(Map.of("partition", "default"), Map.of("seq", "5"))));
        assertThrows(ConnectException.class, () -> connector.alterOffsets(config, Map.of(Map.of("shard", "1"), Map.of("seq", "5"))));
        assertThrows(ConnectException.class, () -> connector.alterOffsets(config, Map.of(Map.of("partition", "default"), Map.of("seq", "x"))));
    }
}

package carbon.connect.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.TestApi;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.apache.kafka.common.config.Config;
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
class HttpSourceConfigTest {
    private final TestApi api = TestApi.open();
    private final HttpSourceConnector connector = new HttpSourceConnector();

    @AfterEach
    void close() {
        api.close();
    }

    private List<String> errors(Map<String, String> config, String key) {
        Config validated = connector.validate(config);
        return validated.configValues().stream().filter(value -> value.name().equals(key)).flatMap(value -> value.errorMessages().stream()).toList();
    }

    @Test
    void aGoodConfigurationHasNoErrors() {
        assertEquals(Map.of(), HttpSourceConfig.mistakes(Configs.eia(api)));
        assertTrue(connector.validate(Configs.eia(api)).configValues().stream().allMatch(value -> value.errorMessages().isEmpty()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "http.request.url | ftp://example.org | absolute http or https",
        "http.request.url | http://example.org/?api_key=s3cr3t | no query",
        "http.request.url | http://user:s3cr3t@example.org/ | no query, fragment or user",
        "http.request.url | not an address | is not an address",
        "http.request.url | http://example.org/${nothing} | stands for nothing",
        "http.request.params | api_key=s3cr3t&flag | parameter 2 is not NAME=VALUE",
        "http.request.params | api_key=${env:EIA_API_KEY} | was not resolved",
        "http.request.params | start=${offset.date} | ${offset.date} stands for nothing",
        "http.request.params | key=s3cr3t%zz | must begin an escape",
        "http.request.headers | Host: s3cr3t | reserved",
        "http.request.headers | s3cr3t | header 1 is not",
        "http.timer.interval.millis | 0 | must be at least 20",
        "http.timer.interval.millis | soon | Not a number",
        "http.request.method | DELETE | must be one of",
        "http.response.list.pointer | data | is not a JSON pointer",
        "http.response.record.offset.pointer | /period | must be NAME=VALUE",
        "http.response.record.offset.pointer | date=/date | names 'period' but the pointer names 'date'",
        "http.paging.length.param | length | paging needs",
        "http.record.fields | price | is not name:type:source",
        "http.record.fields | price:money:/value | is not a type",
        "http.record.fields | price:double: | neither a source nor rules",
        "http.record.fields | price:double:{value} | stands for nothing",
        "http.record.fields.price.rules | value>x=y | is not a rule",
        "http.record.fields.cost.map | A=B | belongs to no field",
        "http.record.key.field | price | must name a string field",
        "http.respone.list.pointer | /data | no such key",
    })
    void aMistakeIsReportedWithoutTheSecret(String key, String value, String message) {
        Config validated = connector.validate(Configs.eia(api, key, value));
        List<String> all = validated.configValues().stream().flatMap(each -> each.errorMessages().stream()).toList();
        assertTrue(all.stream().anyMatch(text -> text.contains(message)), all.toString());
        assertFalse(all.toString().contains("s3cr3t") && !key.equals(HttpSourceConfig.URL), all.toString());
        assertThrows(ConfigException.class, () -> HttpSourceConfig.of(Configs.eia(api, key, value)));
    }

    @Test
    void whatMayCarryAKeyIsAPasswordToTheWorker() {
        for (String key : List.of(HttpSourceConfig.PARAMS, HttpSourceConfig.HEADERS, HttpSourceConfig.BODY)) {
            assertEquals(ConfigDef.Type.PASSWORD, connector.config().configKeys().get(key).type);
        }
        assertFalse(errors(Configs.eia(api, HttpSourceConfig.URL, "http://example.org/?k=s3cr3t"), HttpSourceConfig.URL).toString().contains("s3cr3t"));
    }

    @Test
    void everyKeyIsDocumented() {
        assertTrue(connector.config().configKeys().values().stream().noneMatch(key -> key.documentation == null || key.documentation.isBlank()));
    }

    @Test
    void theConnectorIsDeclaredAsAServiceAndSupportsExactlyOnce() {
        assertTrue(ServiceLoader.load(SourceConnector.class).stream().anyMatch(provider -> provider.type() == HttpSourceConnector.class));
        assertEquals(ExactlyOnceSupport.SUPPORTED, connector.exactlyOnceSupport(Configs.eia(api)));
    }

    @Test
    void offsetsGivenByHandAreChecked() {
        Map<String, String> config = Configs.eia(api);
        assertTrue(connector.alterOffsets(config, Map.of(Map.of("partition", "default"), Map.of("period", "2020-02-01"))));
        assertThrows(ConnectException.class, () -> connector.alterOffsets(config, Map.of(Map.of("shard", "1"), Map.of("period", "2020-02-01"))));
        assertThrows(ConnectException.class, () -> connector.alterOffsets(config, Map.of(Map.of("partition", "default"), Map.of("page", "1"))));
    }

    @Test
    void everyPartitionGoesToExactlyOneTaskAndKeysStayAsTheyCame() {
        Map<String, String> config = Configs.eia(api, HttpSourceConfig.PARTITIONS, "A,B,C");
        connector.start(config);
        List<Map<String, String>> tasks = connector.taskConfigs(2);
        assertEquals(List.of("A,C", "B"), tasks.stream().map(task -> task.get(HttpSourceConnector.TASK_PARTITIONS)).toList());
        config.forEach((key, value) -> assertEquals(value, tasks.get(0).get(key)));
    }
}

package carbon.connect.elasticsearch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.SinkWorkerDouble;
import carbon.connect.common.TestApi.Answer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.metrics.Gauge;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.sink.SinkConnector;
import org.apache.kafka.connect.sink.SinkRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a delivery: documents, dead letters, retries. The cluster is a double; see the report for the real one. */
@Timeout(30)
class ElasticsearchSinkTaskTest {
    private static final TopicPartition PLACE = new TopicPartition("Market-Alerts", 2);

    private final BulkDouble cluster = new BulkDouble();
    private final List<SinkRecord> log = new ArrayList<>();
    private final SinkWorkerDouble worker = new SinkWorkerDouble(PLACE, log);

    @AfterEach
    void close() {
        cluster.close();
    }

    private Map<String, String> config(String... others) {
        Map<String, String> config = new HashMap<>(Map.of(ElasticsearchSinkConfig.URL, cluster.api.url("/"), ElasticsearchSinkConfig.KEY_IGNORE, "true",
            ElasticsearchSinkConfig.MALFORMED, "warn", ElasticsearchSinkConfig.BACKOFF, "1", ElasticsearchSinkConfig.RETRIES, "2"));
        for (int i = 0; i < others.length; i += 2) {
            config.put(others[i], others[i + 1]);
        }
        return config;
    }

    private SinkWorkerDouble start(String... others) {
        return worker.start(new ElasticsearchSinkTask(), config(others));
    }

    private void add(Object key, Object value) {
        log.add(new SinkRecord(PLACE.topic(), PLACE.partition(), null, key, null, value, log.size(), 1000L, TimestampType.CREATE_TIME));
    }

    private static Map<String, Object> alert(String id, Object price) {
        return Map.of("alert_id", id, "price", price);
    }

    private long metric(String name) {
        return (Long) ((Gauge<?>) worker.metrics.get(name)).value(null, 0);
    }

    @Test
    void aRecordIsADocumentUnderItsPlaceInTheTopicsIndex() {
        add("CL", alert("a", 1));
        start().drain(10);
        assertEquals(Set.of("Market-Alerts+2+0"), cluster.documents.keySet());
        assertTrue(cluster.api.seen.get(0).body().contains("\"_index\":\"market-alerts\""));
        assertEquals(1, metric("search-documents-total"));
    }

    @Test
    void deliveredTwiceIsStillOneDocument() {
        add("CL", alert("a", 1));
        add("CL", alert("b", 2));
        start().drain(10);
        // Nothing was committed, so a new task gets the same records.
        start().drain(10).commit();
        assertEquals(2, cluster.documents.size());
        assertEquals(2, worker.committed);
    }

    @Test
    void aFieldCanBeTheIdSoThatARecordProducedTwiceIsOneDocument() {
        add("CL", alert("a", 1));
        add("CL", alert("a", 1));
        add("CL", Map.of("price", 1));
        start(ElasticsearchSinkConfig.ID_FIELD, "alert_id", ElasticsearchSinkConfig.INDEX, "alerts").drain(10);
        assertEquals(Set.of("a"), cluster.documents.keySet());
        assertTrue(worker.dead.get(0).reason().contains("the field alert_id, which is the document's id, is missing"));
    }

    @Test
    void theKeyIsTheIdAndAnOlderRecordDoesNotOverwriteANewerOne() {
        add("CL", alert("a", 1));
        add("CL", alert("b", 2));
        start(ElasticsearchSinkConfig.KEY_IGNORE, "false").drain(10);
        start(ElasticsearchSinkConfig.KEY_IGNORE, "false").round(1);
        assertEquals(2, cluster.documents.get("CL").get("price").asInt());
        assertEquals(1, metric("search-conflicts-total"));
    }

    @Test
    void withoutAKeyOrWithAComplexOneThereIsNoId() {
        add(null, alert("a", 1));
        add(Map.of("x", 1), alert("a", 1));
        start(ElasticsearchSinkConfig.KEY_IGNORE, "false").drain(10);
        assertEquals(2, worker.dead.size());
        assertTrue(worker.dead.get(0).reason().contains("the key is null"));
    }

    @Test
    void anUpsertMergesFields() {
        add("CL", Map.of("price", 1, "unit", "BBL"));
        add("CL", Map.of("price", 2));
        start(ElasticsearchSinkConfig.KEY_IGNORE, "false", ElasticsearchSinkConfig.WRITE_METHOD, "upsert").drain(10);
        assertEquals("{\"price\":2,\"unit\":\"BBL\"}".length(), cluster.documents.get("CL").toString().length());
        assertEquals("BBL", cluster.documents.get("CL").get("unit").asText());
    }

    @Test
    void aRecordWithoutValueDeletesIsPassedOverOrIsBad() {
        add("CL", alert("a", 1));
        add("CL", null);
        add("NG", null);
        start(ElasticsearchSinkConfig.KEY_IGNORE, "false", ElasticsearchSinkConfig.NULL_VALUES, "delete").drain(10);
        assertEquals(Map.of(), cluster.documents);
        start(ElasticsearchSinkConfig.NULL_VALUES, "ignore").drain(10);
        assertEquals(0, worker.dead.size());
        start().drain(10);
        assertEquals(2, worker.dead.size());
        assertEquals("the value is null", worker.dead.get(0).reason());
    }

    @Test
    void aRefusedDocumentIsADeadLetterWithTheReasonAndTheOthersFlow() {
        cluster.refuses = source -> source.get("price").isTextual() ? 400 : 0;
        add("CL", alert("a", 1));
        add("CL", alert("b", "abc"));
        add("CL", "not an object");
        add("CL", alert("c", 3));
        start().drain(10);
        assertEquals(2, cluster.documents.size());
        assertEquals(List.of("the value is a String, not an object",
            "mapper_parsing_exception (400): failed to parse field; For input string: \"abc\""), worker.dead.stream().map(SinkWorkerDouble.Dead::reason).toList());
        assertEquals(2, metric("search-malformed-total"));
    }

    @Test
    void aRefusedDocumentFailsTheTaskWhereThatIsWantedOrThereIsNoQueue() {
        cluster.refuses = source -> 400;
        add("CL", alert("a", 1));
        start(ElasticsearchSinkConfig.MALFORMED, "fail");
        assertTrue(assertThrows(ConnectException.class, () -> worker.round(1)).getMessage().contains("Market-Alerts-2@0 is no document"));
        worker.reporting = false;
        start();
        assertThrows(ConnectException.class, () -> worker.round(1));
    }

    @Test
    void busyDocumentsAreTriedAgainAloneAndTheOthersOnce() {
        add("CL", alert("a", 1));
        add("CL", alert("b", 2));
        cluster.busy(0, 429, 503);
        start().drain(10);
        assertEquals(2, cluster.documents.size());
        assertEquals(3, cluster.api.seen.size());
        assertFalse(cluster.api.seen.get(1).body().contains("\"a\""));
        assertEquals(0, worker.retried);
    }

    @Test
    void aClusterThatIsDownGetsTheSameRecordsAgainAndBadOnesAreReportedOnce() {
        add("CL", "not an object");
        add("CL", alert("b", 2));
        Answer down = Answer.status(503, "starting");
        cluster.api.once(down, down, down, down, down, down);
        start();
        assertFalse(worker.round(10));
        assertFalse(worker.round(10));
        assertTrue(worker.round(10));
        assertEquals(1, cluster.documents.size());
        assertEquals(1, worker.dead.size());
        assertEquals(6, metric("search-retries-total"));
    }

    @Test
    void aMissingIndexIsWaitedForAndIsNoFaultOfTheRecords() {
        cluster.refuses = source -> 404;
        add("CL", alert("a", 1));
        start();
        assertFalse(worker.round(1));
        cluster.refuses = source -> 0;
        assertTrue(worker.round(1));
        assertEquals(0, worker.dead.size());
    }

    @Test
    void anotherAddressIsTriedWhenOneIsDead() {
        add("CL", alert("a", 1));
        start(ElasticsearchSinkConfig.URL, "http://127.0.0.1:9," + cluster.api.url("")).drain(10);
        assertEquals(1, cluster.documents.size());
    }

    @Test
    void aRequestThatIsTooLargeIsHalvedUntilTheOneIsFound() {
        cluster.limit(900);
        for (int i = 0; i < 8; i++) {
            add("CL", alert("a" + i, i == 5 ? "x".repeat(2000) : i));
        }
        start().drain(10);
        assertEquals(7, cluster.documents.size());
        assertEquals(List.of(5L), worker.dead.stream().map(dead -> dead.record().kafkaOffset()).toList());
    }

    @Test
    void aRequestRefusedForOneDocumentIsHalvedUntilItIsFound() {
        String refusal = "{\"error\":{\"type\":\"action_request_validation_exception\",\"reason\":\"Validation Failed\"},\"status\":400}";
        cluster.refusesWhole = body -> body.contains("a5") ? refusal : null;
        for (int i = 0; i < 8; i++) {
            add("CL", alert("a" + i, i));
        }
        start().drain(10);
        assertEquals(7, cluster.documents.size());
        assertEquals(List.of(5L), worker.dead.stream().map(dead -> dead.record().kafkaOffset()).toList());
        assertTrue(worker.dead.get(0).reason().contains("Validation Failed"));
    }

    @Test
    void aBadRequestThatIsNotAboutDocumentsFailsTheTaskAndSpoilsNoRecord() {
        cluster.refusesWhole = body -> "<html>no such service</html>";
        add("CL", alert("a", 1));
        start();
        assertTrue(assertThrows(ConnectException.class, () -> worker.round(1)).getMessage().contains("no such service"));
        assertEquals(0, worker.dead.size());
    }

    @Test
    void anIdThatIsTooLongIsBad() {
        add("CL", alert("ü".repeat(257), 1));
        start(ElasticsearchSinkConfig.ID_FIELD, "alert_id").drain(1);
        assertEquals("the document's id has 514 bytes, more than the 512 that an index takes", worker.dead.get(0).reason());
        assertEquals(0, cluster.api.seen.size());
    }

    @Test
    void requestsAreCutByNumberAndBytes() {
        for (int i = 0; i < 6; i++) {
            add("CL", alert("a" + i, i));
        }
        start(ElasticsearchSinkConfig.BATCH, "4").round(10);
        assertEquals(2, cluster.api.seen.size());
        start(ElasticsearchSinkConfig.BULK_BYTES, "1").round(10);
        assertEquals(8, cluster.api.seen.size());
    }

    @Test
    void aWrongPasswordFailsTheTaskWithoutRepeatingIt() {
        cluster.api.always(request -> Answer.status(401, "no such user: " + request.headers().get("Authorization") + " s3cr3t"));
        add("CL", alert("a", 1));
        start(ElasticsearchSinkConfig.USERNAME, "carbon", ElasticsearchSinkConfig.PASSWORD, "s3cr3t");
        ConnectException error = assertThrows(ConnectException.class, () -> worker.round(1));
        assertTrue(error.getMessage().contains("HTTP 401") && error.getMessage().contains("check address, user and password"));
        assertFalse(error.getMessage().contains("s3cr3t") || error.getMessage().contains("Y2FyYm9uOnMzY3IzdA"), error.getMessage());
        assertNull(error.getCause());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "connection.url | ftp://x | absolute http or https", "connection.url | http://u:s3cr3t@x | without user",
        "connection.username | carbon | belong together", "index | Alerts | lower case", "index | _x | lower case",
        "schema.ignore | false | declare the index", "behavior.on.null.values | delete | when its key is the id",
        "behavior.on.malformed.documents | skip | must be one of", "batch.size | 0 | at least 1",
    })
    void aMistakeIsReportedByKey(String key, String value, String message) {
        List<String> all = new ElasticsearchSinkConnector().validate(config(key, value)).configValues().stream()
            .flatMap(each -> each.errorMessages().stream()).toList();
        assertTrue(all.stream().anyMatch(text -> text.contains(message)) && !all.toString().contains("s3cr3t"), all.toString());
    }

    @Test
    void theConnectorIsDeclaredDocumentedAndHidesItsPassword() {
        ElasticsearchSinkConnector connector = new ElasticsearchSinkConnector();
        assertTrue(ServiceLoader.load(SinkConnector.class).stream().anyMatch(provider -> provider.type() == ElasticsearchSinkConnector.class));
        assertEquals(ConfigDef.Type.PASSWORD, connector.config().configKeys().get(ElasticsearchSinkConfig.PASSWORD).type);
        assertTrue(connector.config().configKeys().values().stream().noneMatch(key -> key.documentation == null || key.documentation.isBlank()));
        connector.start(config());
        assertEquals(List.of(config(), config()), connector.taskConfigs(2));
    }
}

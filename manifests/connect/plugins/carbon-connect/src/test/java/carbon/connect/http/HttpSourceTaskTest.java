package carbon.connect.http;

import static carbon.connect.http.Configs.answer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import carbon.connect.common.TestApi;
import carbon.connect.common.TestApi.Answer;
import carbon.connect.common.TestWorker;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is asked for, what is emitted, and what a restart leaves. */
@Timeout(30)
class HttpSourceTaskTest {
    private final TestApi api = TestApi.open();
    private final TestWorker worker = new TestWorker(HttpSourceTask::new);

    @AfterEach
    void close() {
        worker.close();
        api.close();
    }

    private List<String> ids() {
        return worker.records.stream().map(record -> ((Struct) record.value()).getString("event_id")).toList();
    }

    @Test
    void aRowBecomesTheRawPriceOfThePlatform() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-20 -36.98"));
        worker.start(Configs.eia(api)).untilRecords(1);
        SourceRecord record = worker.records.get(0);
        assertEquals("CL", record.key());
        assertEquals("prices", record.topic());
        assertNull(record.timestamp());
        try (JsonConverter json = new JsonConverter()) {
            json.configure(Map.of("schemas.enable", "false", "decimal.format", "NUMERIC"), false);
            assertEquals("{\"commodity_code\":\"CL\",\"price\":-36.980000,\"currency\":\"USD\",\"as_of\":\"2020-04-20\","
                + "\"event_id\":\"EIA-RWTC-2020-04-20\"}", new String(json.fromConnectData("prices", record.valueSchema(), record.value())));
        }
    }

    @Test
    void theOffsetAndTheKeyAreInTheRequest() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-20 1"));
        worker.start(Configs.eia(api, HttpSourceConfig.HEADERS, "token: abc, X-From: ${offset.period}")).until(() -> api.seen.size() >= 3);
        assertEquals("2020-01-01", api.seen.get(0).query().get("start"));
        assertEquals("2020-04-20", api.seen.get(2).query().get("start"));
        assertEquals(Configs.KEY, api.seen.get(0).query().get("api_key"));
        assertEquals("RWTC", api.seen.get(0).query().get("facets[series][]"));
        assertEquals(List.of("abc"), api.seen.get(0).headers().get("Token"));
        assertEquals(List.of("2020-01-01"), api.seen.get(0).headers().get("X-from"));
    }

    @Test
    void rowsOfTheSamePeriodAreNeitherLostNorRepeated() throws InterruptedException {
        api.once(Answer.json(answer("RWTC 2020-04-17 1")), Answer.json(answer("RWTC 2020-04-17 1", "RBRTE 2020-04-17 2")),
            Answer.json(answer("RBRTE 2020-04-17 2", "RWTC 2020-04-20 4", "RWTC 2020-04-17 1")));
        api.alwaysJson(answer("RWTC 2020-04-20 4", "RBRTE 2020-04-20 5", "RBRTE 2020-04-17 2"));
        worker.start(Configs.eia(api)).until(() -> api.seen.size() >= 6);
        assertEquals(List.of("EIA-RWTC-2020-04-17", "EIA-RBRTE-2020-04-17", "EIA-RWTC-2020-04-20", "EIA-RBRTE-2020-04-20"), ids());
        assertEquals("2020-04-17", api.seen.get(3).query().get("start"), "asks from the series that is behind");
    }

    @Test
    void rowsComeOutInOrderOfTheirOffsetHoweverTheApiSortsThem() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-22 3", "RWTC 2020-04-21 2", "RWTC 2020-04-20 1", "RWTC 2020-04-22 3"));
        worker.start(Configs.eia(api)).until(() -> api.seen.size() >= 3);
        assertEquals(List.of("EIA-RWTC-2020-04-20", "EIA-RWTC-2020-04-21", "EIA-RWTC-2020-04-22"), ids());
    }

    @Test
    void aRestartRepeatsNothing() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-20 1", "RBRTE 2020-04-20 2"));
        worker.start(Configs.eia(api)).untilRecords(2).close();
        int before = api.seen.size();
        api.alwaysJson(answer("RWTC 2020-04-20 1", "RBRTE 2020-04-20 2", "RBRTE 2020-04-21 3"));
        worker.start(Configs.eia(api)).until(() -> api.seen.size() >= before + 4);
        assertEquals(List.of("EIA-RWTC-2020-04-20", "EIA-RBRTE-2020-04-20", "EIA-RBRTE-2020-04-21"), ids());
    }

    @Test
    void aRestartInTheMiddleOfAPollGoesOnWithTheNextRow() throws InterruptedException {
        api.alwaysJson(answer(IntStream.range(10, 30).mapToObj(day -> "RWTC 2020-04-" + day + " " + day).toArray(String[]::new)));
        worker.start(Configs.eia(api, HttpSourceConfig.BATCH, "7")).untilRecords(7).close();
        assertEquals(7, worker.records.size());
        worker.start(Configs.eia(api, HttpSourceConfig.BATCH, "7")).untilRecords(20);
        assertEquals(20, ids().stream().distinct().count());
        assertEquals(20, worker.records.size());
    }

    @Test
    void pagesAreFollowedToTheLast() throws InterruptedException {
        api.always(request -> {
            int from = Integer.parseInt(request.query().get("offset"));
            int to = Math.min(from + Integer.parseInt(request.query().get("length")), 25);
            return Answer.json(answer(IntStream.range(from, to).mapToObj(i -> "RWTC 2020-03-" + (10 + i) + " 1").toArray(String[]::new)));
        });
        worker.start(Configs.eia(api, HttpSourceConfig.PAGE_OFFSET_PARAM, "offset", HttpSourceConfig.PAGE_LENGTH_PARAM, "length",
            HttpSourceConfig.PAGE_LENGTH, "10")).untilRecords(25);
        assertEquals(List.of("0", "10", "20"), api.seen.subList(0, 3).stream().map(request -> request.query().get("offset")).toList());
    }

    @Test
    void theTotalTellsTheLastPageWhenTheApiGivesShorterPages() throws InterruptedException {
        api.always(request -> {
            int from = Integer.parseInt(request.query().get("offset"));
            String rows = answer(IntStream.range(from, Math.min(from + 3, 7)).mapToObj(i -> "RWTC 2020-03-" + (10 + i) + " 1").toArray(String[]::new));
            return Answer.json(rows.replace("{\"data\"", "{\"total\":\"7\",\"data\""));
        });
        worker.start(Configs.eia(api, HttpSourceConfig.PAGE_OFFSET_PARAM, "offset", HttpSourceConfig.PAGE_TOTAL_POINTER, "/response/total"))
            .untilRecords(7);
        assertEquals(7, worker.records.size());
    }

    @Test
    void aMissingValueIsSkippedAndCountedOnce() throws InterruptedException {
        api.alwaysJson(answer("RWTC 2020-04-20 1", "RWTC 2020-04-21 .", "RWTC 2020-04-22 null"));
        worker.start(Configs.eia(api)).until(() -> api.seen.size() >= 4);
        assertEquals(List.of("EIA-RWTC-2020-04-20"), ids());
        assertEquals(2, worker.metric("rows-skipped-total"));
        assertEquals(1, worker.metric("records-total"));
        api.alwaysJson(answer("RWTC 2020-04-21 7"));
        worker.untilRecords(2);
        assertEquals("EIA-RWTC-2020-04-21", ids().get(1), "a value that is filled in later still comes");
    }

    @Test
    void eachSourcePartitionIsAskedForByItselfAndHasItsOwnOffset() throws InterruptedException {
        api.always(request -> Answer.json(request.query().get("series").equals("A") ? answer("A 2020-05-01 1") : answer("B 2020-04-01 2")));
        Map<String, String> config = Configs.eia(api, HttpSourceConfig.PARTITIONS, "A,B",
            HttpSourceConfig.PARAMS, "series=${partition}&start=${offset.period}");
        config.put(HttpSourceConfig.FIELDS, "commodity_code:string:{@partition};event_id:string:{@partition}-{/period}");
        config.put(HttpSourceConfig.FIELDS + ".commodity_code.map", "A=CL,B=NG");
        worker.start(config).untilRecords(2).until(() -> api.seen.size() >= 6);
        assertEquals(2, worker.offsets.size());
        assertEquals(Map.of("period", "2020-04-01", "key:NG", "2020-04-01"), worker.offsets.get(Map.of("partition", "B")));
        List<Map<String, String>> tasks = taskConfigs(config, 5);
        assertEquals(List.of("A", "B"), tasks.stream().map(task -> task.get(HttpSourceConnector.TASK_PARTITIONS)).toList());
    }

    private static List<Map<String, String>> taskConfigs(Map<String, String> config, int maxTasks) {
        HttpSourceConnector connector = new HttpSourceConnector();
        connector.start(config);
        return connector.taskConfigs(maxTasks);
    }

    @Test
    void aSingleObjectIsOneRowAndAnAbsentOptionalListIsNone() throws InterruptedException {
        api.once(Answer.json("{}"), Answer.status(204, ""));
        api.alwaysJson("{\"now\":{\"period\":\"2020-04-20\",\"series\":\"RWTC\",\"value\":12.5}}");
        worker.start(Configs.eia(api, HttpSourceConfig.LIST_POINTER, "/now", HttpSourceConfig.LIST_OPTIONAL, "true")).untilRecords(1);
        assertEquals(0, worker.metric("http-failures-total"));
    }

    @Test
    void aTaskStartedWithAForeignOffsetSaysSo() {
        worker.offsets.put(Map.of("partition", "default"), new HashMap<>(Map.of("page", "3")));
        Exception error = org.junit.jupiter.api.Assertions.assertThrows(Exception.class, () -> worker.start(Configs.eia(api)));
        assertTrue(error.getMessage().contains("page=3"), error.getMessage());
    }

    @Test
    void aSlowApiDoesNotHoldUpPoll() throws InterruptedException {
        api.always(request -> Answer.json(answer()).after(3000));
        worker.start(Configs.eia(api));
        long started = System.nanoTime();
        assertNull(worker.poll());
        assertTrue(System.nanoTime() - started < 2_000_000_000L);
    }
}

package carbon.connect.http;

import carbon.connect.common.Backoff;
import carbon.connect.common.Row;
import carbon.connect.common.RowProblem;
import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One source partition: when it is due, how far it has come, and one poll of it. */
final class SourcePartition {
    /** The key of the source partition in stored offsets. */
    static final String NAME = "partition";
    /** Its value when the configuration names no partitions. */
    static final String ONLY = "default";

    private static final Logger LOG = LoggerFactory.getLogger(SourcePartition.class);

    private record Fresh(Row row, String key, String offset) {
    }

    private final String name;
    private final HttpSourceConfig config;
    private final HttpFetcher fetcher;
    private final Counters counters;
    private final Cursors cursors;
    private final Backoff backoff;
    private long dueNanos = System.nanoTime();
    private int failures;
    private long failingSinceNanos;
    private Set<String> skippedBefore = Set.of();

    SourcePartition(String name, HttpSourceConfig config, HttpFetcher fetcher, Counters counters, Map<String, ?> storedOffset) {
        this.name = name;
        this.config = config;
        this.fetcher = fetcher;
        this.counters = counters;
        cursors = Cursors.restore(config.offset(), storedOffset);
        backoff = new Backoff(config.getLong(HttpSourceConfig.RETRY_BACKOFF), config.getLong(HttpSourceConfig.RETRY_BACKOFF_MAX),
            config.getLong(HttpSourceConfig.RETRY_AFTER_MAX), config.getLong(HttpSourceConfig.RETRY_TIMEOUT), Math::random);
    }

    static Map<String, String> key(String name) {
        return Map.of(NAME, name);
    }

    long millisUntilDue() {
        long now = System.nanoTime();
        return TimeUnit.NANOSECONDS.toMillis(Math.max(dueNanos - now, fetcher.heldUntilNanos() - now) + 999_999);
    }

    /**
     * Poll once and set when to poll next: an interval after this start, or later after a failure, never sooner.
     *
     * @return the new records, none after a failure that may pass
     * @throws ConnectException after a failure that will not pass, or when failures have lasted too long
     */
    List<SourceRecord> poll() throws InterruptedException {
        long started = System.nanoTime();
        try {
            List<SourceRecord> records = newRecords();
            failures = 0;
            dueNanos = started + TimeUnit.MILLISECONDS.toNanos(config.getLong(HttpSourceConfig.INTERVAL));
            if (!records.isEmpty()) {
                counters.records.addAndGet(records.size());
                LOG.info("{}: {} new records, now at {} {} ({})", name, records.size(), config.offset().name(), cursors.oldest(), counters);
            }
            return records;
        } catch (HttpFailure failure) {
            after(failure);
            return List.of();
        }
    }

    private void after(HttpFailure failure) {
        counters.failures.incrementAndGet();
        if (failure.kind() == HttpFailure.Kind.FATAL) {
            throw new ConnectException(name + ": " + failure.getMessage());
        }
        long now = System.nanoTime();
        boolean obeyed = failure.kind() == HttpFailure.Kind.THROTTLED && failure.retryAfter() != null;
        if (failures == 0 || obeyed) {
            failingSinceNanos = now;
        }
        failures++;
        long failingMillis = TimeUnit.NANOSECONDS.toMillis(now - failingSinceNanos);
        if (!obeyed && backoff.givesUp(failingMillis)) {
            throw new ConnectException(name + ": gave up after " + failures + " failures in " + failingMillis + " ms, the last: "
                + failure.getMessage());
        }
        long wait = backoff.millis(failures, failure.retryAfter());
        dueNanos = now + TimeUnit.MILLISECONDS.toNanos(wait);
        if (failure.kind() == HttpFailure.Kind.THROTTLED) {
            fetcher.hold(wait);
        }
        LOG.warn("{}: {}; failure {} in a row, next try in {} ms ({})", name, failure.getMessage(), failures, wait, counters);
    }

    private List<SourceRecord> newRecords() throws HttpFailure, InterruptedException {
        Instant now = Instant.now();
        Map<String, String> values = new HashMap<>();
        values.put("partition", name);
        values.put("now.date", LocalDate.ofInstant(now, ZoneOffset.UTC).toString());
        values.put("offset." + config.offset().name(), cursors.oldest());
        List<Row> rows = new ArrayList<>();
        boolean complete = readPages(values, now, rows);
        Map<String, String> skipped = new LinkedHashMap<>();
        List<Fresh> fresh = fresh(rows, complete, skipped);
        fresh.sort(Comparator.comparing(Fresh::offset, config.offset().order()));
        List<SourceRecord> records = records(fresh, skipped);
        report(skipped);
        return records;
    }

    /** Read page after page into {@code rows}; false when the page limit ended it. */
    private boolean readPages(Map<String, String> values, Instant now, List<Row> rows) throws HttpFailure, InterruptedException {
        Paging paging = config.paging();
        for (int page = 0; page < paging.maxPages(); page++) {
            HttpRequest request = config.request().render(values, paging.parameters(rows.size()));
            JsonNode answer = fetcher.fetch(request);
            int before = rows.size();
            for (JsonNode node : list(request, answer)) {
                rows.add(new Row(node, name, now, config.mapper().missing()));
            }
            int got = rows.size() - before;
            boolean last = paging.totalPointer() == null
                ? got < paging.length()
                : got == 0 || rows.size() >= answer.at(paging.totalPointer()).asInt();
            if (!paging.enabled() || last) {
                return true;
            }
        }
        return false;
    }

    private Iterable<JsonNode> list(HttpRequest request, JsonNode answer) throws HttpFailure {
        JsonNode list = answer == null ? null : answer.at(config.listPointer());
        if (list == null || list.isMissingNode() || list.isNull()) {
            if (answer == null || config.getBoolean(HttpSourceConfig.LIST_OPTIONAL)) {
                return List.of();
            }
            throw fetcher.garbage(request, "has nothing at " + config.listPointer(), answer.toString());
        }
        if (!list.isContainerNode()) {
            throw fetcher.garbage(request, "has neither array nor object at " + config.listPointer(), answer.toString());
        }
        return list.isArray() ? list : List.of(list);
    }

    private List<Fresh> fresh(List<Row> rows, boolean complete, Map<String, String> skipped) throws HttpFailure {
        List<Fresh> fresh = new ArrayList<>();
        String previous = null;
        for (Row row : rows) {
            try {
                String offset = config.offset().of(row);
                if (!complete && previous != null && config.offset().isAfter(previous, offset)) {
                    throw HttpFailure.fatal("more than " + rows.size() + " rows and not sorted by " + config.offset().name()
                        + " ascending: rows would be lost; ask the API to sort, or raise " + HttpSourceConfig.PAGES_MAX);
                }
                previous = offset;
                String key = config.mapper().key(row);
                if (cursors.isNew(key == null ? "" : key, offset)) {
                    fresh.add(new Fresh(row, key, offset));
                }
            } catch (RowProblem problem) {
                skip(row, problem, skipped);
            }
        }
        if (!complete && fresh.isEmpty()) {
            throw HttpFailure.fatal("the first " + rows.size() + " rows hold nothing new and there are more: raise "
                + HttpSourceConfig.PAGES_MAX);
        }
        return fresh;
    }

    private List<SourceRecord> records(List<Fresh> fresh, Map<String, String> skipped) throws HttpFailure {
        List<SourceRecord> records = new ArrayList<>();
        for (Fresh each : fresh) {
            String key = each.key() == null ? "" : each.key();
            if (!cursors.isNew(key, each.offset())) {
                continue;
            }
            try {
                Struct value = config.mapper().value(each.row());
                Long timestamp = config.mapper().timestamp(each.row());
                records.add(new SourceRecord(key(name), cursors.advance(key, each.offset()), config.getString(HttpSourceConfig.TOPIC), null,
                    each.key() == null ? null : Schema.STRING_SCHEMA, each.key(), config.mapper().schema(), value, timestamp));
            } catch (RowProblem problem) {
                skip(each.row(), problem, skipped);
            }
        }
        return records;
    }

    private void skip(Row row, RowProblem problem, Map<String, String> skipped) throws HttpFailure {
        String text = config.request().redactor().clean(row.node().toString(), 300);
        if (!problem.isMissing() && config.getString(HttpSourceConfig.ON_ERROR).equals("fail")) {
            throw HttpFailure.fatal("the row " + text + " does not fit: " + problem.getMessage() + "; with " + HttpSourceConfig.ON_ERROR
                + "=skip it would be skipped");
        }
        skipped.put(text, problem.getMessage());
    }

    /** Count and log a skipped row once, though each poll may bring it again. */
    private void report(Map<String, String> skipped) {
        List<String> texts = skipped.keySet().stream().filter(text -> !skippedBefore.contains(text)).toList();
        skippedBefore = Set.copyOf(skipped.keySet());
        if (!texts.isEmpty()) {
            counters.rowsSkipped.addAndGet(texts.size());
            String first = texts.get(0);
            LOG.info("{}: {} rows skipped, the first: {}: {} ({})", name, texts.size(), skipped.get(first), first, counters);
        }
    }
}

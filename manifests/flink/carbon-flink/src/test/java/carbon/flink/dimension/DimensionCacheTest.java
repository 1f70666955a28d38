package carbon.flink.dimension;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.VarCharType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DimensionCacheTest {
    private static final LogicalType TEXT = new VarCharType(VarCharType.MAX_LENGTH);

    @TempDir Path folder;
    private IcebergFolder iceberg;
    private DimensionCache cache;

    @BeforeEach
    void create() {
        iceberg = new IcebergFolder(folder);
    }

    @AfterEach
    void close() throws IOException {
        if (cache != null) {
            cache.release();
        }
        iceberg.close();
    }

    private DimensionSpec spec(LogicalType sector, int maxRows) {
        return new DimensionSpec(
                "test", iceberg.catalogProperties(), "market.commodities", List.of("sector", "commodity_code"), List.of(sector, TEXT),
                1, "updated_at", "position", "deleted", Duration.ofMillis(50), maxRows);
    }

    private String sector(String code) {
        RowData row = cache.find(StringData.fromString(code));
        return row == null ? null : row.getString(0).toString();
    }

    /** Waits for what the refreshing thread will do. */
    private static void await(BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "not within 20 s");
            Thread.sleep(10);
        }
    }

    @Test
    void theNewestRowCountsWhateverTheOrder() throws Exception {
        iceberg.append(iceberg.row("CL", "newest", "2026-01-03T00:00:00Z", false), iceberg.row("CL", "oldest", "2026-01-01T00:00:00Z", false));
        iceberg.append(iceberg.row("CL", "between", "2026-01-02T00:00:00Z", false), iceberg.row("BZ", "undated", null, false));
        iceberg.append(iceberg.row("BZ", "dated", "1990-01-01T00:00:00Z", null), iceberg.row(null, "no code", "2026-01-02T00:00:00Z", false));
        cache = DimensionCache.acquire(spec(TEXT, 10));
        assertEquals("newest", sector("CL"));
        assertEquals("dated", sector("BZ"));
        assertNull(sector("NG"));
        assertEquals(2, cache.size());
    }

    @Test
    void onATieTheHighestPositionCountsWhateverTheFile() throws Exception {
        String time = "2026-01-01T00:00:00.001Z";
        iceberg.append(iceberg.row("CL", "deleted", time, true, 12L), iceberg.row("NG", "changed", time, false, 21L));
        iceberg.append(iceberg.row("CL", "changed", time, false, 11L), iceberg.row("NG", "unplaced", time, false));
        iceberg.append(iceberg.row("CL", "inserted", time, false, 10L), iceberg.row("NG", "inserted", time, false, 20L));
        cache = DimensionCache.acquire(spec(TEXT, 10));
        assertNull(sector("CL"));
        assertEquals("changed", sector("NG"));
    }

    @Test
    void onATieWithoutPositionsTheRowWrittenLaterCounts() throws Exception {
        String time = "2026-01-01T00:00:00.000001Z";
        for (int i = 0; i < 6; i++) {
            iceberg.append(iceberg.row("CL", "file " + i, time, false), iceberg.row("CL", "end of file " + i, time, false));
        }
        cache = DimensionCache.acquire(spec(TEXT, 10));
        assertEquals("end of file 5", sector("CL"));
    }

    @Test
    void aDeletedCommodityIsUnknownUntilItReturns() throws Exception {
        iceberg.append(iceberg.row("CL", "a", "2026-01-01T00:00:00Z", false));
        iceberg.append(iceberg.row("CL", "b", "2026-01-02T00:00:00Z", true));
        cache = DimensionCache.acquire(spec(TEXT, 10));
        assertNull(sector("CL"));
        iceberg.append(iceberg.row("CL", "c", "2026-01-03T00:00:00Z", false));
        await(() -> "c".equals(sector("CL")));
    }

    @Test
    void anEmptyTableFillsLater() throws Exception {
        cache = DimensionCache.acquire(spec(TEXT, 10));
        assertEquals(0, cache.size());
        iceberg.append(iceberg.row("CL", "a", "2026-01-01T00:00:00Z", false));
        await(() -> "a".equals(sector("CL")));
    }

    @Test
    void aFailedReloadKeepsTheOldCopyAndIsCounted() throws Exception {
        iceberg.append(iceberg.row("CL", "a", "2026-01-01T00:00:00Z", false));
        cache = DimensionCache.acquire(spec(TEXT, 10));
        Path away = folder.resolveSibling(folder.getFileName() + "-away");
        Files.move(folder, away);
        await(() -> cache.failedReloads() >= 2);
        assertEquals("a", sector("CL"));
        Files.move(away, folder);
        iceberg.append(iceberg.row("CL", "b", "2026-01-02T00:00:00Z", false));
        await(() -> "b".equals(sector("CL")));
    }

    @Test
    void whatCannotBeReadStopsTheStart() throws Exception {
        iceberg.append(iceberg.row("CL", "a", "2026-01-01T00:00:00Z", false), iceberg.row("BZ", "b", "2026-01-01T00:00:00Z", false));
        assertEquals(
                "Cannot read the Iceberg table market.commodities of catalog test: Iceberg table market.commodities of catalog test"
                        + " has sector as STRING, declared is BIGINT",
                assertThrows(IOException.class, () -> DimensionCache.acquire(spec(new BigIntType(), 10))).getMessage());
        assertTrue(
                assertThrows(IOException.class, () -> DimensionCache.acquire(spec(TEXT, 1))).getMessage().endsWith("more than max-rows = 1 keys"));
    }

    @Test
    void subtasksShareOneCopyUntilTheLastIsDone() throws Exception {
        cache = DimensionCache.acquire(spec(TEXT, 10));
        DimensionCache same = DimensionCache.acquire(spec(TEXT, 10));
        assertSame(cache, same);
        same.release();
        cache.release();
        DimensionCache another = DimensionCache.acquire(spec(TEXT, 10));
        assertNotSame(cache, another);
        cache = another;
    }
}

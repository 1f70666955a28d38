package carbon.flink.anomaly;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FindingTest {
    private static final long MOST = 999_999_999_999_999_999L;

    private static long millionths(String text) {
        return new BigDecimal(text).movePointRight(6).longValueExact();
    }

    private static Finding find(String price, String low, String high) {
        Range range = new Range();
        range.add(millionths(low), millionths(high));
        return Finding.of(millionths(price), range);
    }

    @ParameterizedTest
    @CsvSource({
        "105, 100, 100, ",
        "105.000001, 100, 100, UP MEDIUM 100 5.000001",
        "95, 100, 100, ",
        "94.999999, 100, 100, DOWN MEDIUM 100 -5.000001",
        "110, 100, 100, UP MEDIUM 100 10.000000",
        "110.000001, 100, 100, UP HIGH 100 10.000001",
        "120, 100, 100, UP HIGH 100 20.000000",
        "120.000001, 100, 100, UP CRITICAL 100 20.000001",
        "0, 100, 100, DOWN CRITICAL 100 -100.000000",
        "-36.98, 18.27, 18.27, DOWN CRITICAL 18.27 -302.408320",
        "-34, -36.98, -36.98, UP MEDIUM -36.98 8.058410",
        "-40, -36.98, -36.98, DOWN MEDIUM -36.98 -8.166577",
        "100, 90, 112, UP HIGH 90 11.111111",
        "100, 98, 112, DOWN HIGH 112 -10.714286",
        "3, -1, 4, UP CRITICAL -1 400.000000",
        "0.000003, 0.000001, 0.000002, UP CRITICAL 0.000001 200.000000",
    })
    void theFurtherOfLowestAndHighestDecides(String price, String low, String high, String expected) {
        Finding found = find(price, low, high);
        if (expected == null) {
            assertNull(found);
            return;
        }
        assertNotNull(found);
        BigDecimal reference = BigDecimal.valueOf(found.reference(), 6).stripTrailingZeros();
        String described = found.direction() + " " + Finding.SEVERITIES[found.severity()] + " " + reference.toPlainString();
        assertEquals(expected, described + " " + found.changePercent().toPlainString());
        assertEquals("PRICE_CHANGE", found.type());
    }

    @Test
    void onATieTheLowestIsNamed() {
        Finding found = find("0", "-4", "4");
        assertEquals(millionths("-4"), found.reference());
        assertEquals("UP", found.direction());
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 0, UP", "-1, 0, 0, DOWN", "5, -1, 0, UP", "5, 0, 100, UP", "-5, 0, 100, DOWN", "0.000001, 0, 0, UP"})
    void zeroAsReferenceIsAKindOfItsOwn(String price, String low, String high, String direction) {
        Finding found = find(price, low, high);
        assertEquals("ZERO_REFERENCE", found.type());
        assertEquals(Finding.HIGH, found.severity());
        assertEquals(direction, found.direction());
        assertEquals(0, found.reference());
        assertNull(found.changePercent());
    }

    @Test
    void zeroAfterZeroIsNoChange() {
        assertNull(find("0", "0", "0"));
        assertEquals(millionths("100"), find("0", "0", "100").reference());
        assertNull(Finding.of(5, new Range()));
    }

    @Test
    void theLargestPricesDoNotOverflow() {
        Range range = new Range();
        range.add(-MOST, MOST);
        assertEquals(Finding.CRITICAL, Finding.of(MOST, range).severity());
        assertEquals(-MOST, Finding.of(MOST, range).reference());
        range = new Range();
        range.add(1, 1);
        assertEquals(new BigDecimal("99999999999999999800.000000"), Finding.of(MOST, range).changePercent());
    }
}

package carbon.flink.doris;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.TimeZone;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.data.DecimalData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.RowType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonRowsTest {
    private static final RowType TYPE =
            (RowType)
                    DataTypes.ROW(
                                    DataTypes.FIELD("name", DataTypes.STRING()),
                                    DataTypes.FIELD("price", DataTypes.DECIMAL(18, 6)),
                                    DataTypes.FIELD("at", DataTypes.TIMESTAMP(3)))
                            .getLogicalType();
    private final JsonRows rows = new JsonRows(TYPE);

    private String line(String name, String price, String at) {
        GenericRowData row = new GenericRowData(3);
        row.setField(0, StringData.fromString(name));
        row.setField(1, price == null ? null : DecimalData.fromBigDecimal(new BigDecimal(price), 18, 6));
        row.setField(2, at == null ? null : TimestampData.fromLocalDateTime(LocalDateTime.parse(at)));
        return new String(rows.serialize(row).getRow(), StandardCharsets.UTF_8);
    }

    @Test
    void everyValueIsAText() {
        assertEquals(
                "{\"name\":\"WTI\",\"price\":\"-36.980000\",\"at\":\"2020-04-20 18:30:00.125\"}", line("WTI", "-36.98", "2020-04-20T18:30:00.125"));
    }

    @Test
    void whatIsNullIsLeftOutAndNothingIsLeftOfTheRowBefore() {
        line("a longer name than the next", "999999999999.999999", "9999-12-31T23:59:59.999");
        assertEquals("{\"name\":\"x\"}", line("x", null, null));
        assertEquals("{\"price\":\"1.000000\"}", line(null, "1", null));
        assertEquals("{}", line(null, null, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0.000001", "-0.000001", "0.1", "-0.5", "1", "10", "999999999999.999999", "-999999999999.999999", "75.25"})
    void decimalsKeepEveryDigit(String price) throws Exception {
        JsonNode read = new ObjectMapper().readTree(line("x", price, null));
        assertEquals(new BigDecimal(price).setScale(6).toPlainString(), read.get("price").textValue());
    }

    @ParameterizedTest
    @CsvSource({"1969-12-31T23:59:59.999", "0001-01-01T00:00:00", "2024-02-29T00:00:00.001", "2026-03-08T02:30:00"})
    void timesAreThoseOfNoZone(String at) {
        TimeZone zone = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("America/New_York")); // where the last of them does not exist
            String text = LocalDateTime.parse(at).format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS"));
            assertEquals("{\"at\":\"" + text + "\"}", line(null, null, at));
        } finally {
            TimeZone.setDefault(zone);
        }
    }

    @Test
    void anyTextComesBackAsItWas() throws Exception {
        StringBuilder every = new StringBuilder("Öl \"light\" \\ 原油 🛢");
        for (char c = 0; c < 0x80; c++) {
            every.append(c);
        }
        String longer = every.toString().repeat(20);
        String line = line(longer, null, null);
        assertEquals(longer, new ObjectMapper().readTree(line).get("name").textValue());
        assertTrue(line.indexOf('\n') < 0);
    }

    @Test
    void aColumnOfAnotherTypeIsRefusedWhenTheJobIsPlanned() {
        RowType other = (RowType) DataTypes.ROW(DataTypes.FIELD("count", DataTypes.BIGINT())).getLogicalType();
        assertTrue(assertThrows(ValidationException.class, () -> new JsonRows(other)).getMessage().startsWith("Column count is BIGINT"));
    }
}

package carbon.connect.http;

import carbon.connect.common.Pointers;
import com.fasterxml.jackson.core.JsonPointer;
import java.util.Map;

/**
 * How an answer is split over pages.
 *
 * @param offsetParam query parameter for the rows to leave out, empty when there is no paging
 * @param first its value for the first page
 * @param lengthParam query parameter for the page length, may be empty
 * @param length rows in a page
 * @param totalPointer where an answer says how many rows there are in all, null when it does not
 * @param maxPages most pages of one poll
 */
record Paging(String offsetParam, int first, String lengthParam, int length, JsonPointer totalPointer, int maxPages) {

    static Paging parse(HttpSourceConfig config) {
        String offsetParam = config.getString(HttpSourceConfig.PAGE_OFFSET_PARAM);
        String lengthParam = config.getString(HttpSourceConfig.PAGE_LENGTH_PARAM);
        String total = config.getString(HttpSourceConfig.PAGE_TOTAL_POINTER);
        if (offsetParam.isEmpty() && !(lengthParam + total).isEmpty()) {
            throw new IllegalArgumentException("paging needs " + HttpSourceConfig.PAGE_OFFSET_PARAM);
        }
        return new Paging(offsetParam, config.getInt(HttpSourceConfig.PAGE_OFFSET_FIRST), lengthParam,
            config.getInt(HttpSourceConfig.PAGE_LENGTH), total.isEmpty() ? null : Pointers.parse(total),
            config.getInt(HttpSourceConfig.PAGES_MAX));
    }

    boolean enabled() {
        return !offsetParam.isEmpty();
    }

    /** The query parameters of the page that follows {@code rows} rows. */
    Map<String, String> parameters(int rows) {
        if (!enabled()) {
            return Map.of();
        }
        String offset = Integer.toString(first + rows);
        return lengthParam.isEmpty() ? Map.of(offsetParam, offset) : Map.of(offsetParam, offset, lengthParam, Integer.toString(length));
    }
}

package carbon.connect.http;

import carbon.connect.common.Redactor;
import carbon.connect.common.Templates;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The request with its references still in it. It has no {@code toString} of its values: they may be secret.
 */
final class RequestTemplate {
    private record Pair(String name, String value) {
    }

    private final String url;
    private final String method;
    private final List<Pair> params;
    private final List<Pair> headers;
    private final String body;
    private final Redactor redactor;

    private RequestTemplate(String url, String method, List<Pair> params, List<Pair> headers, String body, Redactor redactor) {
        this.url = url;
        this.method = method;
        this.params = params;
        this.headers = headers;
        this.body = body;
        this.redactor = redactor;
    }

    /** Parse the keys of the request; what is wrong with one is put into {@code mistakes}. */
    static RequestTemplate parse(HttpSourceConfig config, Set<String> references, Map<String, String> mistakes) {
        String url = checked(HttpSourceConfig.URL, mistakes, "", () -> url(config.getString(HttpSourceConfig.URL), references));
        List<Pair> params = checked(HttpSourceConfig.PARAMS, mistakes, List.<Pair>of(),
            () -> params(text(config, HttpSourceConfig.PARAMS, references)));
        List<Pair> headers = checked(HttpSourceConfig.HEADERS, mistakes, List.<Pair>of(),
            () -> Templates.headers(text(config, HttpSourceConfig.HEADERS, references)).stream()
                .map(header -> new Pair(header.getKey(), header.getValue())).toList());
        String body = checked(HttpSourceConfig.BODY, mistakes, "", () -> text(config, HttpSourceConfig.BODY, references));
        List<String> names = config.getList(HttpSourceConfig.SECRET_NAMES).stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
        List<String> secrets = new ArrayList<>();
        for (List<Pair> pairs : List.of(params, headers)) {
            pairs.stream().filter(pair -> names.contains(pair.name().toLowerCase(Locale.ROOT))).map(Pair::value).forEach(secrets::add);
        }
        return new RequestTemplate(url, config.getString(HttpSourceConfig.METHOD), params, headers, body, new Redactor(secrets));
    }

    private static <T> T checked(String key, Map<String, String> mistakes, T otherwise, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (IllegalArgumentException error) {
            mistakes.put(key, error.getMessage());
            return otherwise;
        }
    }

    private static String text(HttpSourceConfig config, String key, Set<String> references) {
        String text = config.getPassword(key).value().strip();
        Templates.checkReferences(text, references);
        return text;
    }

    private static String url(String text, Set<String> references) {
        Templates.checkReferences(text, references);
        try {
            URI uri = new URI(Templates.REFERENCE.matcher(text).replaceAll("x"));
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            if (!http || uri.getHost() == null) {
                throw new IllegalArgumentException("must be an absolute http or https address");
            }
            if (uri.getRawQuery() != null || uri.getRawFragment() != null || uri.getRawUserInfo() != null) {
                throw new IllegalArgumentException("must have no query, fragment or user: use " + HttpSourceConfig.PARAMS + " and "
                    + HttpSourceConfig.HEADERS);
            }
            return text;
        } catch (URISyntaxException error) {
            throw new IllegalArgumentException("is not an address: " + error.getReason());
        }
    }

    private static List<Pair> params(String text) {
        List<Pair> pairs = new ArrayList<>();
        for (String part : text.isEmpty() ? new String[0] : text.split("&")) {
            String[] pair = part.split("=", 2);
            if (pair.length != 2 || pair[0].isBlank()) {
                throw new IllegalArgumentException("parameter " + (pairs.size() + 1) + " is not NAME=VALUE");
            }
            pairs.add(new Pair(decode(pair[0]), decode(pair[1])));
        }
        return pairs;
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.strip().replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException error) {
            // The decoder's own message repeats part of the value.
            throw new IllegalArgumentException("a % in a parameter must begin an escape such as %26");
        }
    }

    Redactor redactor() {
        return redactor;
    }

    /**
     * The request for one page.
     *
     * @param values what the references stand for
     * @param paging query parameters to add
     */
    HttpRequest render(Map<String, String> values, Map<String, String> paging) {
        StringBuilder address = new StringBuilder(Templates.fill(url, values, RequestTemplate::encode));
        String separator = "?";
        List<Pair> all = new ArrayList<>(params);
        paging.forEach((name, value) -> all.add(new Pair(name, value)));
        for (Pair pair : all) {
            String value = Templates.fill(pair.value(), values, UnaryOperator.identity());
            address.append(separator).append(encode(pair.name())).append('=').append(encode(value));
            separator = "&";
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address.toString()))
            .header("User-Agent", "carbon-connect").setHeader("Accept", "application/json");
        headers.forEach(pair -> request.setHeader(pair.name(), Templates.fill(pair.value(), values, UnaryOperator.identity())));
        return request.method(method, method.equals("POST")
            ? HttpRequest.BodyPublishers.ofString(Templates.fill(body, values, UnaryOperator.identity()))
            : HttpRequest.BodyPublishers.noBody()).build();
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }
}

package carbon.connect.s3;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * AWS Signature Version 4 of S3 requests without a query.
 *
 * @param keyId access key id
 * @param secret secret access key
 * @param region signing region
 */
record SigV4(String keyId, String secret, String region) {
    private static final DateTimeFormatter MOMENT = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final String UNRESERVED = "-._~";

    /**
     * The headers to add to a request, its Authorization among them.
     *
     * @param path as it is sent, encoded
     * @param signed further headers that are sent, host among them, names in lower case
     * @param payload SHA-256 of the body, in hexadecimal
     */
    Map<String, String> headers(String method, String path, Map<String, String> signed, String payload, Instant now) {
        String moment = MOMENT.format(now);
        SortedMap<String, String> all = new TreeMap<>(signed);
        all.put("x-amz-content-sha256", payload);
        all.put("x-amz-date", moment);
        StringBuilder lines = new StringBuilder();
        all.forEach((name, value) -> lines.append(name).append(':').append(value.strip()).append('\n'));
        String names = String.join(";", all.keySet());
        String request = String.join("\n", method, path, "", lines, names, payload);
        String scope = moment.substring(0, 8) + "/" + region + "/s3/aws4_request";
        String toSign = String.join("\n", "AWS4-HMAC-SHA256", moment, scope, sha256(request.getBytes(StandardCharsets.UTF_8)));
        String signature = HexFormat.of().formatHex(hmac(key(moment.substring(0, 8)), toSign));
        all.put("authorization", "AWS4-HMAC-SHA256 Credential=" + keyId + "/" + scope + ",SignedHeaders=" + names + ",Signature=" + signature);
        return all;
    }

    /** SHA-256 in hexadecimal. */
    static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    /** A path with every byte encoded that S3 wants encoded; the slashes stay. */
    static String encoded(String path) {
        StringBuilder text = new StringBuilder();
        for (byte each : path.getBytes(StandardCharsets.UTF_8)) {
            char letter = (char) (each & 0xff);
            boolean plain = letter < 128 && (Character.isLetterOrDigit(letter) || letter == '/' || UNRESERVED.indexOf(letter) >= 0);
            text.append(plain ? String.valueOf(letter) : String.format("%%%02X", (int) letter));
        }
        return text.toString();
    }

    private byte[] key(String day) {
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : new String[] {day, region, "s3", "aws4_request"}) {
            key = hmac(key, part);
        }
        return key;
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public String toString() {
        return "SigV4[" + region + "]";
    }
}

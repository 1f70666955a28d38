package carbon.connect.s3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The examples of the AWS documentation, "Signature calculations for the Authorization header". */
class SigV4Test {
    private static final SigV4 SIGNER = new SigV4("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1");
    private static final Instant NOW = Instant.parse("2013-05-24T00:00:00Z");
    private static final String HOST = "examplebucket.s3.amazonaws.com";

    private static String signature(Map<String, String> headers) {
        return headers.get("authorization").replaceAll(".*Signature=", "");
    }

    @Test
    void aGetIsSignedAsDocumented() {
        Map<String, String> headers = SIGNER.headers("GET", "/test.txt", Map.of("host", HOST, "range", "bytes=0-9"), SigV4.sha256(new byte[0]), NOW);
        assertEquals("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", signature(headers));
    }

    @Test
    void aPutIsSignedAsDocumented() {
        Map<String, String> signed = Map.of("host", HOST, "date", "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class", "REDUCED_REDUNDANCY");
        String payload = SigV4.sha256("Welcome to Amazon S3.".getBytes(StandardCharsets.UTF_8));
        Map<String, String> headers = SIGNER.headers("PUT", SigV4.encoded("/test$file.text"), signed, payload, NOW);
        assertEquals("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", signature(headers));
    }

    @Test
    void pathsAreEncodedByteByByte() {
        assertEquals("/b/year%3D2020/t%2B0%2B1.json/%C3%A4~._-", SigV4.encoded("/b/year=2020/t+0+1.json/ä~._-"));
    }

    @Test
    void theSecretIsInNoText() {
        assertFalse(SIGNER.toString().contains("wJalr"));
        assertTrue(SIGNER.toString().contains("us-east-1"));
    }
}

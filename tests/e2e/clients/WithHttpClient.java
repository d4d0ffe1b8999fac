// Java's HttpClient as a client: it asks for HTTP/2 in an Upgrade header, expects 100-continue where
// it is told to, and takes answers as streams.
//
// Arguments: address of the server, token.

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;

public final class WithHttpClient {
    private static String base;
    private static String token;
    private static HttpClient client;

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        token = arguments[1];
        for (HttpClient.Version version : HttpClient.Version.values()) {
            client = HttpClient.newBuilder()
                    .version(version).connectTimeout(Duration.ofSeconds(10)).build();
            session(version.ordinal() * 100_000 + 1_000_000, "java-" + version);
            System.out.println("HttpClient, " + version + " preferred, is served");
        }
    }

    private static void session(int first, String facility) throws Exception {
        String one = record(first, facility);
        check(201, post(BodyPublishers.ofString(one), "application/json", false));
        check(200, post(BodyPublishers.ofString(one), "application/json", true));

        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(records(first + 1, 100, facility, ",", "[", "]"));
        }
        HttpRequest array = request("/v1/audit-logs")
                .header("Content-Type", "application/json").header("Content-Encoding", "gzip")
                .POST(BodyPublishers.ofByteArray(packed.toByteArray())).build();
        check(201, client.send(array, BodyHandlers.ofString()));

        // Of no known length: in chunks. Each line is an answer.
        byte[] lines = records(first + 101, 1000, facility, "\n", "", "\n");
        BodyPublisher stream = BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(lines));
        HttpRequest streamed = request("/v1/audit-logs")
                .header("Content-Type", "application/x-ndjson").POST(stream).build();
        List<String> receipts = client.send(streamed, BodyHandlers.ofLines()).body()
                .collect(Collectors.toList());
        String summary = receipts.get(receipts.size() - 1);
        check(receipts.size() == 1001 && summary.contains("\"accepted\":1000"), summary);

        // Many at once on what connections there are.
        List<CompletableFuture<HttpResponse<String>>> asked = new ArrayList<>();
        for (int number = 0; number < 50; number++) {
            HttpRequest page = request("/v1/audit-logs?limit=10&facility_id=" + facility).build();
            asked.add(client.sendAsync(page, BodyHandlers.ofString()));
        }
        for (CompletableFuture<HttpResponse<String>> answer : asked) {
            check(200, answer.get());
        }
        HttpRequest all = request("/v1/audit-logs?facility_id=" + facility)
                .header("Accept", "application/x-ndjson").build();
        long count = client.send(all, BodyHandlers.ofLines()).body().count();
        check(count == 1101, "records: " + count);

        HttpResponse<String> wrong = post(BodyPublishers.ofString("{}"), "application/json", false);
        check(422, wrong);
        check(wrong.headers().firstValue("x-request-id").isPresent(), "a request id");
        check(404, client.send(request("/nowhere").build(), BodyHandlers.ofString()));
        // Without `Expect`: with it, a client of Java 17 waits for ever where the answer is no 100
        // (JDK-8286171).
        byte[] many = records(first + 2000, 501, facility, ",", "[", "]");
        check(413, post(BodyPublishers.ofByteArray(many), "application/json", false));
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(base + path))
                .timeout(Duration.ofSeconds(60)).header("Authorization", "Bearer " + token);
    }

    private static HttpResponse<String> post(BodyPublisher body, String kind, boolean expect)
            throws Exception {
        HttpRequest request = request("/v1/audit-logs")
                .header("Content-Type", kind).expectContinue(expect).POST(body).build();
        return client.send(request, BodyHandlers.ofString());
    }

    private static byte[] records(
            int first, int count, String facility, String between, String before, String after) {
        return IntStream.range(first, first + count)
                .mapToObj(number -> record(number, facility))
                .collect(Collectors.joining(between, before, after))
                .getBytes(StandardCharsets.UTF_8);
    }

    private static String record(int number, String facility) {
        return String.format(
                "{\"audit_id\":\"018f0000-0000-7000-8000-%012x\",\"timestamp\":\"2026-03-01T10:00:00Z\","
                        + "\"actor_type\":\"user\",\"actor_id\":\"佐藤\",\"action\":\"READ_CHART\","
                        + "\"result\":\"success\",\"facility_id\":\"%s\"}",
                number, facility);
    }

    private static void check(int status, HttpResponse<String> answer) {
        check(answer.statusCode() == status, answer.statusCode() + " for " + status + ": " + answer.body());
    }

    private static void check(boolean held, String what) {
        if (!held) {
            System.err.println("FAILED: HttpClient: " + what);
            System.exit(1);
        }
    }
}

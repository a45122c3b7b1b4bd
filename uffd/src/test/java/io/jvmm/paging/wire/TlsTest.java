// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** TLS with certificates on both sides. */
@Timeout(300)
class TlsTest {

    private static final int PAGES = 1500;
    private static final PageLayout LAYOUT = TestImage.layout(PAGES);
    private static final TestImage IMAGE = new TestImage(LAYOUT);

    @TempDir static Path folder;

    private final Token token = Token.random();
    private final Recorder<ServerEvent> events = new Recorder<>();
    private final Recorder<PeerState> states = new Recorder<>();

    @BeforeAll
    static void makeCertificates() throws IOException, InterruptedException {
        key("server", "ip:127.0.0.1");
        key("elsewhere", "dns:elsewhere.example");
        key("client", "dns:client.example");
        key("stranger", "ip:127.0.0.1");
        trust("server", "client");
        trust("elsewhere", "client");
        trust("client", "server");
        trust("client", "elsewhere");
        trust("stranger", "server");
        trust("stranger", "client");
    }

    @AfterAll
    static void close() {
        IMAGE.close();
    }

    private static void key(String name, String alternative)
            throws IOException, InterruptedException {
        TestTls.keytool(
                "-genkeypair",
                "-alias",
                name,
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=" + alternative,
                "-validity",
                "30",
                "-keystore",
                store(name));
        TestTls.keytool(
                "-exportcert",
                "-alias",
                name,
                "-keystore",
                store(name),
                "-file",
                folder.resolve(name + ".cer").toString());
    }

    private static void trust(String who, String whom) throws IOException, InterruptedException {
        TestTls.keytool(
                "-importcert",
                "-noprompt",
                "-alias",
                whom,
                "-keystore",
                store(who),
                "-file",
                folder.resolve(whom + ".cer").toString());
    }

    private static String store(String name) {
        return folder.resolve(name + ".p12").toString();
    }

    private static Tls tls(String name) {
        return Tls.load(Path.of(store(name)), TestTls.PASSWORD.toCharArray());
    }

    private PageServer serve(String name) throws IOException {
        return PageServer.open(
                PeerAddress.tls("127.0.0.1", 0, tls(name)),
                IMAGE,
                token,
                ServerLimits.DEFAULT,
                events);
    }

    private PeerPageSource connect(PageServer server, String name) {
        PeerAddress address = PeerAddress.tls("127.0.0.1", server.address().port(), tls(name));
        return new PeerPageSource(address, token, LAYOUT, PeerConfig.DEFAULT, states);
    }

    @Test
    void bringsEveryPage() throws IOException, InterruptedException {
        try (PageServer server = serve("server");
                PeerPageSource source = connect(server, "client");
                TestClient client = new TestClient(source, LAYOUT, 50, 1, false)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            events.await(ServerEvent.Completed.class);
        }
        assertThat(states.all(PeerState.Away.class)).isEmpty();
    }

    @Test
    void aClientThatTheServerDoesNotTrustIsRefused() throws IOException, InterruptedException {
        try (PageServer server = serve("server");
                PeerPageSource source = connect(server, "stranger")) {
            source.start(new Idle());
            assertThat(states.await(PeerState.Refused.class).reason()).isEqualTo(Refusal.TOKEN);
            assertThat(events.await(ServerEvent.Refused.class).reason()).isEqualTo(Refusal.TOKEN);
        }
    }

    @Test
    void aServerThatTheClientDoesNotTrustIsRefused() throws IOException, InterruptedException {
        try (PageServer server = serve("stranger");
                PeerPageSource source = connect(server, "client")) {
            source.start(new Idle());
            assertThat(states.await(PeerState.Refused.class).reason()).isEqualTo(Refusal.TOKEN);
        }
    }

    @Test
    void aCertificateForAnotherHostIsRefused() throws IOException, InterruptedException {
        try (PageServer server = serve("elsewhere");
                PeerPageSource source = connect(server, "client")) {
            source.start(new Idle());
            assertThat(states.await(PeerState.Refused.class).reason()).isEqualTo(Refusal.TOKEN);
        }
    }

    /** Trusted itself, as no authority's certificate is between. */
    @Test
    void aCertificateThatHasExpiredIsRefused() throws IOException, InterruptedException {
        TestTls.keytool(
                "-genkeypair",
                "-alias",
                "expired",
                "-keyalg",
                "EC",
                "-dname",
                "CN=expired",
                "-ext",
                "san=ip:127.0.0.1",
                "-startdate",
                "-3d",
                "-validity",
                "1",
                "-keystore",
                store("expired"));
        try (PageServer server = serve("expired");
                PeerPageSource source = connect(server, "expired")) {
            source.start(new Idle());
            assertThat(states.await(PeerState.Refused.class).reason()).isEqualTo(Refusal.TOKEN);
        }
        assertThat(states.all(PeerState.Connected.class)).isEmpty();
    }

    @Test
    void keysInAnotherFormSayHowToConvertThem() throws IOException {
        Path pem =
                Files.writeString(
                        folder.resolve("key.pem"), "-----BEGIN PRIVATE KEY-----\nMIGHAg\n");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Tls.load(pem, new char[0]))
                .withMessageContaining("key.pem is PEM, not PKCS 12")
                .withMessageContaining("openssl pkcs12 -export");
    }

    @Test
    void aClientWithoutTlsGetsNowhere() throws IOException, InterruptedException {
        try (PageServer server = serve("server");
                PeerPageSource source =
                        new PeerPageSource(
                                PeerAddress.tcp("127.0.0.1", server.address().port()),
                                token,
                                LAYOUT,
                                PeerConfig.DEFAULT,
                                states)) {
            source.start(new Idle());
            states.await(PeerState.Away.class);
            assertThat(states.all(PeerState.Connected.class)).isEmpty();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * A peer that is gone without a word, as when its host or its network vanishes: nothing says so,
 * not even an error, and what is written to it stays in the socket until that takes no more. The
 * other side notices within its limit of silence, also while it is in the middle of writing, and
 * also while no virtual thread of its program makes progress.
 */
@Timeout(120)
class VanishedPeerTest {

    private static final int PAGES = 1200;
    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final long FIRST = 0x10_0000;
    private static final Duration SILENCE = Duration.ofMillis(1500);
    // What a client says at first of so many pages is more than any socket's buffers take.
    private static final PageLayout VAST =
            new PageLayout(List.of(new PageLayout.Range(0, (1L << 28) * PAGE)));

    @TempDir static Path folder;

    private static Tls tls;

    /** What a connection goes over. */
    enum Transport {
        UNIX,
        TCP,
        TLS
    }

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final Recorder<ServerEvent> events = new Recorder<>();
    private final Recorder<PeerState> states = new Recorder<>();
    private final List<AutoCloseable> owned = new ArrayList<>();

    @BeforeAll
    static void makeCertificate() throws IOException, InterruptedException {
        tls = TestTls.forBothSides(folder);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : owned.reversed()) {
            each.close();
        }
        image.close();
    }

    private <T extends AutoCloseable> T own(T each) {
        owned.add(each);
        return each;
    }

    private static PeerAddress address(Transport transport) {
        return switch (transport) {
            case UNIX -> PeerAddress.unix(folder.resolve("socket"));
            case TCP -> PeerAddress.tcp("127.0.0.1", 0);
            case TLS -> PeerAddress.tls("127.0.0.1", 0, tls);
        };
    }

    /** There is room for one client only: another one is served when the first is given up. */
    private PageServer serve(Transport transport) throws IOException {
        return own(
                PageServer.open(
                        address(transport),
                        image,
                        token,
                        ServerLimits.DEFAULT.withClients(1).withTimes(SILENCE, SILENCE),
                        events));
    }

    private PeerPageSource source(PeerAddress address, PageLayout memory) {
        PeerConfig config = PeerConfig.DEFAULT.withBulkConnections(1).withTimes(SILENCE, SILENCE);
        return own(new PeerPageSource(address, token, memory, config, states));
    }

    private void assertServed(PageServer server) throws InterruptedException {
        PeerPageSource source = source(server.address(), layout);
        try (TestClient client = new TestClient(source, layout, 8, 3, false)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            source.close();
        }
        server.close();
        assertThat(server.connections()).isZero();
    }

    private Rogue join(PageServer server, Role role, byte[] name) throws IOException {
        return own(Rogue.client(server.address(), token, role, name, layout));
    }

    /** More is asked for than fits into the socket's buffers. */
    private static void askForMuch(Rogue rogue) {
        for (int i = 0; i < 1000; i++) {
            rogue.frame(FrameType.REQUEST, 0, i, FIRST, 400 * PAGE);
        }
    }

    private static void pause() throws InterruptedException {
        boolean _ = new CountDownLatch(1).await(50, TimeUnit.MILLISECONDS);
    }

    @ParameterizedTest
    @EnumSource
    void aClientIsLostWhileItsPagesAreOnTheirWay(Transport transport) throws Exception {
        PageServer server = serve(transport);
        byte[] name = Token.randomBytes(16);
        Rogue _ = join(server, Role.CONTROL, name);
        askForMuch(join(server, Role.URGENT, name));
        askForMuch(join(server, Role.BULK, name));
        assertThat(events.await(ServerEvent.Lost.class).reason()).isEqualTo(Refusal.SILENT);
        assertServed(server);
    }

    @ParameterizedTest
    @EnumSource
    void aClientIsLostIfItSpeaksButTakesNothing(Transport transport) throws Exception {
        PageServer server = serve(transport);
        byte[] name = Token.randomBytes(16);
        Rogue control = join(server, Role.CONTROL, name);
        Rogue urgent = join(server, Role.URGENT, name);
        askForMuch(urgent);
        try {
            while (events.all(ServerEvent.Lost.class).isEmpty()) {
                control.frame(FrameType.PING, 0, 0, 0, 0);
                urgent.frame(FrameType.PING, 0, 0, 0, 0);
                pause();
            }
        } catch (WireException e) {
            assertThat(e.reason()).isEqualTo(Refusal.LOST);
        }
        ServerEvent.Lost lost = events.await(ServerEvent.Lost.class);
        assertThat(lost.reason()).isEqualTo(Refusal.SILENT);
        assertThat(lost.message()).contains("reads nothing");
        assertServed(server);
    }

    @ParameterizedTest
    @CsvSource({
        "UNIX, false", "TCP, false", "TLS, false",
        "UNIX, true", "TCP, true", "TLS, true"
    })
    void aServerIsLostWhileTheClientSaysWhatItHas(Transport transport, boolean speaks)
            throws Exception {
        Acceptor acceptor = own(Acceptor.at(address(transport)));
        PeerPageSource source = source(address(transport).at(acceptor.address()), VAST);
        source.start(new Idle());
        Rogue rogue = own(new Rogue(acceptor.accept()));
        HandshakeMessage.Hello _ = Handshake.accept(rogue.channel, token, hello -> null);
        rogue.layouts(VAST, 60_000);
        try {
            while (speaks && states.all(PeerState.Away.class).isEmpty()) {
                rogue.frame(FrameType.PING, 0, 0, 0, 0);
                pause();
            }
        } catch (WireException e) {
            assertThat(e.reason()).isEqualTo(Refusal.LOST);
        }
        PeerState.Away away = states.await(PeerState.Away.class);
        assertThat(away.reason()).isEqualTo(Refusal.SILENT);
        assertThat(away.message()).contains(speaks ? "reads nothing" : "no whole frame");
    }

    @ParameterizedTest
    @EnumSource
    void aClientIsLostWhileAllCarriersAreHeld(Transport transport) throws Exception {
        PageServer server = serve(transport);
        byte[] name = Token.randomBytes(16);
        Rogue _ = join(server, Role.CONTROL, name);
        askForMuch(join(server, Role.URGENT, name));
        try (HeldCarriers _ = new HeldCarriers()) {
            assertThat(events.await(ServerEvent.Lost.class).reason()).isEqualTo(Refusal.SILENT);
            assertServed(server);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aServerIsLostAndFoundAgainWhileAllCarriersAreHeld(Transport transport) throws Exception {
        Acceptor acceptor = own(Acceptor.at(address(transport)));
        PeerPageSource source = source(address(transport).at(acceptor.address()), layout);
        try (TestClient client = new TestClient(source, layout, 8, 3, false)) {
            source.start(client);
            client.go();
            for (int connection = 0; connection < 3; connection++) {
                Rogue rogue = own(new Rogue(acceptor.accept()));
                HandshakeMessage.Hello _ = Handshake.accept(rogue.channel, token, hello -> null);
                rogue.layouts(layout, 60_000);
            }
            states.await(PeerState.Connected.class);
            try (HeldCarriers _ = new HeldCarriers()) {
                PeerState.Away away = states.await(PeerState.Away.class);
                assertThat(away.reason()).isEqualTo(Refusal.SILENT);
                acceptor.close();
                source.redirect(serve(transport).address());
                client.await();
                client.assertAllRight();
                states.await(PeerState.Complete.class);
            }
            source.close();
        }
    }

    /**
     * The server's host is gone: nothing answers an attempt to connect, not even with a refusal.
     */
    @ParameterizedTest
    @EnumSource(names = {"TCP", "TLS"})
    void closingEndsAnAttemptToConnect(Transport transport) throws Exception {
        ServerSocketChannel deaf =
                own(
                        ServerSocketChannel.open()
                                .bind(
                                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                                        1));
        // More than its queue takes.
        for (int i = 0; i < 8; i++) {
            SocketChannel waiting = own(SocketChannel.open());
            waiting.configureBlocking(false);
            boolean _ = waiting.connect(deaf.getLocalAddress());
        }
        PeerPageSource source =
                new PeerPageSource(
                        address(transport).at(deaf.getLocalAddress()),
                        token,
                        layout,
                        PeerConfig.DEFAULT.withTimes(Duration.ofMinutes(10), SILENCE),
                        states);
        source.start(new Idle());
        while (!isConnecting()) {
            pause();
        }
        source.close();
        states.await(PeerState.Closed.class);
        assertThat(states.all(PeerState.Connected.class)).isEmpty();
    }

    private static boolean isConnecting() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(entry -> entry.getKey().getName().equals("page-peer"))
                .flatMap(entry -> Arrays.stream(entry.getValue()))
                .anyMatch(frame ->
                        frame.getMethodName().equals("connect")
                                && frame.getClassName().startsWith("sun.nio.ch."));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.paging.PageFailure;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.Priority;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A client and a server that are both in order. */
@Timeout(120)
class PeerPageSourceTest {

    private static final int PAGES = 3000;

    @TempDir Path folder;

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final Recorder<ServerEvent> server = new Recorder<>();
    private final Recorder<PeerState> states = new Recorder<>();
    private PeerAddress address;

    @BeforeEach
    void choose() {
        address = PeerAddress.unix(folder.resolve("pages"));
    }

    @AfterEach
    void close() {
        image.close();
    }

    private PageServer serve(PeerAddress at, ServerLimits limits) throws IOException {
        return PageServer.open(at, image, token, limits, server);
    }

    private PeerPageSource connect(PeerAddress to, PeerConfig config) {
        return new PeerPageSource(to, token, layout, config, states);
    }

    private void fetchesAll(PeerAddress at, ServerLimits limits, PeerConfig config)
            throws IOException, InterruptedException {
        try (PageServer serving = serve(at, limits);
                PeerPageSource source = connect(serving.address(), config);
                TestClient client =
                        new TestClient(source, layout, 100, 1, config.pushWindow() > 0)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            assertThat(states.await(PeerState.Complete.class).pages()).isEqualTo(PAGES);
            assertThat(server.await(ServerEvent.Completed.class).pages()).isEqualTo(PAGES);
            assertThat(source.missing()).isZero();
        }
        assertThat(server.all(ServerEvent.Lost.class)).isEmpty();
        assertThat(server.all(ServerEvent.Refused.class)).isEmpty();
        assertThat(states.all(PeerState.Away.class)).isEmpty();
    }

    @Test
    void bringsEveryPageOverAUnixSocket() throws IOException, InterruptedException {
        fetchesAll(address, ServerLimits.DEFAULT, PeerConfig.DEFAULT);
    }

    @Test
    void bringsEveryPageOverTcp() throws IOException, InterruptedException {
        fetchesAll(PeerAddress.tcp("127.0.0.1", 0), ServerLimits.DEFAULT, PeerConfig.DEFAULT);
    }

    /** Names come and go with the machines that they are for. */
    @Test
    void aNameThatIsNotKnownYetIsTriedAgain() throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source =
                        connect(PeerAddress.tcp("nobody.invalid", 1), PeerConfig.DEFAULT);
                TestClient client = new TestClient(source, layout, 100, 1, false)) {
            source.start(client);
            client.go();
            PeerState.Away away = states.await(PeerState.Away.class);
            assertThat(away.reason()).isEqualTo(Refusal.LOST);
            assertThat(away.message()).contains("nobody.invalid: name not known");
            source.redirect(serving.address());
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
        }
    }

    @Test
    void bringsEveryPageCompressed() throws IOException, InterruptedException {
        fetchesAll(
                address,
                ServerLimits.DEFAULT.withCompression(true),
                PeerConfig.DEFAULT.withCompression(true));
    }

    @Test
    void sendsRawPagesToWhoDoesNotWantThemCompressed() throws IOException, InterruptedException {
        fetchesAll(address, ServerLimits.DEFAULT.withCompression(true), PeerConfig.DEFAULT);
    }

    @Test
    void bringsEveryPageByTheUrgentConnectionAlone() throws IOException, InterruptedException {
        fetchesAll(address, ServerLimits.DEFAULT, PeerConfig.DEFAULT.withBulkConnections(0));
    }

    @Test
    void takesWhatIsPushedBetweenWhatItFetches() throws IOException, InterruptedException {
        fetchesAll(address, ServerLimits.DEFAULT, PeerConfig.DEFAULT.withPushWindow(4 << 20));
    }

    @Test
    void isCompleteByPushedPagesAlone() throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source =
                        connect(serving.address(), PeerConfig.DEFAULT.withPushWindow(2 << 20));
                TestClient client = new TestClient(source, layout, 0, 1, true)) {
            source.start(client);
            client.await();
            client.assertAllRight();
            assertThat(client.pushed()).isEqualTo(PAGES);
            states.await(PeerState.Complete.class);
        }
    }

    @Test
    void isOnlyDoneWhenToldIfSoConfigured() throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source =
                        connect(serving.address(), PeerConfig.DEFAULT.withExplicitFinish());
                TestClient client = new TestClient(source, layout, 50, 2, false)) {
            source.start(client);
            client.go();
            client.await();
            assertThat(server.all(ServerEvent.Completed.class)).isEmpty();
            source.finish();
            states.await(PeerState.Complete.class);
            server.await(ServerEvent.Completed.class);
        }
    }

    @Test
    void countsPagesThatNeedNotCome() throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source = connect(serving.address(), PeerConfig.DEFAULT)) {
            source.start(new Idle());
            states.await(PeerState.Connected.class);
            for (PageLayout.Range range : layout.ranges()) {
                source.have(range.gpa(), (int) (range.length() / PageLayout.PAGE_BYTES));
            }
            assertThat(source.missing()).isZero();
            source.allInstalled();
            states.await(PeerState.Complete.class);
            server.await(ServerEvent.Completed.class);
        }
    }

    /** Installing a page that has arrived may fail, and the page is then wanted once more. */
    @Test
    void aPageThatWasDeliveredComesAgainUntilAllAreInstalled()
            throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source = connect(serving.address(), PeerConfig.DEFAULT);
                Arena arena = Arena.ofShared()) {
            source.start(new Idle());
            MemorySegment memory = arena.allocate(512L * PageLayout.PAGE_BYTES);
            for (PageLayout.Range range : layout.ranges()) {
                for (long gpa = range.gpa(); gpa < range.end(); gpa += memory.byteSize()) {
                    long bytes = Math.min(memory.byteSize(), range.end() - gpa);
                    assertThat(fetch(source, memory, gpa, bytes)).isNull();
                }
            }
            assertThat(source.missing()).isZero();
            long page = 0x10_0000 + 64L * PageLayout.PAGE_BYTES;
            for (int again = 0; again < 3; again++) {
                memory.fill((byte) 0xEE);
                assertThat(fetch(source, memory, page, PageLayout.PAGE_BYTES)).isNull();
                assertThat(TestImage.isRight(page, memory.asSlice(0, PageLayout.PAGE_BYTES)))
                        .isTrue();
            }
            assertThat(states.all(PeerState.Complete.class)).isEmpty();

            end(serving);
            states.await(PeerState.Away.class);
            try (PageServer _ = serve(address, ServerLimits.DEFAULT)) {
                assertThat(fetch(source, memory, page, PageLayout.PAGE_BYTES)).isNull();
                assertThat(states.all(PeerState.Complete.class)).isEmpty();
                source.allInstalled();
                states.await(PeerState.Complete.class);
                server.await(ServerEvent.Completed.class);
                assertThat(fetch(source, memory, page, PageLayout.PAGE_BYTES))
                        .isEqualTo(PageFailure.LOST);
            }
        }
    }

    /** Before its time. */
    private static void end(PageServer serving) {
        serving.close();
    }

    /** Fetches a run of pages and waits for the answer: why it failed, or null. */
    private static @Nullable PageFailure fetch(
            PeerPageSource source, MemorySegment memory, long gpa, long bytes)
            throws InterruptedException {
        Answered answered = new Answered();
        PageRequest request = new PageRequest(answered);
        int pages = (int) (bytes / PageLayout.PAGE_BYTES);
        request.begin(gpa, pages, Priority.URGENT, memory, 0);
        source.fetch(request, 0, pages);
        answered.await();
        return request.failure();
    }

    @Test
    void leavesInGoodOrderBeforeItIsDone() throws IOException, InterruptedException {
        try (PageServer serving = serve(address, ServerLimits.DEFAULT)) {
            PeerPageSource source = connect(serving.address(), PeerConfig.DEFAULT);
            source.start(new Idle());
            states.await(PeerState.Connected.class);
            source.close();
            assertThat(server.await(ServerEvent.Left.class).delivered()).isZero();
            assertThat(states.all(PeerState.Complete.class)).isEmpty();
            states.await(PeerState.Closed.class);
        }
        assertThat(server.all(ServerEvent.Lost.class)).isEmpty();
    }

    @Test
    void tellsWhichPagesTheServerCannotRead() throws IOException, InterruptedException {
        image.broken.add(0x10_0000L + 5 * PageLayout.PAGE_BYTES);
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source = connect(serving.address(), PeerConfig.DEFAULT);
                Arena arena = Arena.ofShared()) {
            source.start(new Idle());
            Answered answered = new Answered();
            PageRequest request = new PageRequest(answered);
            MemorySegment memory = arena.allocate(10L * PageLayout.PAGE_BYTES);
            request.begin(0x10_0000, 5, Priority.URGENT, memory, 0);
            source.fetch(request, 0, 5);
            answered.await();
            assertThat(request.failure()).isNull();
            request.begin(0x10_0000, 10, Priority.URGENT, memory, 0);
            source.fetch(request, 0, 10);
            answered.await();
            assertThat(request.failure()).isEqualTo(PageFailure.AWAY);
            ServerEvent.Unreadable unreadable = server.await(ServerEvent.Unreadable.class);
            assertThat(unreadable.gpa()).isEqualTo(0x10_0000);
            assertThat(unreadable.message()).contains("scratched at 0x105000");
            assertThat(states.all(PeerState.Away.class)).isEmpty();
        }
    }

    @Test
    void pagesThatCannotBeReadComeOnceTheImageIsMended() throws IOException, InterruptedException {
        for (long page = 0; page < PAGES / 2; page += 50) {
            image.broken.add(0x10_0000L + page * PageLayout.PAGE_BYTES);
        }
        PeerConfig config =
                PeerConfig.DEFAULT.withTimes(Duration.ofSeconds(10), Duration.ofSeconds(2));
        try (PageServer serving = serve(address, ServerLimits.DEFAULT);
                PeerPageSource source = connect(serving.address(), config);
                TestClient client = new TestClient(source, layout, 100, 1, false)) {
            source.start(client);
            client.go();
            server.await(ServerEvent.Unreadable.class);
            image.broken.clear();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
        }
        assertThat(states.all(PeerState.Away.class)).isEmpty();
    }

    @Test
    void bringsEveryPageOverTcpOfVersionSix() throws IOException, InterruptedException {
        assertThat(PeerAddress.tcp("[::1]", 5).toString()).isEqualTo("tcp:[0:0:0:0:0:0:0:1]:5");
        fetchesAll(PeerAddress.tcp("::1", 0), ServerLimits.DEFAULT, PeerConfig.DEFAULT);
    }

    @Test
    void listenersThatThrowChangeNothing() throws IOException, InterruptedException {
        try (PageServer serving =
                        PageServer.open(
                                address,
                                image,
                                token,
                                ServerLimits.DEFAULT,
                                event -> {
                                    server.accept(event);
                                    throw new IllegalStateException("of the server's owner");
                                });
                PeerPageSource source =
                        new PeerPageSource(
                                serving.address(),
                                token,
                                layout,
                                PeerConfig.DEFAULT,
                                state -> {
                                    states.accept(state);
                                    throw new AssertionError("of the client's owner");
                                });
                TestClient client = new TestClient(source, layout, 100, 1, false)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            server.await(ServerEvent.Closed.class);
        }
        assertThat(server.all(ServerEvent.Lost.class)).isEmpty();
        assertThat(states.all(PeerState.Away.class)).isEmpty();
    }

    @Test
    void aServerAtANameThatIsNotKnownSaysSo() {
        assertThatExceptionOfType(UnknownHostException.class)
                .isThrownBy(() -> serve(PeerAddress.tcp("nosuch.invalid", 1), ServerLimits.DEFAULT))
                .withMessageContaining("nosuch.invalid: name not known");
    }

    /** Each host may have so many, and the oldest of them goes first. */
    @Test
    void silentConnectionsKeepNoClientOut() throws Exception {
        List<SocketChannel> silent = new ArrayList<>();
        try (PageServer serving = serve(PeerAddress.tcp("127.0.0.1", 0), ServerLimits.DEFAULT)) {
            InetSocketAddress at =
                    new InetSocketAddress(
                            InetAddress.getLoopbackAddress(), serving.address().port());
            for (int i = 0; i < 120; i++) {
                silent.add(SocketChannel.open(at));
            }
            ByteBuffer said = ByteBuffer.allocate(HandshakeMessage.Challenge.BYTES + 1);
            while (silent.getFirst().read(said) >= 0) {
                // Until the server closes it.
            }
            assertThat(said.position()).isEqualTo(HandshakeMessage.Challenge.BYTES);
            byte[] challenge = Arrays.copyOf(said.array(), said.position());
            assertThat(HandshakeMessage.Challenge.decode(challenge).refusal())
                    .isEqualTo(Refusal.BUSY.code());
            try (PeerPageSource source = connect(serving.address(), PeerConfig.DEFAULT);
                    TestClient client = new TestClient(source, layout, 100, 1, false)) {
                source.start(client);
                client.go();
                client.await();
                client.assertAllRight();
                states.await(PeerState.Complete.class);
            }
        } finally {
            for (SocketChannel each : silent) {
                each.close();
            }
        }
        assertThat(states.all(PeerState.Away.class)).isEmpty();
    }

    @Test
    void answersWhatIsOpenAsLostWhenItIsClosed() throws InterruptedException {
        PeerPageSource source = connect(address, PeerConfig.DEFAULT);
        source.start(new Idle());
        try (Arena arena = Arena.ofShared()) {
            Answered answered = new Answered();
            PageRequest request = new PageRequest(answered);
            request.begin(
                    0x10_0000, 2, Priority.SWEEP, arena.allocate(2L * PageLayout.PAGE_BYTES), 0);
            source.fetch(request, 0, 2);
            assertThat(states.await(PeerState.Away.class).reason()).isEqualTo(Refusal.LOST);
            source.close();
            answered.await();
            assertThat(request.failure()).isEqualTo(PageFailure.LOST);
        }
    }

    @Test
    void knowsWhatItHas() {
        try (PeerPageSource source = connect(address, PeerConfig.DEFAULT)) {
            assertThat(source.extent(0x10_0000, 10)).isEqualTo(10);
            assertThat(source.extent(0xF_F000, 10)).isEqualTo(-1);
            assertThat(source.extent(0x1_4000_0000L - 4096 * 3, 10)).isEqualTo(-3);
            assertThat(source.extent(layout.ranges().getLast().end() - 4096, 10)).isEqualTo(1);
            assertThat(source.extent(layout.ranges().getLast().end(), 10)).isEqualTo(-10);
        }
    }
}

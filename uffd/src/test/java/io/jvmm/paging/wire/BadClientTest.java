// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.paging.wire.HandshakeMessage.Accept;
import io.jvmm.paging.wire.HandshakeMessage.Challenge;
import io.jvmm.paging.wire.HandshakeMessage.Hello;
import io.jvmm.paging.wire.HandshakeMessage.Proof;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Clients that do what they must not: each is refused with a reason, and another client, which is
 * connected all the time, gets all its pages nevertheless.
 */
@Timeout(120)
class BadClientTest {

    private static final int PAGES = 1200;
    private static final long FIRST = 0x10_0000;
    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final ServerLimits LIMITS = ServerLimits.DEFAULT;
    private static final ServerLimits IMPATIENT =
            LIMITS.withTimes(Duration.ofMillis(1500), Duration.ofMillis(1500));

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final byte[] name = Token.randomBytes(16);
    private final Recorder<ServerEvent> events = new Recorder<>();
    private final Recorder<PeerState> honestStates = new Recorder<>();
    private PageServer server;
    private PageServer target;
    private PeerPageSource honest;
    private TestClient honestClient;

    @BeforeEach
    void serve() throws IOException, InterruptedException {
        server = open(LIMITS);
        target = server;
        honest =
                new PeerPageSource(
                        server.address(), token, layout, PeerConfig.DEFAULT, honestStates);
        honestClient = new TestClient(honest, layout, 8, 3, false);
        honest.start(honestClient);
        honestStates.await(PeerState.Connected.class);
    }

    private PageServer open(ServerLimits limits) throws IOException {
        return PageServer.open(PeerAddress.tcp("127.0.0.1", 0), image, token, limits, events);
    }

    /** A server of its own for those who are slow, so that the other one can be patient. */
    private void losePatience() throws IOException {
        target = open(IMPATIENT);
    }

    @AfterEach
    void servesOthersAllTheSame() throws InterruptedException {
        honestClient.go();
        honestClient.await();
        honestClient.assertAllRight();
        honestStates.await(PeerState.Complete.class);
        assertThat(honestStates.all(PeerState.Away.class)).isEmpty();
        honest.close();
        target.close();
        server.close();
        assertThat(target.connections()).isZero();
        assertThat(server.connections()).isZero();
        honestClient.close();
        image.close();
    }

    private Rogue control() throws IOException {
        return Rogue.client(target.address(), token, Role.CONTROL, name, layout);
    }

    private Rogue data(Role role) throws IOException {
        return Rogue.client(target.address(), token, role, name, layout);
    }

    private void assertLost(Refusal reason) throws InterruptedException {
        assertThat(events.await(ServerEvent.Lost.class).reason()).isEqualTo(reason);
    }

    private void assertRefused(Refusal reason) throws InterruptedException {
        assertThat(events.await(ServerEvent.Refused.class).reason()).isEqualTo(reason);
    }

    private Challenge greet(Rogue rogue, int min, int max) {
        rogue.raw(
                new Hello(min, max, Role.CONTROL.code(), name, 1, Token.randomBytes(32)).encode());
        return Challenge.decode(rogue.channel.readMessage(Challenge.BYTES));
    }

    @Test
    void aVersionThatIsNotSpokenIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            Challenge answer = greet(rogue, 7, 9);
            assertThat(answer.version()).isZero();
            assertThat(answer.refusal()).isEqualTo(Refusal.VERSION.code());
            assertThat(answer.maxVersion()).isEqualTo(Wire.MAX_VERSION);
        }
        assertRefused(Refusal.VERSION);
    }

    @Test
    void aNewerClientThatAlsoSpeaksOursIsServed() throws IOException {
        try (Rogue rogue = Rogue.to(target.address())) {
            assertThat(greet(rogue, 1, 900).version()).isEqualTo(1);
        }
    }

    @Test
    void aWrongTokenIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            Challenge _ = greet(rogue, 1, 1);
            rogue.raw(new Proof(Token.randomBytes(32)).encode());
            Accept answer = Accept.decode(rogue.channel.readMessage(Accept.BYTES));
            assertThat(answer.refusal()).isEqualTo(Refusal.TOKEN.code());
            assertThat(answer.proof()).containsOnly(0);
        }
        assertRefused(Refusal.TOKEN);
    }

    @Test
    void aProofThatWasOverheardIsOfNoUse() throws IOException, InterruptedException {
        byte[] hello =
                new Hello(1, 1, Role.CONTROL.code(), name, 1, Token.randomBytes(32)).encode();
        byte[] proof;
        try (Rogue rogue = Rogue.to(target.address())) {
            rogue.raw(hello);
            byte[] challenge = rogue.channel.readMessage(Challenge.BYTES);
            proof = new Proof(token.prove(Rogue.ascii("client"), hello, challenge)).encode();
            rogue.raw(proof);
            assertThat(Accept.decode(rogue.channel.readMessage(Accept.BYTES)).refusal()).isZero();
        }
        try (Rogue rogue = Rogue.to(target.address())) {
            rogue.raw(hello);
            byte[] _ = rogue.channel.readMessage(Challenge.BYTES);
            rogue.raw(proof);
            assertThat(Accept.decode(rogue.channel.readMessage(Accept.BYTES)).refusal())
                    .isEqualTo(Refusal.TOKEN.code());
        }
        assertRefused(Refusal.TOKEN);
    }

    @Test
    void garbageIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            rogue.raw(Rogue.ascii("GET / HTTP/1.1\r\nHost: pages\r\n\r\n".repeat(9)));
            Challenge answer = Challenge.decode(rogue.channel.readMessage(Challenge.BYTES));
            assertThat(answer.refusal()).isEqualTo(Refusal.CORRUPT.code());
            rogue.drain();
        }
        assertRefused(Refusal.CORRUPT);
    }

    @Test
    void whoConnectsAndSaysNothingIsThrownOut() throws IOException, InterruptedException {
        losePatience();
        try (Rogue rogue = Rogue.to(target.address())) {
            rogue.drain();
        }
        assertRefused(Refusal.SILENT);
    }

    @Test
    void whoTricklesHisGreetingIsThrownOut() throws IOException, InterruptedException {
        losePatience();
        try (Rogue rogue = Rogue.to(target.address())) {
            trickle(rogue, new Hello(1, 1, 0, name, 1, Token.randomBytes(32)).encode());
        }
        assertRefused(Refusal.SILENT);
    }

    /** A byte each 100 ms: the whole would take several times what the server bears. */
    private static void trickle(Rogue rogue, byte[] bytes) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        try {
            for (byte one : bytes) {
                rogue.raw(new byte[] {one});
                assertThat(never.await(100, TimeUnit.MILLISECONDS)).isFalse();
            }
            rogue.drain();
        } catch (WireException e) {
            assertThat(e.reason()).isEqualTo(Refusal.LOST);
        }
    }

    @Test
    void whoTricklesAFrameIsThrownOut() throws IOException, InterruptedException {
        losePatience();
        try (Rogue control = control()) {
            trickle(control, control.bytes(FrameType.DONE.code(), 0, 5, 0, 0, 0, new byte[0]));
        }
        assertLost(Refusal.SILENT);
    }

    @Test
    void whoFallsSilentIsThrownOut() throws IOException, InterruptedException {
        losePatience();
        try (Rogue control = control()) {
            assertThat(control.verdict()).isEqualTo(Refusal.SILENT);
        }
        assertLost(Refusal.SILENT);
    }

    @Test
    void whoClosesHisHalfIsLostAndNotDone() throws IOException, InterruptedException {
        try (Rogue control = control()) {
            control.link.shutdownOutput();
            control.drain();
        }
        assertLost(Refusal.LOST);
        assertThat(events.all(ServerEvent.Completed.class)).isEmpty();
    }

    /**
     * As far as this client can tell its session is open; the server may not have come so far, and
     * here it never does.
     */
    @Test
    void whoIsServedBeforeHisLayoutWasReadIsLostAllTheSame()
            throws IOException, InterruptedException {
        try (Rogue control = Rogue.to(target.address())) {
            Handshake.open(control.channel, token, Role.CONTROL, name, 1);
            assertThat(control.channel.receive().type()).isEqualTo(FrameType.LAYOUT);
            try (Rogue urgent = data(Role.URGENT)) {
                urgent.frame(FrameType.REQUEST, 0, 1, FIRST, PAGE);
                assertThat(urgent.channel.receive().type()).isEqualTo(FrameType.DATA);
            }
        }
        assertLost(Refusal.LOST);
        // The honest client's is the other one.
        assertThat(events.all(ServerEvent.Opened.class)).hasSize(2);
        events.await(ServerEvent.Closed.class);
    }

    @Test
    void otherMemoryIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            Handshake.open(rogue.channel, token, Role.CONTROL, name, 1);
            PageLayout other = TestImage.layout(PAGES + 3);
            rogue.channel.send(
                    FrameType.LAYOUT, 0, 0, 0, 0, new LayoutMessage(other, 3, 5000).encode());
            assertThat(rogue.verdict()).isEqualTo(Refusal.LAYOUT);
        }
        assertRefused(Refusal.LAYOUT);
    }

    @Test
    void anotherPageSizeIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            Handshake.open(rogue.channel, token, Role.CONTROL, name, 1);
            byte[] message = new byte[32];
            message[1] = 0x40; // 16 KiB
            rogue.frame(FrameType.LAYOUT, 0, 0, 0, 0, message);
            assertThat(rogue.verdict()).isEqualTo(Refusal.LAYOUT);
        }
        assertRefused(Refusal.LAYOUT);
    }

    @Test
    void whoSpeaksBeforeHisLayoutIsRefused() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            Handshake.open(rogue.channel, token, Role.CONTROL, name, 1);
            rogue.frame(FrameType.DONE, 0, PAGES, 0, 0);
            assertThat(rogue.verdict()).isEqualTo(Refusal.MALFORMED);
        }
        assertRefused(Refusal.MALFORMED);
    }

    @Test
    void memoryIsOnlyForAnOpenSession() throws IOException, InterruptedException {
        try (Rogue rogue = Rogue.to(target.address())) {
            assertThatThrownBy(() -> Handshake.open(rogue.channel, token, Role.URGENT, name, 1))
                    .isInstanceOfSatisfying(
                            WireException.class,
                            e -> assertThat(e.reason()).isEqualTo(Refusal.SESSION));
        }
        assertRefused(Refusal.SESSION);
    }

    @Test
    void aSecondUrgentConnectionIsRefused() throws IOException, InterruptedException {
        try (Rogue _ = control();
                Rogue _ = data(Role.URGENT);
                Rogue rogue = Rogue.to(target.address())) {
            assertThatThrownBy(() -> Handshake.open(rogue.channel, token, Role.URGENT, name, 1))
                    .isInstanceOfSatisfying(
                            WireException.class,
                            e -> assertThat(e.reason()).isEqualTo(Refusal.BUSY));
        }
        assertRefused(Refusal.BUSY);
    }

    @Test
    void aNewerSessionOfAClientTakesTheOldOnesPlace() throws IOException, InterruptedException {
        try (Rogue old = control();
                Rogue newer = Rogue.to(target.address())) {
            Handshake.open(newer.channel, token, Role.CONTROL, name, 2);
            newer.layouts(layout, 5000);
            assertThat(old.verdict()).isEqualTo(Refusal.SESSION);
            newer.frame(FrameType.BYE, 0, 0, 0, 0);
            events.await(ServerEvent.Left.class);
        }
        assertLost(Refusal.SESSION);
    }

    private void assertDataVerdict(Refusal verdict, Consumer<Rogue> deed)
            throws IOException, InterruptedException {
        try (Rogue control = control();
                Rogue data = data(Role.BULK)) {
            deed.accept(data);
            assertThat(data.verdict()).isEqualTo(verdict);
            assertThat(control.verdict()).isEqualTo(verdict);
        }
        assertLost(verdict);
    }

    @Test
    void aRequestBeyondTheLimitIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.OVERSIZE,
                rogue -> rogue.frame(FrameType.REQUEST, 0, 1, FIRST, Wire.MAX_REQUEST + PAGE));
    }

    @Test
    void aPayloadBeyondTheLimitIsRefusedBeforeItIsRead() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.OVERSIZE,
                rogue ->
                        rogue.raw(
                                rogue.bytes(
                                        FrameType.REQUEST.code(),
                                        0,
                                        1,
                                        FIRST,
                                        PAGE,
                                        Integer.MAX_VALUE,
                                        new byte[0])));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0xF_F000, FIRST + 1, 0x1_3FFF_F000L, Long.MIN_VALUE, -PAGE, 1L << 62})
    void addressesOutsideOfTheLayoutAreRefused(long gpa) throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.OUT_OF_LAYOUT, rogue -> rogue.frame(FrameType.REQUEST, 0, 1, gpa, PAGE));
    }

    @Test
    void aRequestAcrossARangesEndIsRefused() throws IOException, InterruptedException {
        long last = layout.ranges().getFirst().end() - PAGE;
        assertDataVerdict(
                Refusal.OUT_OF_LAYOUT,
                rogue -> rogue.frame(FrameType.REQUEST, 0, 1, last, 2 * PAGE));
    }

    @Test
    void aRequestForNothingIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.OUT_OF_LAYOUT, rogue -> rogue.frame(FrameType.REQUEST, 0, 1, FIRST, 0));
    }

    @Test
    void aNumberThatWasUsedIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.DUPLICATE,
                rogue -> {
                    rogue.frame(FrameType.REQUEST, 0, 8, FIRST, PAGE);
                    rogue.frame(FrameType.REQUEST, 0, 8, FIRST, PAGE);
                });
    }

    @Test
    void aFrameTwiceIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.CORRUPT,
                rogue -> {
                    byte[] request =
                            rogue.bytes(
                                    FrameType.REQUEST.code(), 0, 8, FIRST, PAGE, 0, new byte[0]);
                    rogue.raw(request);
                    rogue.raw(request);
                });
    }

    @Test
    void aFloodIsRefused() throws IOException, InterruptedException {
        try (Rogue control = control();
                Rogue data = data(Role.BULK)) {
            try {
                for (int i = 0; i < 2 * Wire.MAX_OUTSTANDING; i++) {
                    data.frame(FrameType.REQUEST, 0, i, FIRST, 400 * PAGE);
                }
            } catch (WireException e) {
                // Whoever goes on for long enough is cut off before he can read why.
                assertThat(e.reason()).isEqualTo(Refusal.LOST);
            }
            assertThat(control.verdict()).isEqualTo(Refusal.FLOOD);
        }
        assertLost(Refusal.FLOOD);
    }

    @Test
    void aWindowBeyondTheLimitIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.MALFORMED,
                rogue -> {
                    rogue.frame(FrameType.WINDOW, 0, 0, Wire.MAX_WINDOW, 0);
                    rogue.frame(FrameType.WINDOW, 0, 0, Wire.MAX_WINDOW, 0);
                });
    }

    @Test
    void withdrawingWhatWasNeverAskedForIsRefused() throws IOException, InterruptedException {
        assertDataVerdict(Refusal.MALFORMED, rogue -> rogue.frame(FrameType.CANCEL, 0, 77, 0, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 5, 6, 7, 9, 10, 12, 14, 255})
    void framesThatAreNotAClientsAreRefused(int type) throws IOException, InterruptedException {
        assertDataVerdict(
                Refusal.MALFORMED,
                rogue -> rogue.raw(rogue.bytes(type, 0, 1, 0, 0, 0, new byte[0])));
    }

    @Test
    void claimingToBeDoneTooEarlyIsRefused() throws IOException, InterruptedException {
        try (Rogue control = control()) {
            control.frame(FrameType.DONE, 0, PAGES, 0, 0);
            assertThat(control.verdict()).isEqualTo(Refusal.COUNT);
        }
        assertLost(Refusal.COUNT);
        assertThat(events.all(ServerEvent.Completed.class)).isEmpty();
    }

    @Test
    void aWrongCountIsRefused() throws IOException, InterruptedException {
        try (Rogue control = control()) {
            byte[] all = new byte[PAGES / 8];
            Arrays.fill(all, (byte) -1);
            control.frame(FrameType.HAVE, 1, 0, 0, PAGES, all);
            control.frame(FrameType.DONE, 0, PAGES - 1, 0, 0);
            assertThat(control.verdict()).isEqualTo(Refusal.COUNT);
        }
        assertLost(Refusal.COUNT);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 8, -8, Long.MAX_VALUE - 7})
    void aBitmapOfOtherPagesIsRefused(long first) throws IOException, InterruptedException {
        try (Rogue control = control()) {
            control.frame(FrameType.HAVE, 1, 0, first, PAGES, new byte[PAGES / 8]);
            assertThat(control.verdict()).isEqualTo(Refusal.MALFORMED);
        }
        assertLost(Refusal.MALFORMED);
    }

    @Test
    void whoAsksButDoesNotReadIsThrownOut() throws IOException, InterruptedException {
        losePatience();
        try (Rogue control = control();
                Rogue data = data(Role.BULK)) {
            for (int i = 0; i < 1000; i++) {
                data.frame(FrameType.REQUEST, 0, i, FIRST, 400 * PAGE);
            }
            // Alive it is, all the while.
            try {
                CountDownLatch never = new CountDownLatch(1);
                while (events.all(ServerEvent.Lost.class).isEmpty()) {
                    control.frame(FrameType.PING, 0, 0, 0, 0);
                    data.frame(FrameType.PING, 0, 0, 0, 0);
                    boolean _ = never.await(50, TimeUnit.MILLISECONDS);
                }
            } catch (WireException e) {
                assertThat(e.reason()).isEqualTo(Refusal.LOST);
            }
        }
        assertLost(Refusal.SILENT);
    }

    @Test
    void strangersCannotTakeAllConnections() throws IOException, InterruptedException {
        losePatience();
        List<Rogue> crowd = new ArrayList<>();
        try {
            for (int i = 0; i < 3 * LIMITS.strangers(); i++) {
                crowd.add(Rogue.to(target.address()));
            }
            events.await(ServerEvent.Refused.class, 3 * LIMITS.strangers());
            // The oldest makes room for the next one; those that nothing displaced prove nothing.
            List<Refusal> reasons =
                    events.all(ServerEvent.Refused.class).stream()
                            .map(ServerEvent.Refused::reason)
                            .toList();
            assertThat(reasons).containsOnly(Refusal.BUSY, Refusal.SILENT);
            assertThat(reasons.getLast()).isEqualTo(Refusal.SILENT);
        } finally {
            crowd.forEach(Rogue::close);
        }
    }

    @Test
    void aClientTooManyIsRefused() throws IOException, InterruptedException {
        List<Rogue> others = new ArrayList<>();
        try {
            for (int i = 1; i < LIMITS.clients(); i++) {
                others.add(
                        Rogue.client(
                                target.address(),
                                token,
                                Role.CONTROL,
                                Token.randomBytes(16),
                                layout));
            }
            try (Rogue rogue = Rogue.to(target.address())) {
                assertThatThrownBy(
                                () -> Handshake.open(rogue.channel, token, Role.CONTROL, name, 1))
                        .isInstanceOfSatisfying(
                                WireException.class,
                                e -> assertThat(e.reason()).isEqualTo(Refusal.BUSY));
            }
            assertRefused(Refusal.BUSY);
        } finally {
            others.forEach(Rogue::close);
        }
    }
}

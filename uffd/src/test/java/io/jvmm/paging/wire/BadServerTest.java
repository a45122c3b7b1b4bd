// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.jvmm.paging.wire.HandshakeMessage.Accept;
import io.jvmm.paging.wire.HandshakeMessage.Challenge;
import io.jvmm.paging.wire.HandshakeMessage.Hello;
import io.jvmm.paging.wire.HandshakeMessage.Proof;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.zip.Deflater;

/**
 * Servers that do what they must not: the client says why it gave up on each, and gets all its
 * pages, every byte of them right, from a better server afterwards.
 */
@Timeout(120)
class BadServerTest {

    private static final int PAGES = 600;
    private static final int PAGE = PageLayout.PAGE_BYTES;
    private static final long FIRST = 0x10_0000;
    private static final long PUSH = 1L << 63;
    private static final PeerConfig CONFIG = PeerConfig.DEFAULT.withBulkConnections(0);
    private static final PeerConfig IMPATIENT =
            CONFIG.withTimes(Duration.ofMillis(1500), Duration.ofMillis(1500));

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final Recorder<PeerState> states = new Recorder<>();
    private final List<Rogue> rogues = new CopyOnWriteArrayList<>();
    private ServerSocketChannel listening;
    private @Nullable PeerPageSource connected;
    private @Nullable TestClient fetching;

    @BeforeEach
    void listen() throws IOException {
        listening =
                ServerSocketChannel.open()
                        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    private void connect(PeerConfig config) throws IOException {
        int port = ((InetSocketAddress) listening.getLocalAddress()).getPort();
        PeerPageSource source =
                new PeerPageSource(
                        PeerAddress.tcp("127.0.0.1", port), token, layout, config, states);
        TestClient client = new TestClient(source, layout, 6, 5, config.pushWindow() > 0);
        connected = source;
        fetching = client;
        source.start(client);
        client.go();
    }

    @AfterEach
    void isServedByABetterServer() throws IOException, InterruptedException {
        listening.close();
        PeerPageSource source = Objects.requireNonNull(connected);
        TestClient client = Objects.requireNonNull(fetching);
        Recorder<ServerEvent> events = new Recorder<>();
        try (PageServer better =
                PageServer.open(
                        PeerAddress.tcp("127.0.0.1", 0),
                        image,
                        token,
                        ServerLimits.DEFAULT,
                        events)) {
            assertThat(states.all(PeerState.Complete.class)).isEmpty();
            source.redirect(better.address());
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            events.await(ServerEvent.Completed.class);
            assertThat(events.all(ServerEvent.Lost.class)).isEmpty();
        } finally {
            source.close();
            client.close();
            rogues.forEach(Rogue::close);
            image.close();
        }
    }

    private Rogue accept() throws IOException {
        Rogue rogue = new Rogue(new SocketLink(listening.accept(), "client"));
        rogues.add(rogue);
        return rogue;
    }

    /** Lets a connection in, as a server in good order does. */
    private Rogue admit() throws IOException {
        Rogue rogue = accept();
        Hello _ = Handshake.accept(rogue.channel, token, hello -> null);
        rogue.layouts(layout, 5_000);
        return rogue;
    }

    private void assertRefused(Refusal reason) throws InterruptedException {
        assertThat(states.await(PeerState.Refused.class).reason()).isEqualTo(reason);
    }

    private void assertAway(Refusal reason) throws InterruptedException {
        assertThat(states.await(PeerState.Away.class).reason()).isEqualTo(reason);
    }

    private Hello greeted(Rogue rogue) {
        return Hello.decode(rogue.channel.readMessage(Hello.BYTES));
    }

    @Test
    void aVersionThatIsNotSpokenIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = greeted(rogue);
        rogue.raw(new Challenge(0, Refusal.VERSION.code(), 5, 9, Token.randomBytes(32)).encode());
        assertRefused(Refusal.VERSION);
    }

    @Test
    void aVersionThatWasNotOfferedIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = greeted(rogue);
        rogue.raw(new Challenge(9, 0, 1, 9, Token.randomBytes(32)).encode());
        assertRefused(Refusal.VERSION);
    }

    @Test
    void aServerThatDoesNotHoldTheTokenIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = greeted(rogue);
        rogue.raw(new Challenge(1, 0, 1, 1, Token.randomBytes(32)).encode());
        byte[] _ = rogue.channel.readMessage(Proof.BYTES);
        rogue.raw(new Accept(0, Token.randomBytes(32)).encode());
        assertRefused(Refusal.TOKEN);
    }

    @Test
    void aServerThatSendsTheClientsProofBackIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = greeted(rogue);
        rogue.raw(new Challenge(1, 0, 1, 1, Token.randomBytes(32)).encode());
        byte[] proof = rogue.channel.readMessage(Proof.BYTES);
        rogue.raw(new Accept(0, Proof.decode(proof).proof()).encode());
        assertRefused(Refusal.TOKEN);
    }

    @Test
    void aServerThatTurnsTheClientAwaySaysWhy() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = greeted(rogue);
        rogue.raw(new Challenge(1, 0, 1, 1, Token.randomBytes(32)).encode());
        byte[] _ = rogue.channel.readMessage(Proof.BYTES);
        rogue.raw(new Accept(Refusal.BUSY.code(), new byte[32]).encode());
        assertAway(Refusal.BUSY);
    }

    @Test
    void garbageIsNotTakenForAServer() throws IOException, InterruptedException {
        connect(CONFIG);
        accept().raw(Rogue.ascii("220 mail.example ESMTP, how may I help you?\r\n".repeat(3)));
        assertAway(Refusal.CORRUPT);
    }

    @Test
    void silenceAtTheDoorIsNoticed() throws IOException, InterruptedException {
        connect(IMPATIENT);
        Rogue _ = accept();
        assertAway(Refusal.SILENT);
    }

    @Test
    void silenceInASessionIsNoticed() throws IOException, InterruptedException {
        connect(IMPATIENT);
        Rogue _ = admit();
        Rogue _ = admit();
        assertAway(Refusal.SILENT);
    }

    @Test
    void aFrameThatTricklesIsNoticed() throws IOException, InterruptedException {
        connect(IMPATIENT);
        Rogue _ = admit();
        Rogue urgent = admit();
        CountDownLatch never = new CountDownLatch(1);
        try {
            byte[] frame = urgent.bytes(FrameType.PING.code(), 0, 0, 0, 0, 0, new byte[0]);
            for (byte one : frame) {
                urgent.raw(new byte[] {one});
                boolean _ = never.await(100, TimeUnit.MILLISECONDS);
            }
        } catch (WireException e) {
            assertThat(e.reason()).isEqualTo(Refusal.LOST);
        }
        assertAway(Refusal.SILENT);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anEndIsNotTakenForDone(boolean halfOnly) throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue control = admit();
        Rogue _ = admit();
        if (halfOnly) {
            control.link.shutdownOutput();
        } else {
            control.link.close();
        }
        assertAway(Refusal.LOST);
    }

    @Test
    void otherMemoryIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue rogue = accept();
        Hello _ = Handshake.accept(rogue.channel, token, hello -> null);
        rogue.channel.send(
                FrameType.LAYOUT,
                0,
                0,
                0,
                0,
                new LayoutMessage(TestImage.layout(PAGES - 3), 3, 5000).encode());
        assertRefused(Refusal.LAYOUT);
    }

    @Test
    void doneTooEarlyIsRefused() throws IOException, InterruptedException {
        connect(CONFIG);
        Rogue control = admit();
        Rogue _ = admit();
        control.frame(FrameType.DONE, 0, PAGES, 0, 0);
        assertRefused(Refusal.COUNT);
    }

    /** The first request of a session. */
    private FrameHeader requested(Rogue urgent) {
        FrameHeader frame = urgent.channel.receive();
        assertThat(frame.type()).isEqualTo(FrameType.REQUEST);
        return frame;
    }

    private Rogue session() throws IOException {
        connect(CONFIG);
        Rogue _ = admit();
        return admit();
    }

    private static void data(Rogue to, long id, long gpa, int length) {
        to.frame(FrameType.DATA, Encoding.RAW.code(), id, gpa, length, new byte[length]);
    }

    @Test
    void pagesNeverAskedForAreRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        data(urgent, asked.id() + (1L << 40), asked.address(), PAGE);
        assertRefused(Refusal.UNREQUESTED);
    }

    @ParameterizedTest
    @ValueSource(longs = {PAGE, -PAGE, 1, 1L << 40})
    void pagesOfAnotherAddressAreRefused(long off) throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        data(urgent, asked.id(), asked.address() + off, PAGE);
        assertRefused(Refusal.UNREQUESTED);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4095, -4096, Integer.MIN_VALUE, 64 << 20})
    void aLengthThatWasNotAskedForIsRefused(int length) throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        urgent.frame(FrameType.DATA, Encoding.ZERO.code(), asked.id(), asked.address(), length);
        assertRefused(Refusal.UNREQUESTED);
    }

    @Test
    void anAnswerTwiceIsRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        long id = asked.id();
        long gpa = asked.address();
        // With the right content, or the better server would have no chance.
        for (int turn = 0; turn < 2; turn++) {
            for (long at = gpa; at < gpa + asked.length(); at += PAGE) {
                byte[] content = new byte[PAGE];
                MemorySegment native4k = Arena.ofAuto().allocate(PAGE);
                image.read(at, native4k);
                MemorySegment.copy(native4k, JAVA_BYTE, 0, content, 0, PAGE);
                urgent.frame(FrameType.DATA, Encoding.RAW.code(), id, at, PAGE, content);
            }
        }
        assertRefused(Refusal.UNREQUESTED);
    }

    @Test
    void aPayloadOfAnotherLengthIsRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        urgent.frame(
                FrameType.DATA,
                Encoding.RAW.code(),
                asked.id(),
                asked.address(),
                PAGE,
                new byte[9]);
        assertRefused(Refusal.MALFORMED);
    }

    @Test
    void aPayloadBeyondTheLimitIsRefusedBeforeItIsRead() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        urgent.raw(
                urgent.bytes(
                        FrameType.DATA.code(),
                        Encoding.RAW.code(),
                        asked.id(),
                        asked.address(),
                        PAGE,
                        -1,
                        new byte[0]));
        assertRefused(Refusal.OVERSIZE);
    }

    @Test
    void aChangedPayloadIsNotedAndFetchedAgain() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        byte[] frame =
                urgent.bytes(
                        FrameType.DATA.code(),
                        Encoding.RAW.code(),
                        asked.id(),
                        asked.address(),
                        PAGE,
                        PAGE,
                        new byte[PAGE]);
        frame[2000] ^= 0x10;
        urgent.raw(frame);
        assertAway(Refusal.CORRUPT);
    }

    @Test
    void anUnknownEncodingIsRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        urgent.frame(FrameType.DATA, 9, asked.id(), asked.address(), PAGE);
        assertRefused(Refusal.MALFORMED);
    }

    @Test
    void compressedPagesThatAreNotWelcomeAreRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        deflated(urgent, asked, new byte[asked.length()]);
        assertRefused(Refusal.MALFORMED);
    }

    private static void deflated(Rogue to, FrameHeader asked, byte[] content) {
        Deflater deflater = new Deflater();
        deflater.setInput(content);
        deflater.finish();
        byte[] room = new byte[Wire.MAX_PAYLOAD];
        int size = deflater.deflate(room);
        deflater.end();
        to.frame(
                FrameType.DATA,
                Encoding.DEFLATE.code(),
                asked.id(),
                asked.address(),
                asked.length(),
                Arrays.copyOf(room, size));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4095, 4 << 20})
    void compressedPagesOfAnotherSizeAreRefused(int size) throws IOException, InterruptedException {
        connect(CONFIG.withCompression(true));
        Rogue _ = admit();
        Rogue urgent = admit();
        deflated(urgent, requested(urgent), new byte[size]);
        assertRefused(Refusal.MALFORMED);
    }

    @Test
    void compressedPagesThatAreGarbageAreRefused() throws IOException, InterruptedException {
        connect(CONFIG.withCompression(true));
        Rogue _ = admit();
        Rogue urgent = admit();
        FrameHeader asked = requested(urgent);
        urgent.frame(
                FrameType.DATA,
                Encoding.DEFLATE.code(),
                asked.id(),
                asked.address(),
                asked.length(),
                Token.randomBytes(999));
        assertRefused(Refusal.MALFORMED);
    }

    @Test
    void droppingWhatWasNotWithdrawnIsRefused() throws IOException, InterruptedException {
        Rogue urgent = session();
        FrameHeader asked = requested(urgent);
        urgent.frame(FrameType.CANCELLED, 0, asked.id(), 0, 0);
        assertRefused(Refusal.UNREQUESTED);
    }

    @Test
    void whatAServerSaysOfItsFailureIsShownWithoutControlCharacters()
            throws IOException, InterruptedException {
        Rogue urgent = session();
        urgent.frame(
                FrameType.ERROR,
                Refusal.SOURCE.code(),
                0,
                0,
                0,
                Rogue.ascii("disk on fire\u001b[2J\n"));
        PeerState.Away away = states.await(PeerState.Away.class);
        assertThat(away.reason()).isEqualTo(Refusal.SOURCE);
        assertThat(away.message()).endsWith("disk on fire?[2J?");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2, 3, 4, 8, 10, 12, 14, 200})
    void framesThatAreNotAServersAreRefused(int type) throws IOException, InterruptedException {
        Rogue urgent = session();
        urgent.raw(urgent.bytes(type, 0, 0, 0, 0, 0, new byte[0]));
        assertRefused(Refusal.MALFORMED);
    }

    private Rogue pusher(boolean isAllowed) throws IOException {
        PeerConfig config = CONFIG.withBulkConnections(1);
        connect(isAllowed ? config.withPushWindow(Wire.MAX_REQUEST) : config);
        Rogue _ = admit();
        Rogue _ = admit();
        return admit();
    }

    @Test
    void pushingWithoutLeaveIsRefused() throws IOException, InterruptedException {
        pusher(false).frame(FrameType.PUSH, 0, PUSH, FIRST, PAGE);
        assertRefused(Refusal.FLOOD);
    }

    @Test
    void pushingTwoThingsAtATimeIsRefused() throws IOException, InterruptedException {
        Rogue bulk = pusher(true);
        bulk.frame(FrameType.PUSH, 0, PUSH, FIRST, 256 * PAGE);
        bulk.frame(FrameType.PUSH, 0, PUSH | 1, FIRST, PAGE);
        assertRefused(Refusal.UNREQUESTED);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, FIRST + 1, FIRST - PAGE, 0x1_3FFF_F000L, -PAGE})
    void pushingPagesOutsideOfTheLayoutIsRefused(long gpa)
            throws IOException, InterruptedException {
        pusher(true).frame(FrameType.PUSH, 0, PUSH, gpa, PAGE);
        assertRefused(Refusal.OUT_OF_LAYOUT);
    }

    @Test
    void pushingOneThingAndSendingAnotherIsRefused() throws IOException, InterruptedException {
        Rogue bulk = pusher(true);
        bulk.frame(FrameType.PUSH, 0, PUSH, FIRST, 2 * PAGE);
        bulk.frame(FrameType.DATA, Encoding.ZERO.code(), PUSH, FIRST + PAGE, PAGE);
        assertRefused(Refusal.UNREQUESTED);
    }
}

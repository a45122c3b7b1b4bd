// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.wire.FaultyWire.Fault;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;

/** The network fails, at every step of the protocol: all pages arrive, right, and once each. */
@Timeout(600)
class LostConnectionTest {

    private static final int PAGES = 900;

    // Lengths of what a connection says first, in each direction.
    private static final List<Integer> UP =
            List.of(
                    HandshakeMessage.Hello.BYTES,
                    HandshakeMessage.Proof.BYTES,
                    FrameHeader.BYTES,
                    48);
    private static final List<Integer> DOWN =
            List.of(
                    HandshakeMessage.Challenge.BYTES,
                    HandshakeMessage.Accept.BYTES,
                    FrameHeader.BYTES,
                    48);

    @TempDir Path folder;

    private final PageLayout layout = TestImage.layout(PAGES);
    private final TestImage image = new TestImage(layout);
    private final Token token = Token.random();
    private final Recorder<ServerEvent> events = new Recorder<>();
    private PageServer server;
    private FaultyWire wire;
    private int runs;

    @BeforeEach
    void open() throws IOException {
        server =
                PageServer.open(
                        PeerAddress.unix(folder.resolve("server")),
                        image,
                        token,
                        // Clients come again before the server notices that they went.
                        ServerLimits.DEFAULT,
                        events);
        wire = new FaultyWire(folder.resolve("wire"), server.address());
    }

    @AfterEach
    void close() throws IOException {
        wire.close();
        server.close();
        assertThat(server.connections()).isZero();
        image.close();
    }

    private Recorder<PeerState> fetchesAll(PeerConfig config) throws InterruptedException {
        Recorder<PeerState> states = new Recorder<>();
        runs++;
        try (PeerPageSource source =
                        new PeerPageSource(wire.address(), token, layout, config, states);
                TestClient client =
                        new TestClient(source, layout, 40, runs, config.pushWindow() > 0)) {
            source.start(client);
            client.go();
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            assertThat(states.all(PeerState.Refused.class)).isEmpty();
        }
        return states;
    }

    /** Boundaries between messages and frames, the bytes around them, and some further in. */
    private static Set<Long> places(List<Integer> lengths) {
        Set<Long> places = new TreeSet<>();
        long at = 0;
        for (int length : lengths) {
            places.addAll(List.of(at, at + 1, at + length / 2, at + length - 1));
            at += length;
        }
        for (int frame = 0; frame < 3; frame++) {
            places.addAll(List.of(at, at + 1, at + 17, at + 39));
            at += FrameHeader.BYTES;
        }
        places.addAll(List.of(at + 4096, at + 100_000));
        return places;
    }

    private static PeerConfig quick() {
        return new PeerConfig(
                1,
                false,
                2 << 20,
                Duration.ofSeconds(10),
                Duration.ofSeconds(10),
                Duration.ofMillis(2),
                Duration.ofMillis(20),
                true);
    }

    /** The first session fails on one of its three connections, at one place. */
    @ParameterizedTest
    @EnumSource(names = {"CUT", "HALF_CLOSE", "CORRUPT"})
    void failsOnceAtEveryPlace(Fault fault) throws InterruptedException {
        for (int connection = 0; connection < 3; connection++) {
            int chosen = connection;
            for (long place : places(UP)) {
                inject(fault, chosen, place, Long.MAX_VALUE);
            }
            for (long place : places(DOWN)) {
                inject(fault, chosen, Long.MAX_VALUE, place);
            }
        }
        // Beyond the traffic of a small control connection, some places are never reached.
        assertThat(wire.faults.get()).isGreaterThan(runs / 2);
    }

    private void inject(Fault fault, int connection, long up, long down)
            throws InterruptedException {
        AtomicInteger seen = new AtomicInteger();
        wire.set(
                fault,
                number -> seen.getAndIncrement() == connection ? up : Long.MAX_VALUE,
                number -> seen.get() - 1 == connection ? down : Long.MAX_VALUE);
        fetchesAll(quick());
    }

    /** Bytes that are late or missing, but not the connection, at random places. */
    @ParameterizedTest
    @EnumSource(names = {"DROP", "DELAY", "STALL"})
    void failsQuietly(Fault fault) throws InterruptedException {
        Random random = new Random(11);
        PeerConfig impatient = quick().withTimes(Duration.ofMillis(700), Duration.ofMillis(700));
        for (int run = 0; run < 8; run++) {
            int first = random.nextInt(3);
            long place = run % 2 == 0 ? random.nextInt(400) : random.nextInt(200_000);
            boolean up = run % 4 == 0;
            AtomicInteger seen = new AtomicInteger();
            wire.set(
                    fault,
                    number -> seen.getAndIncrement() == first && up ? place : Long.MAX_VALUE,
                    number -> seen.get() - 1 == first && !up ? place : Long.MAX_VALUE);
            fetchesAll(fault == Fault.DELAY ? quick() : impatient);
        }
    }

    /** Every connection fails, each a little later than the one before. */
    @ParameterizedTest
    @EnumSource(names = {"CUT", "HALF_CLOSE", "CORRUPT"})
    void failsAgainAndAgain(Fault fault) throws InterruptedException {
        Random random = new Random(23);
        for (int run = 0; run < 4; run++) {
            wire.set(
                    fault,
                    number -> Long.MAX_VALUE,
                    number -> number % 4 == 3 ? 300_000 : 100 + random.nextInt(400_000));
            Recorder<PeerState> states = fetchesAll(quick());
            assertThat(states.all(PeerState.Away.class)).isNotEmpty();
        }
    }

    @Test
    void theServerIsReplacedBehindTheClientsBack() throws IOException, InterruptedException {
        Recorder<PeerState> states = new Recorder<>();
        try (PeerPageSource source =
                        new PeerPageSource(wire.address(), token, layout, quick(), states);
                TestClient client = new TestClient(source, layout, 3, 7, false)) {
            source.start(client);
            states.await(PeerState.Connected.class);
            for (int generation = 0; generation < 5; generation++) {
                server.close();
                states.await(PeerState.Away.class, generation + 1);
                client.go();
                assertThat(Files.exists(folder.resolve("server"))).isFalse();
                server =
                        PageServer.open(
                                PeerAddress.unix(folder.resolve("server")),
                                image,
                                token,
                                ServerLimits.DEFAULT,
                                events);
                states.await(PeerState.Connected.class, generation + 2);
            }
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
        }
    }
}

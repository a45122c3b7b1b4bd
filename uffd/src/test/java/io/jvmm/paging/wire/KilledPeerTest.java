// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.WaitsForProcesses;
import io.jvmm.paging.wire.FaultyWire.Fault;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Two processes, one of which is killed with {@code SIGKILL} at a step of the protocol. */
@WaitsForProcesses
@Timeout(300)
class KilledPeerTest {

    private static final int PAGES = 900;

    @TempDir Path folder;

    private final PageLayout layout = TestImage.layout(PAGES);
    private final Token token = Token.random();
    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void endProcesses() throws InterruptedException {
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
    }

    private static void kill(Process process) {
        process.destroyForcibly();
        process.onExit().join();
    }

    /** One direction's fault on the n-th connection of the wire. */
    private static void killAt(FaultyWire wire, int connection, long up, long down) {
        AtomicInteger seen = new AtomicInteger();
        wire.set(
                Fault.ACT,
                number -> seen.getAndIncrement() == connection ? up : Long.MAX_VALUE,
                number -> seen.get() - 1 == connection ? down : Long.MAX_VALUE);
    }

    /** Steps: connection; bytes that pass towards the server, or the client, before the kill. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, -1", // before it sees the greeting
        "0, 72, -1", // before the proof
        "0, -1, 52", // before it lets in
        "0, 108, -1", // before the layout
        "0, -1, 60", // while it lets in
        "1, 30, -1", // within the urgent connection's greeting
        "1, 196, -1", // before the first request
        "1, -1, 190", // within the first answer's header
        "2, -1, 5000", // within an answer
        "2, -1, 400000", // later
        "0, 300, -1" // before the end is agreed on
    })
    void theServerIsKilledAndAnotherTakesItsPlace(int connection, long up, long down)
            throws IOException, InterruptedException {
        Path socket = folder.resolve("server");
        Process first = ServerProcess.start(socket, token, PAGES);
        processes.add(first);
        Recorder<PeerState> states = new Recorder<>();
        try (FaultyWire wire = new FaultyWire(folder.resolve("wire"), PeerAddress.unix(socket));
                PeerPageSource source =
                        new PeerPageSource(
                                wire.address(),
                                token,
                                layout,
                                PeerConfig.DEFAULT.withBulkConnections(1),
                                states);
                TestClient client = new TestClient(source, layout, 20, 9, false)) {
            killAt(
                    wire,
                    connection,
                    up < 0 ? Long.MAX_VALUE : up,
                    down < 0 ? Long.MAX_VALUE : down);
            wire.act(() -> kill(first));
            source.start(client);
            client.go();
            PeerState.Away away = states.await(PeerState.Away.class);
            assertThat(away.reason()).isEqualTo(Refusal.LOST);
            first.onExit().join();
            assertThat(states.all(PeerState.Complete.class)).isEmpty();
            // A killed process leaves its socket's file behind.
            assertThat(Files.exists(socket)).isTrue();

            wire.heal();
            processes.add(ServerProcess.start(socket, token, PAGES));
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            assertThat(states.all(PeerState.Refused.class)).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, -1, 0", // before it sees the challenge
        "0, 72, -1", // before its proof is seen
        "0, 150, -1", // within its layout
        "1, 40, -1", // within the urgent connection's greeting
        "1, 196, -1", // before its first request is seen
        "2, -1, 5000", // while it receives
        "2, -1, 400000", // later
        "0, 300, -1" // before the end is agreed on
    })
    void theClientIsKilledAndAnotherIsServed(int connection, long up, long down)
            throws IOException, InterruptedException {
        Recorder<ServerEvent> events = new Recorder<>();
        try (TestImage image = new TestImage(layout);
                PageServer server =
                        PageServer.open(
                                PeerAddress.unix(folder.resolve("server")),
                                image,
                                token,
                                ServerLimits.DEFAULT.withClients(1),
                                events);
                FaultyWire wire = new FaultyWire(folder.resolve("wire"), server.address())) {
            killAt(
                    wire,
                    connection,
                    up < 0 ? Long.MAX_VALUE : up,
                    down < 0 ? Long.MAX_VALUE : down);
            Process first = ClientProcess.start(folder.resolve("wire"), token, PAGES);
            processes.add(first);
            wire.act(() -> kill(first));
            first.onExit().join();
            assertThat(first.exitValue()).isNotZero();
            boolean wasOpen = connection > 0 || up > 196;
            if (wasOpen) {
                assertThat(events.await(ServerEvent.Lost.class).reason()).isEqualTo(Refusal.LOST);
            }
            assertThat(events.all(ServerEvent.Completed.class)).isEmpty();

            // There is room for one client only, so the first one's must have been freed.
            wire.heal();
            Process second = ClientProcess.start(folder.resolve("wire"), token, PAGES);
            processes.add(second);
            ClientProcess.await(second, "complete");
            events.await(ServerEvent.Completed.class);
        }
    }
}

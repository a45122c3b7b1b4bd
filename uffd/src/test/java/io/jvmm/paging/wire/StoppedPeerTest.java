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
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Two processes, one of which stands still ({@code SIGSTOP}): to the other it has vanished, with
 * its sockets still open. It is given up for silence; when it goes on, it comes back by itself.
 */
@WaitsForProcesses
@Timeout(300)
class StoppedPeerTest {

    private static final int PAGES = 900;
    private static final Duration SILENCE = Duration.ofMillis(1500);

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

    private Process own(Process process) {
        processes.add(process);
        return process;
    }

    private static void signal(String name, Process process) {
        try {
            Process kill =
                    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
            assertThat(kill.waitFor()).isZero();
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Acts once on the n-th connection, when so many bytes have come from the server. */
    private static void stopAt(FaultyWire wire, int connection, long bytes) {
        AtomicInteger seen = new AtomicInteger();
        wire.set(
                Fault.ACT,
                number -> Long.MAX_VALUE,
                number -> seen.getAndIncrement() == connection ? bytes : Long.MAX_VALUE);
    }

    /** Steps: connection; bytes that pass towards the client before it stands still. */
    @ParameterizedTest
    @CsvSource({"1, 190", "2, 5000", "2, 400000"})
    void aClientThatStandsStillMakesRoomForAnother(int connection, long bytes)
            throws IOException, InterruptedException {
        Recorder<ServerEvent> events = new Recorder<>();
        try (TestImage image = new TestImage(layout);
                PageServer server =
                        PageServer.open(
                                PeerAddress.unix(folder.resolve("server")),
                                image,
                                token,
                                ServerLimits.DEFAULT.withClients(1).withTimes(SILENCE, SILENCE),
                                events);
                FaultyWire wire = new FaultyWire(folder.resolve("wire"), server.address())) {
            stopAt(wire, connection, bytes);
            Process first = own(ClientProcess.start(folder.resolve("wire"), token, PAGES));
            wire.act(() -> signal("STOP", first));
            assertThat(events.await(ServerEvent.Lost.class).reason()).isEqualTo(Refusal.SILENT);

            wire.heal();
            Process second = own(ClientProcess.start(folder.resolve("wire"), token, PAGES));
            ClientProcess.await(second, "complete");
            assertThat(second.waitFor()).isZero();

            signal("CONT", first);
            ClientProcess.await(first, "complete");
            events.await(ServerEvent.Completed.class, 2);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 30", "0, 120", "1, 190", "2, 5000", "2, 400000"})
    void aServerThatStandsStillIsFoundAgain(int connection, long bytes)
            throws IOException, InterruptedException {
        Path socket = folder.resolve("server");
        Process server = own(ServerProcess.start(socket, token, PAGES));
        Recorder<PeerState> states = new Recorder<>();
        PeerConfig config = PeerConfig.DEFAULT.withBulkConnections(1).withTimes(SILENCE, SILENCE);
        try (FaultyWire wire = new FaultyWire(folder.resolve("wire"), PeerAddress.unix(socket));
                PeerPageSource source =
                        new PeerPageSource(wire.address(), token, layout, config, states);
                TestClient client = new TestClient(source, layout, 20, 9, false)) {
            stopAt(wire, connection, bytes);
            wire.act(() -> signal("STOP", server));
            source.start(client);
            client.go();
            assertThat(states.await(PeerState.Away.class).reason()).isEqualTo(Refusal.SILENT);
            assertThat(states.all(PeerState.Complete.class)).isEmpty();

            wire.heal();
            signal("CONT", server);
            client.await();
            client.assertAllRight();
            states.await(PeerState.Complete.class);
            assertThat(states.all(PeerState.Refused.class)).isEmpty();
        }
    }
}

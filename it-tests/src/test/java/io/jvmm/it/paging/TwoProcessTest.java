// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.testing.WaitsForProcesses;
import io.jvmm.it.paging.CutWire.Message;
import io.jvmm.it.paging.CutWire.Role;
import io.jvmm.it.paging.CutWire.Step;
import io.jvmm.paging.wire.Token;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A guest whose memory comes from {@code vmm page-server}, another process: undisturbed; with the
 * connection cut at every step of the protocol; with either side killed.
 *
 * <p>Sizes come from system properties: {@code jvmm.paging.mib}, the guest's memory (64), and
 * {@code jvmm.paging.outage}, for how many milliseconds the connection is away (1000).
 */
@RequiresKvm
@RequiresUserfaultfd
@Tag("host")
@WaitsForProcesses
@Timeout(1200)
class TwoProcessTest {

    private static final long MIB = Long.getLong("jvmm.paging.mib", 64);
    private static final long OUTAGE_NANOS = Long.getLong("jvmm.paging.outage", 1000) * 1_000_000;
    private static final Pattern PAUSED = Pattern.compile("paused in ([0-9]+) ms");

    @TempDir static Path shared;
    private static Path image = Path.of("");

    @TempDir Path folder;
    private final List<Talker> processes = new ArrayList<>();
    private Path token = Path.of("");
    private Path socket = Path.of("");

    @BeforeAll
    static void writeImage() throws IOException {
        image = MemoryImage.write(shared.resolve("memory"), MIB << 20);
    }

    @BeforeEach
    void prepare() throws IOException {
        token = Files.writeString(folder.resolve("token"), Token.random().hexadecimal());
        socket = folder.resolve("server");
    }

    @AfterEach
    void endProcesses() {
        processes.forEach(Talker::close);
    }

    private Talker server(String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "--image",
                                image.toString(),
                                "--token-file",
                                token.toString(),
                                "--listen",
                                "unix:" + socket,
                                "--silence-time",
                                "2"));
        arguments.addAll(List.of(more));
        Talker server = PagedProcesses.server(arguments);
        processes.add(server);
        return server;
    }

    private Talker machine(Path at, String order) {
        Talker machine = PagedProcesses.machine("unix:" + at, token, MIB, order);
        processes.add(machine);
        return machine;
    }

    /** The guest checks every word of every page twice; the second time all are there. */
    private static void awaitVerified(Talker machine) {
        machine.await("^guest \\.$", 2);
        machine.await("^source Complete");
        assertThat(machine.count("^guest X$")).isZero();
    }

    private static void awaitPause(Talker machine, String when, TestReporter reporter) {
        String answer = machine.ask("pause", "^paused in");
        Matcher paused = PAUSED.matcher(answer);
        assertThat(paused.find()).isTrue();
        reporter.publishEntry(when, answer);
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void aGuestFindsEveryPageOfAnotherProcess(String order) {
        Talker server = server("--once");
        Talker machine = machine(socket, order);
        awaitVerified(machine);
        server.await("complete, " + MIB * 256 + " pages");
        assertThat(server.awaitExit()).isZero();
        assertThat(machine.ask("stop", "^stopped in")).contains("Stopped");
        assertThat(machine.awaitExit()).isZero();
    }

    /** In the order in which a session comes to them, so that each further one gets further. */
    static List<Step> steps() {
        return List.of(
                new Step(Role.CONTROL, true, Message.GREETING, 1, 0),
                new Step(Role.CONTROL, true, Message.GREETING, 1, 30),
                new Step(Role.CONTROL, false, Message.GREETING, 1, 20),
                new Step(Role.CONTROL, true, Message.PROOF, 1, 10),
                new Step(Role.CONTROL, false, Message.PROOF, 1, 0),
                new Step(Role.CONTROL, true, Message.LAYOUT, 1, 50),
                new Step(Role.CONTROL, false, Message.LAYOUT, 1, 0),
                new Step(Role.CONTROL, true, Message.HAVE, 1, 100),
                new Step(Role.URGENT, true, Message.GREETING, 1, 71),
                new Step(Role.URGENT, false, Message.PROOF, 1, 39),
                new Step(Role.BULK, false, Message.LAYOUT, 1, 45),
                new Step(Role.URGENT, true, Message.REQUEST, 1, 0),
                new Step(Role.URGENT, true, Message.REQUEST, 1, 39),
                new Step(Role.URGENT, false, Message.DATA, 1, 20),
                new Step(Role.URGENT, false, Message.DATA, 1, 2000),
                new Step(Role.BULK, true, Message.REQUEST, 2, 17),
                new Step(Role.BULK, false, Message.DATA, 1, 40),
                new Step(Role.BULK, false, Message.DATA, 20, 5000),
                new Step(Role.CONTROL, true, Message.DONE, 1, 0),
                new Step(Role.CONTROL, true, Message.DONE, 1, 39),
                new Step(Role.CONTROL, false, Message.DONE, 1, 0),
                new Step(Role.CONTROL, false, Message.DONE, 1, 39));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void theConnectionIsCutAtEveryStepAndTheGuestFindsEveryPage(String order, TestReporter reporter)
            throws Exception {
        Talker server = server();
        try (CutWire wire = new CutWire(folder.resolve("wire"), socket)) {
            List<Step> steps = steps();
            wire.mendUntil(steps.getFirst(), () -> {});
            Talker machine = machine(wire.path(), order);
            for (int i = 0; i < steps.size(); i++) {
                wire.awaitBreak();
                // Away while it lasts: whoever needs a page is stuck.
                long until = System.nanoTime() + OUTAGE_NANOS;
                machine.await("^source Away", i + 1);
                boolean hasAll = steps.get(i).message() == Message.DONE;
                if (!hasAll) {
                    machine.ask("stuck", "^stuck$");
                }
                awaitPause(machine, (hasAll ? "" : "stuck, ") + steps.get(i), reporter);
                assertThat(machine.count("^source Complete")).isZero();
                while (until - System.nanoTime() > 0) {
                    LockSupport.parkNanos(until - System.nanoTime());
                }
                if (i + 1 < steps.size()) {
                    wire.mendUntil(steps.get(i + 1), () -> {});
                } else {
                    wire.mend();
                }
            }
            awaitVerified(machine);
            server.await("complete, ");
            assertThat(machine.count("^source Refused")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void aStopIsAnsweredWhileTheConnectionIsAway(String order, TestReporter reporter)
            throws Exception {
        server();
        try (CutWire wire = new CutWire(folder.resolve("wire"), socket)) {
            wire.mendUntil(new Step(Role.URGENT, false, Message.DATA, 2, 100), () -> {});
            Talker machine = machine(wire.path(), order);
            wire.awaitBreak();
            machine.await("^source Away");
            machine.ask("stuck", "^stuck$");
            reporter.publishEntry(order, machine.ask("stop", "^stopped in .*Stopped"));
            machine.await("^closed$");
            assertThat(machine.awaitExit()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"sequential", "random"})
    void theServerIsKilledAtEveryStepAndAnotherTakesItsPlace(String order, TestReporter reporter)
            throws Exception {
        Talker[] server = {server()};
        try (CutWire wire = new CutWire(folder.resolve("wire"), socket)) {
            List<Step> steps = steps();
            wire.mendUntil(steps.getFirst(), () -> server[0].kill());
            Talker machine = machine(wire.path(), order);
            for (int i = 0; i < steps.size(); i++) {
                wire.awaitBreak();
                assertThat(machine.await("^source Away", i + 1)).contains("reason=LOST");
                awaitPause(machine, "killed: " + steps.get(i), reporter);
                // The socket's file of the dead one is still there.
                server[0] = server();
                if (i + 1 < steps.size()) {
                    wire.mendUntil(steps.get(i + 1), () -> server[0].kill());
                } else {
                    wire.mend();
                }
            }
            awaitVerified(machine);
            server[0].await("complete, ");
        }
    }

    static List<Step> stepsOfAKilledMachine() {
        return steps().stream().filter(step -> step.nth() == 1 && step.bytes() > 0).toList();
    }

    @ParameterizedTest
    @MethodSource("stepsOfAKilledMachine")
    void theMachineIsKilledAndAnotherOneIsServed(Step step) throws Exception {
        // Room for one, so the first one's must be given back.
        Talker server = server("--clients", "1");
        try (CutWire wire = new CutWire(folder.resolve("wire"), socket)) {
            Talker[] first = new Talker[1];
            Object started = new Object();
            wire.mendUntil(
                    step,
                    () -> {
                        synchronized (started) {
                            first[0].kill();
                        }
                    });
            synchronized (started) {
                first[0] = machine(wire.path(), "sequential");
            }
            wire.awaitBreak();
            boolean wasOpen = server.count("session open") > 0;
            boolean wasDone = server.count("complete, ") > 0;
            if (wasOpen && !wasDone) {
                server.await("lost \\(LOST\\)");
            }
            wire.mend();
            awaitVerified(machine(wire.path(), "random"));
            server.await("complete, ", wasDone ? 2 : 1);
        }
    }
}

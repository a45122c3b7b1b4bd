// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.UnixSocket;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A vCPU waits for a reader of its console that takes nothing. Whatever is done to the machine
 * meanwhile is done at once, and no byte is lost or sent twice.
 */
@RequiresKvm
@Timeout(300)
class MachineSlowReaderTest {

    /** Far more than any of it takes, and less than the waits of before. */
    private static final Duration SOON = Duration.ofSeconds(20);

    private static final Duration LONG = Duration.ofMinutes(2);

    private final UnixSocket.Pair pair = UnixSocket.pair();
    private int next; // what the guest's counter sends next

    @AfterEach
    void closeSockets() {
        pair.close();
    }

    private MachineConfig.Builder config(byte[] kernel) {
        return TestGuests.machine("count", kernel)
                .console(new ConsoleTarget.ToDescriptor(pair.first().number()));
    }

    /**
     * The guest has been held by its console: its vCPU thread is parked and leaves no more exits.
     */
    private static void awaitHeld(Machine machine) throws InterruptedException {
        long before = -1;
        while (true) {
            long now = machine.exitStatistics().getFirst().port();
            if (now == before && isParked(machine.config().name() + "-vcpu-0")) {
                return;
            }
            before = now;
            assertThat(machine.await(Duration.ofMillis(100))).isEmpty();
        }
    }

    private static boolean isParked(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread ->
                        thread.getName().equals(name) && thread.getState() == Thread.State.WAITING);
    }

    /** Reads so many bytes, which must go on with the guest's counting. */
    private void readOn(Fd from, int count) {
        int left = count;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(4096);
            while (left > 0) {
                long n = from.read(chunk.asSlice(0, Math.min(left, chunk.byteSize())));
                assertThat(n).as("the output goes on").isPositive();
                for (long i = 0; i < n; i++) {
                    assertThat(Byte.toUnsignedInt(chunk.get(ValueLayout.JAVA_BYTE, i)))
                            .isEqualTo(next & 0xFF);
                    next++;
                }
                left -= (int) n;
            }
        }
    }

    /** In one life of one machine, since it takes a while until a guest is held. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aHeldGuestIsPausedTakenOutSavedAndResetAndNoByteIsLostOrSentTwice(int cpus)
            throws Exception {
        KickStrategy kicks = cpus == 1 ? KickStrategy.SIGNAL_MASK : KickStrategy.IMMEDIATE_EXIT;
        MachineConfig config = config(TestGuests.COUNT).cpus(cpus).kickStrategy(kicks).build();
        try (Machine machine = Machine.create(config)) {
            machine.start();
            awaitHeld(machine);
            int sent = (int) machine.exitStatistics().getFirst().port();
            for (int i = 0; i < 5; i++) {
                assertThat(machine.pause(SOON).isComplete()).isTrue();
                machine.resume();
            }
            takeOutAndRun(machine);
            awaitHeld(machine);
            assertThat(machine.pause(SOON).isComplete()).isTrue();
            goesOnElsewhere(machine, machine.save(SOON), sent);
            machine.resume();
            awaitHeld(machine);
            assertThat(machine.exitStatistics().getFirst().port())
                    .as("a held guest does not run")
                    .isEqualTo(sent);

            long begin = System.nanoTime();
            machine.reset();
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(SOON);
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            next = 0;
            readOn(pair.second(), sent);
            next = 0;
            readOn(pair.second(), 10_000);
            machine.stop();
            machine.giveUpConsoleOutput();
        }
    }

    /** As a machine does that goes over to another fault mode. */
    private static void takeOutAndRun(Machine machine) {
        Deadline deadline = Deadline.in(SOON);
        machine.operate(
                "fall back",
                deadline,
                () -> {
                    Standstill _ = machine.hardware().board().pause(deadline);
                    assertThat(machine.hardware().board().awaitOut(deadline)).isTrue();
                    machine.hardware().board().run();
                    return null;
                },
                MachineState.RUNNING);
    }

    /** What was saved sends the next byte, whatever waits for the reader of the other. */
    private void goesOnElsewhere(Machine machine, SavedMachine saved, int sent) {
        byte[] memory = new byte[(int) machine.config().memoryBytes()];
        machine.memory().copyOut(0, memory);
        try (UnixSocket.Pair other = UnixSocket.pair();
                Machine restored =
                        Machine.restore(
                                config(TestGuests.COUNT)
                                        .console(
                                                new ConsoleTarget.ToDescriptor(
                                                        other.first().number()))
                                        .cpus(machine.config().cpus())
                                        .build(),
                                saved,
                                target -> target.copyIn(0, memory))) {
            restored.resume();
            next = sent;
            readOn(other.second(), 1_000);
            restored.stop();
            restored.giveUpConsoleOutput();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aHeldGuestIsStoppedAndItsMachineClosed(int cpus) throws Exception {
        Machine machine = Machine.create(config(TestGuests.COUNT).cpus(cpus).build());
        machine.start();
        awaitHeld(machine);
        machine.stop();
        assertThat(machine.await(SOON)).contains(new MachineExit.Stopped());
        CompletableFuture<Optional<ConsoleLoss>> written = machine.consoleWritten();
        assertThat(written.isDone()).isFalse();
        machine.close();
        assertThat(written.get())
                .hasValueSatisfying(
                        loss -> assertThat(loss.bytes()).isGreaterThanOrEqualTo(64 << 10));
    }

    /** The end of the guest is not the end of its output. */
    @Test
    void whatIsNotReadAtPowerOffIsReadLater() throws Exception {
        try (Machine machine = Machine.create(config(TestGuests.COUNT_TO_ITS_END).build())) {
            CompletableFuture<Optional<ConsoleLoss>> written = machine.consoleWritten();
            machine.start();
            awaitHeld(machine);
            readOn(pair.second(), 60_000);
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(written.isDone()).isFalse();
            readOn(pair.second(), TestGuests.COUNTED - 60_000);
            assertThat(written.get(60, TimeUnit.SECONDS)).isEmpty();
        }
    }

    @Test
    void aReaderThatIsGoneHoldsNothingAndIsToldAsALoss() throws Exception {
        pair.second().close();
        try (Machine machine = Machine.create(config(TestGuests.COUNT_TO_ITS_END).build())) {
            machine.start();
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            assertThat(machine.consoleWritten().get(60, TimeUnit.SECONDS))
                    .hasValueSatisfying(loss -> {
                        assertThat(loss.bytes()).isEqualTo(TestGuests.COUNTED);
                        assertThat(loss.reason()).contains("EPIPE");
                    });
        }
    }

    @Test
    void anIdleMachineWakesNoThread() throws Exception {
        MachineConfig idle =
                TestGuests.machine("idle", Payload.RING0_HLT.bytes())
                        .console(new ConsoleTarget.ToDescriptor(pair.first().number()))
                        .build();
        try (Machine machine = Machine.create(idle)) {
            machine.start();
            Map<String, Long> before = settled();
            assertThat(before).hasSizeGreaterThanOrEqualTo(2);
            // What is tested is that nothing happens, so nothing can be awaited.
            assertThat(machine.await(Duration.ofSeconds(3))).isEmpty();
            assertThat(switches()).isEqualTo(before);
        }
    }

    private static Map<String, Long> settled() throws Exception {
        Map<String, Long> before;
        Map<String, Long> now = switches();
        do {
            before = now;
            Thread.sleep(300);
            now = switches();
        } while (!now.equals(before));
        return now;
    }

    /**
     * How often the threads of the machine and of the loop have given up their CPU by themselves.
     */
    private static Map<String, Long> switches() throws IOException {
        Map<String, Long> switches = new TreeMap<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
            for (Path task : tasks) {
                String name = Files.readString(task.resolve("comm")).strip();
                if (name.startsWith("idle-") || name.startsWith("jvmm-events")) {
                    switches.put(name + " " + task.getFileName(), voluntary(task));
                }
            }
        } catch (NoSuchFileException | UncheckedIOException e) {
            // A thread has ended meanwhile; the next look finds the others.
            return Map.of("ended", System.nanoTime());
        }
        return switches;
    }

    private static long voluntary(Path task) throws IOException {
        return Files.readAllLines(task.resolve("status")).stream()
                .filter(line -> line.startsWith("voluntary_ctxt_switches:"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
                .sum();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmProcess.Signal;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Signals end the command whatever its guest does, with the exit codes of a shell. */
@RequiresKvm
@Tag(LabTests.HOST)
class SignalsTest {

    /** Generous: the host may be busy with other tests. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final String VCPU = "vm-vcpu-";

    @TempDir private Path folder;

    static Stream<Arguments> endlessGuestsAndSignals() {
        return Stream.of(
                        Payload.RING3_SPIN,
                        Payload.RING0_SPIN,
                        Payload.RING0_HLT,
                        Payload.RING3_PORTS)
                .flatMap(payload ->
                        Stream.of(Signal.INT, Signal.TERM, Signal.HUP)
                                .map(signal -> Arguments.of(payload, signal)));
    }

    @ParameterizedTest
    @MethodSource("endlessGuestsAndSignals")
    void aSignalEndsAGuestThatNeverWould(Payload payload, Signal signal) {
        String kernel = GuestFiles.write(folder, payload);
        try (VmProcess vm = VmProcess.start("--kernel", kernel)) {
            awaitRunning(vm, 1, payload != Payload.RING0_HLT);

            vm.signal(signal).expectExit(signal.exitCode(), LIMIT);

            assertOnlyLogLines(vm);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            names = {"INT", "TERM", "HUP"})
    void eightVcpusEndAsOneDoes(Signal signal) {
        String kernel = GuestFiles.write(folder, Payload.RING3_SPIN);
        try (VmProcess vm = VmProcess.start("--kernel", kernel, "--cpus", "8")) {
            awaitRunning(vm, 8, true);

            vm.signal(signal).expectExit(signal.exitCode(), LIMIT);

            assertOnlyLogLines(vm);
        }
    }

    /** The guest may be faster than the signal; what must not be is anything else. */
    @Test
    void aSignalWhileEightVcpusStartEndsCleanly() {
        try (VmProcess vm = VmProcess.start("--cpus", "8")) {
            vm.waitForText("Hello", LIMIT).signal(Signal.INT);

            assertThat(vm.waitForExit(LIMIT)).isIn(0, Signal.INT.exitCode());
            assertOnlyLogLines(vm);
        }
    }

    /** Which of them the Java runtime delivers first is its own choice. */
    @Test
    void severalSignalsAreAsOne() {
        String kernel = GuestFiles.write(folder, Payload.RING3_SPIN);
        try (VmProcess vm = VmProcess.start("--kernel", kernel)) {
            awaitRunning(vm, 1, true);

            vm.signal(Signal.TERM);
            sendIfThere(vm.pid(), Signal.INT);

            assertThat(vm.waitForExit(LIMIT)).isIn(Signal.TERM.exitCode(), Signal.INT.exitCode());
            assertOnlyLogLines(vm);
        }
    }

    /**
     * Moments between the start of the runtime and the guest's own first instruction. In the first
     * ones the runtime may end before it can log its own end, and says so.
     */
    @ParameterizedTest
    @CsvSource({"java", "Signal Dispatch", "main", "jvmm-events-0", "vm-vcpu-0"})
    void ctrlCWhileItStartsEndsItTheSameWay(String threadThatIsThere) {
        String kernel = GuestFiles.write(folder, Payload.RING3_SPIN);
        try (VmProcess vm = VmProcess.start("--kernel", kernel)) {
            if (!threadThatIsThere.equals("main")) {
                awaitThread(vm, threadThatIsThere);
            }

            vm.signal(Signal.INT).expectExit(Signal.INT.exitCode(), LIMIT);

            assertThat(vm.errorLog().lines())
                    .allMatch(line ->
                            line.startsWith("vmm: ")
                                    || line.startsWith("Runtime.exit(130) logging failed"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            names = {"INT", "TERM"})
    void aReaderThatStoppedReadingDoesNotHoldItBack(Signal signal)
            throws IOException, InterruptedException {
        String kernel = GuestFiles.write(folder, SerialGuest.FLOOD);
        Process vmm =
                new ProcessBuilder(VmProcess.command(List.of(), List.of("--kernel", kernel)))
                        .redirectError(folder.resolve("errors").toFile())
                        .start();
        try (InputStream unread = vmm.getInputStream()) {
            awaitFull(unread);

            sendIfThere(vmm.pid(), signal);

            assertThat(vmm.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(vmm.exitValue()).isEqualTo(signal.exitCode());
        } finally {
            vmm.destroyForcibly();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            names = {"INT", "TERM", "HUP"})
    void aSignalEndsAMachineWhoseLogIsAPipeWithoutAReader(Signal signal)
            throws IOException, InterruptedException {
        Path fifo = folder.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
        try (VmProcess vm = VmProcess.start("--serial", "file:" + fifo)) {
            ProcessView process = ProcessView.of(vm.pid());
            Await.until("it opens the pipe", LIMIT, () -> process.waitsIn("wait_for_partner"));

            vm.signal(signal).expectExit(signal.exitCode(), LIMIT);

            assertOnlyLogLines(vm);
        }
    }

    @Test
    void aThreadDumpIsNeverInTheGuestsStream() {
        String kernel = GuestFiles.write(folder, SerialGuest.ECHO);
        try (VmProcess vm = VmProcess.start("--kernel", kernel)) {
            vm.waitForText("R", LIMIT).signal(Signal.QUIT);
            Await.until("a dump", LIMIT, () -> vm.errorLog().contains("Full thread dump"));

            vm.sendRaw("q").expectExit(0, LIMIT);

            assertThat(vm.serialLog()).isEqualTo("Rq");
        }
    }

    @Test
    void aKernelOnStandardInputIsNotTypedIntoTheGuest() {
        String kernel = GuestFiles.write(folder, SerialGuest.ECHO);
        List<String> command = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" <" + kernel, "sh"));
        command.addAll(VmProcess.command(List.of(), List.of("--kernel", "/dev/stdin")));
        try (VmProcess vm = VmProcess.launch(command)) {
            vm.waitForText("R", LIMIT);

            vm.signal(Signal.TERM).expectExit(Signal.TERM.exitCode(), LIMIT);

            assertThat(vm.serialLog()).isEqualTo("R");
        }
    }

    @Test
    void underNohupItOutlivesItsTerminal() {
        String kernel = GuestFiles.write(folder, SerialGuest.ECHO);
        List<String> command =
                new ArrayList<>(List.of("sh", "-c", "trap '' HUP; exec \"$@\"", "sh"));
        command.addAll(VmProcess.command(List.of(), List.of("--kernel", kernel)));
        try (VmProcess vm = VmProcess.launch(command)) {
            vm.waitForText("R", LIMIT).signal(Signal.HUP);
            vm.sendRaw("still here").waitForText("still here", LIMIT);

            vm.signal(Signal.TERM).expectExit(Signal.TERM.exitCode(), LIMIT);
        }
    }

    private static void awaitRunning(VmProcess vm, int cpus, boolean busy) {
        ProcessView process = ProcessView.of(vm.pid());
        Await.until(
                cpus + " vCPUs of " + vm.errorLog(),
                LIMIT,
                () -> process.threads(VCPU).size() == cpus);
        if (busy) {
            Await.until("the guest computes", LIMIT, () -> process.processorTime(VCPU + "0") >= 5);
        }
    }

    private static void awaitThread(VmProcess vm, String name) {
        ProcessView process = ProcessView.of(vm.pid());
        Await.until(name + " is there", LIMIT, () -> process.threads().contains(name));
    }

    /** A pipe is full at no certain number of bytes; but then its content stands still. */
    private static void awaitFull(InputStream pipe) {
        int[] seen = new int[2];
        Await.until(
                "the pipe is full",
                LIMIT,
                () -> {
                    int now = available(pipe);
                    seen[1] = now == seen[0] ? seen[1] + 1 : 0;
                    seen[0] = now;
                    return now > 0 && seen[1] == 40;
                });
    }

    private static int available(InputStream stream) {
        try {
            return stream.available();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void sendIfThere(long pid, Signal signal) {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(pid))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void assertOnlyLogLines(VmProcess vm) {
        assertThat(vm.errorLog().lines()).allMatch(line -> line.startsWith("vmm: "));
    }
}

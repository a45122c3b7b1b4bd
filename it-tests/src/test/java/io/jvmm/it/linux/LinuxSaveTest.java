// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryLoader;
import io.jvmm.machine.SavedMachine;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A stock Linux that is saved in the middle of its work goes on in other machines: the work comes
 * out right, time neither jumps back nor runs away, and the kernel has nothing to complain about.
 */
@RequiresHardwareKvm
@Timeout(600)
class LinuxSaveTest {

    private static final LinuxImages IMAGES = LinuxImages.locate();

    private static final int CHUNKS = 12;
    private static final int CHUNK_MIB = 4;

    /** Chunks after which the guest moves, so that it is always in the middle of the next. */
    private static final int[] MOVES_AFTER = {3, 6, 9};

    /** What the guest's clock may differ by from what was measured around its answer. */
    private static final double CLOCK_SLACK_SECONDS = 2;

    private static final String COMPLAINTS =
            "rcu.*stall|soft lockup|clocksource: .*(watchdog|unstable|skew)|BUG:|WARNING:|Call"
                    + " Trace";

    private final SerialLog log = new SerialLog();

    @ParameterizedTest(name = "{0}, {1} CPUs")
    @CsvSource({"6.12, 1", "7.2, 2"})
    void goesOnInOneMachineAfterTheOther(String version, int cpus) throws Exception {
        MachineConfig config =
                MachineConfig.builder()
                        .kernel(IMAGES.kernel(DebianKernel.Line.ofVersion(version)))
                        .initrd(IMAGES.initramfs())
                        .commandLine("console=ttyS0 quiet panic=-1")
                        .memoryBytes(256 << 20)
                        .cpus(cpus)
                        .console(new ConsoleTarget.ToStream(log))
                        .build();
        Machine machine = Machine.create(config);
        try {
            machine.start();
            log.await(LinuxGuest.READY, LinuxVm.BOOT);
            log.await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            Times before = times(machine);
            type(
                    machine,
                    "for i in $(seq %d); do dd if=/dev/zero bs=1M count=%d 2>/dev/null; echo chunk $i. >&2; done | sha256sum"
                            .formatted(CHUNKS, CHUNK_MIB));
            double still = 0;
            for (int chunk : MOVES_AFTER) {
                log.await("chunk " + chunk + ".", LinuxVm.BOOT);
                still -= now();
                machine.pause(LinuxVm.ANSWER);
                assertThat(log.text()).doesNotContain(digest());
                machine = moved(machine, config);
                machine.resume();
                still += now();
            }
            log.await(digest(), LinuxVm.BOOT);
            log.await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            times(machine).assertFollow(before, still);
            type(
                    machine,
                    "dmesg | grep -E '%s'; echo complaints=$(dmesg | grep -cE '%s')"
                            .formatted(COMPLAINTS, COMPLAINTS));
            assertThat(log.awaitRest("\ncomplaints=", LinuxVm.ANSWER)).as(log::text).isEqualTo("0");
            log.await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            type(machine, "poweroff -f");
            assertThat(machine.await(LinuxVm.ANSWER)).contains(new MachineExit.PowerOff());
        } finally {
            machine.close();
        }
    }

    /** The machine that goes on as this one, which is closed; its state travels as bytes. */
    private static Machine moved(Machine machine, MachineConfig config) {
        try (machine) {
            SavedMachine saved = SavedMachine.fromBytes(machine.save(LinuxVm.ANSWER).toBytes());
            return Machine.restore(config, saved, MemoryLoader.copyOf(machine));
        }
    }

    private static void type(Machine machine, String line) throws IOException {
        OutputStream keyboard = machine.consoleInput();
        keyboard.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        keyboard.flush();
    }

    /**
     * The guest's clocks, and when they were read.
     *
     * @param asked seconds of this process when the guest was asked
     * @param answered and when its answer was there
     * @param uptime seconds since the guest's start
     * @param date seconds since the epoch as the guest sees it
     */
    private record Times(double asked, double answered, double uptime, double date) {

        /** Time passed in the guest as it did here, but for what it spent standing still. */
        void assertFollow(Times before, double still) {
            double shortest = asked - before.answered - still - CLOCK_SLACK_SECONDS;
            double longest = answered - before.asked + CLOCK_SLACK_SECONDS;
            assertThat(uptime - before.uptime).as("uptime").isBetween(shortest, longest);
            assertThat(date - before.date).as("date").isBetween(shortest, longest);
            assertThat(uptime).isGreaterThan(before.uptime);
            assertThat(date - uptime)
                    .as("date without uptime")
                    .isBetween(
                            before.date - before.uptime - CLOCK_SLACK_SECONDS,
                            before.date - before.uptime + CLOCK_SLACK_SECONDS);
        }
    }

    private Times times(Machine machine) throws IOException, InterruptedException {
        double asked = now();
        type(machine, "echo uptime=$(cut -d' ' -f1 /proc/uptime); echo date=$(date +%s)");
        double uptime = Double.parseDouble(log.awaitRest("\nuptime=", LinuxVm.ANSWER));
        double date = Double.parseDouble(log.awaitRest("date=", LinuxVm.ANSWER));
        double answered = now();
        log.await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
        return new Times(asked, answered, uptime, date);
    }

    private static double now() {
        return System.nanoTime() / 1e9;
    }

    private static String digest() {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            byte[] zeros = new byte[1 << 20];
            for (int i = 0; i < CHUNKS * CHUNK_MIB; i++) {
                sha256.update(zeros);
            }
            return HexFormat.of().formatHex(sha256.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}

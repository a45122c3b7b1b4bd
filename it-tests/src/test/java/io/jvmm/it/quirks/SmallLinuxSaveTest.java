// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.lab.LabTests;
import io.jvmm.it.linux.SerialLog;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MemoryLoader;
import io.jvmm.machine.SavedMachine;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * A Linux on this host, whatever its KVM is like, is paused in the middle of its work, goes on, is
 * saved, and goes on in another machine: the work comes out right, and its clock runs forward.
 */
@RequiresKvm
@Tag("linux-here")
@Tag(LabTests.HOST)
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class SmallLinuxSaveTest {

    private static final int CHUNKS = 6;

    /** A system call is some thousand interpreted instructions, so it is few of them. */
    private static final int CHUNK_KIB = 32;

    private static final int PAUSE_AFTER = 2;
    private static final int MOVE_AFTER = 4;

    private final SerialLog log = new SerialLog();

    /** Outside the time of a test, since it may have to build the kernel. */
    @BeforeAll
    @Timeout(value = 70, unit = TimeUnit.MINUTES)
    static void fetch() {
        assertThat(SmallGuest.kernel()).isRegularFile();
        assertThat(SmallGuest.initramfs()).isRegularFile();
    }

    @Test
    void goesOnAfterAPauseAndInAnotherMachine() throws Exception {
        MachineConfig config =
                MachineConfig.builder()
                        .kernel(SmallGuest.kernel())
                        .initrd(SmallGuest.initramfs())
                        .commandLine("console=ttyS0 panic=-1 " + SmallGuest.SLOW_CLOCK)
                        .memoryBytes(256 << 20)
                        .hostQuirks(SmallGuest.quirks())
                        .console(new ConsoleTarget.ToStream(log))
                        .build();
        Machine machine = Machine.create(config);
        try {
            machine.start();
            log.await(LinuxGuest.READY, SmallGuest.BOOT);
            log.await(LinuxGuest.PROMPT, SmallGuest.ANSWER);
            double before = uptime(machine);
            type(
                    machine,
                    "for i in $(seq %d); do dd if=/dev/zero bs=4k count=%d 2>/dev/null; echo chunk $i. >&2; done | sha256sum"
                            .formatted(CHUNKS, CHUNK_KIB / 4));
            log.await("chunk " + PAUSE_AFTER + ".", SmallGuest.ANSWER);
            machine.pause(SmallGuest.ANSWER);
            machine.resume();
            log.await("chunk " + MOVE_AFTER + ".", SmallGuest.ANSWER);
            machine.pause(SmallGuest.ANSWER);
            assertThat(log.text()).doesNotContain(Zeros.digest(CHUNKS * CHUNK_KIB));
            machine = moved(machine, config);
            machine.resume();
            log.await(Zeros.digest(CHUNKS * CHUNK_KIB), SmallGuest.ANSWER);
            log.await(LinuxGuest.PROMPT, SmallGuest.ANSWER);
            assertThat(uptime(machine)).isGreaterThan(before);
            type(machine, "poweroff -f");
            assertThat(machine.await(SmallGuest.ANSWER)).contains(new MachineExit.PowerOff());
            assertThat(log.text()).doesNotContain(SmallGuest.COMPLAINTS);
        } finally {
            machine.close();
        }
    }

    /** The machine that goes on as this one, which is closed; its state travels as bytes. */
    private static Machine moved(Machine machine, MachineConfig config) {
        try (machine) {
            SavedMachine saved = SavedMachine.fromBytes(machine.save(SmallGuest.ANSWER).toBytes());
            return Machine.restore(config, saved, MemoryLoader.copyOf(machine));
        }
    }

    private double uptime(Machine machine) throws IOException, InterruptedException {
        type(machine, "echo uptime=$(cut -d' ' -f1 /proc/uptime)");
        double uptime = Double.parseDouble(log.awaitRest("\nuptime=", SmallGuest.ANSWER));
        log.await(LinuxGuest.PROMPT, SmallGuest.ANSWER);
        return uptime;
    }

    private static void type(Machine machine, String line) throws IOException {
        OutputStream keyboard = machine.consoleInput();
        keyboard.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        keyboard.flush();
    }
}

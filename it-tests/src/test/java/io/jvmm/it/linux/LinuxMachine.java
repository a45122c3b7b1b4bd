// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.linux;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.BootEntry;
import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.machine.ConsoleTarget;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineExit;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * A stock Linux in a machine of this process, booted to its shell. Under emulation a Java process
 * takes longer to start than such a kernel; one of the test's own serves all of them.
 *
 * @param machine the machine, which runs
 * @param log what the guest writes on its serial port
 */
record LinuxMachine(Machine machine, SerialLog log) implements AutoCloseable {

    private static final LinuxImages IMAGES = LinuxImages.locate();

    /** Boots a kernel and waits for its prompt; the caller closes what it gets. */
    static LinuxMachine boot(String version, int cpus, BootEntry entry, String append)
            throws InterruptedException {
        SerialLog log = new SerialLog();
        Machine machine =
                Machine.create(
                        MachineConfig.builder()
                                .kernel(IMAGES.kernel(DebianKernel.Line.ofVersion(version)))
                                .initrd(IMAGES.initramfs())
                                .commandLine("console=ttyS0 " + append)
                                .memoryBytes(256 << 20)
                                .cpus(cpus)
                                .bootEntry(entry)
                                .console(new ConsoleTarget.ToStream(log))
                                .build());
        try {
            machine.start();
            log.await(LinuxGuest.READY, LinuxVm.BOOT);
            log.await("Linux " + version + ".", LinuxVm.ANSWER);
            log.await(" " + cpus + " CPUs", LinuxVm.ANSWER);
            log.await(LinuxGuest.PROMPT, LinuxVm.ANSWER);
            return new LinuxMachine(machine, log);
        } catch (InterruptedException | RuntimeException | AssertionError e) {
            machine.close();
            throw e;
        }
    }

    /** Types a line on the serial port. */
    void type(String line) throws IOException {
        OutputStream keyboard = machine.consoleInput();
        keyboard.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        keyboard.flush();
    }

    /** Waits for the end, which must come by itself. */
    MachineExit end() throws InterruptedException {
        return machine.await(LinuxVm.ANSWER)
                .orElseThrow(() -> new AssertionError("it does not end: " + log.text()));
    }

    /** The kernel had nothing to complain about. */
    void assertNoComplaint() {
        assertThat(log.text()).doesNotContain("Oops", "BUG:", "WARNING:", "Call Trace");
    }

    @Override
    public void close() {
        machine.close();
    }
}

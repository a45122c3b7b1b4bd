// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.host.HostQuirks;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * What another monitor makes of the same kernel on this host: it boots where the processor
 * virtualises, and ends at the first instruction that KVM's interpreter lacks elsewhere, with the
 * kernel's own hints as well as without.
 */
@RequiresKvm
@Tag(LabTests.HOST)
@Timeout(value = 40, unit = TimeUnit.MINUTES)
class QemuHereTest {

    private static final String QEMU = "qemu-system-x86_64";

    /** What QEMU prints, with all registers, when KVM gives up. */
    private static final String GIVEN_UP = "KVM internal error. Suberror: 1";

    /** Outside the time of a test, since it may have to build the kernel. */
    @BeforeAll
    @Timeout(value = 70, unit = TimeUnit.MINUTES)
    static void fetch() {
        assumeQemu();
        assertThat(SmallGuest.kernel()).isRegularFile();
        assertThat(SmallGuest.initramfs()).isRegularFile();
    }

    /** With {@code -Djvmm.tools=required} it goes on, and fails. */
    private static void assumeQemu() {
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            assumeTrue(
                    Pattern.compile(":")
                            .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                            .anyMatch(folder -> Files.isExecutable(Path.of(folder, QEMU))),
                    QEMU + " is not installed");
        }
    }

    @ParameterizedTest(name = "with hints: {0}")
    @ValueSource(booleans = {false, true})
    void bootsWhereTheHostHasEveryInstruction(boolean hinted) {
        HostQuirks quirks = SmallGuest.quirks();
        String hints = hinted ? quirks.commandLine() + " " : "";
        String expected = quirks.completeInstructions() ? GIVEN_UP : LinuxGuest.READY;
        try (VmProcess qemu = VmProcess.launch(SmallGuest.qemu(hints + "console=ttyS0 quiet"))) {
            qemu.waitForText(expected, SmallGuest.BOOT);
            if (quirks.completeInstructions()) {
                // the bytes at RIP, the last line of its report
                qemu.waitForText("Code=", SmallGuest.ANSWER).waitForText("\n", SmallGuest.ANSWER);
            }
            System.getLogger(getClass().getName())
                    .log(
                            System.Logger.Level.INFO,
                            "QEMU on this host{0}:\n{1}",
                            hinted ? ", with hints" : "",
                            qemu.serialLog());
        }
    }
}

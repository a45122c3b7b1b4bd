// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.quirks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jvmm.guest.Payload;
import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.lab.LabTests;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Another monitor boots our payloads through their PVH note: QEMU's microvm, on KVM where it is
 * there and by emulation elsewhere.
 */
@Tag(LabTests.HOST)
@Timeout(600)
class QemuRunsPayloadsTest {

    private static final String QEMU = "qemu-system-x86_64";
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @TempDir private Path folder;

    @Test
    void theBundledGuestSaysTheSameUnderQemu() throws IOException {
        assumeQemu();
        Path guest = Files.write(folder.resolve("hello.elf"), Payload.HELLO.bytes());
        boolean kvm = Files.isWritable(Path.of("/dev/kvm"));
        List<String> command =
                List.of(
                        QEMU,
                        "-M",
                        "microvm,acpi=off",
                        "-accel",
                        kvm ? "kvm" : "tcg",
                        "-cpu",
                        kvm ? "host,-arch-capabilities" : "max",
                        "-m",
                        "64",
                        "-nodefaults",
                        "-no-user-config",
                        "-nographic",
                        "-no-reboot",
                        "-serial",
                        "stdio",
                        "-kernel",
                        guest.toString(),
                        "-append",
                        "one=1 two");
        try (VmProcess qemu = VmProcess.launch(command)) {
            qemu.waitForText("Powering off.", LIMIT);

            assertThat(qemu.serialLog())
                    .contains("Hello from inside the virtual machine!")
                    .containsPattern("memory +64 MiB in 2 ranges, the last page of each tried")
                    .containsPattern("vCPUs +1 running of 1")
                    .containsPattern("timer +10 interrupts in ")
                    .containsPattern("command line +one=1 two")
                    .contains("1 vCPU, 64 MiB, 10 timer interrupts");
        }
    }

    /** With {@code -Djvmm.tools=required} it goes on, and fails. */
    private static void assumeQemu() {
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            assumeTrue(
                    Pattern.compile(":")
                            .splitAsStream(System.getenv().getOrDefault("PATH", ""))
                            .anyMatch(entry -> Files.isExecutable(Path.of(entry, QEMU))),
                    QEMU + " is not installed");
        }
    }
}

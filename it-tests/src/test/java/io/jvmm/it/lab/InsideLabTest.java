// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** What all that runs in the lab takes for granted. */
@EnabledIfSystemProperty(
        named = LabTests.INSIDE_PROPERTY,
        matches = "true",
        disabledReason = "this is not the lab")
@RequiresKvm
@RequiresUserfaultfd
class InsideLabTest {

    private static final Path NESTED_PAGING = Path.of("/sys/module/kvm_amd/parameters/npt");

    private static final Path CLOCK_SOURCES =
            Path.of("/sys/devices/system/clocksource/clocksource0/available_clocksource");

    private static final Path CLOCK = Path.of("/sys/class/rtc/rtc0");

    @Test
    void itsKernelIsTheOneThatWasAskedFor() throws IOException {
        LabKernel asked = LabSettings.fromProperties().kernel();
        String release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();

        if (asked == LabKernel.ANNOTATING) {
            assertThat(release).endsWith("-jvmm");
        } else {
            assertThat(release).startsWith(asked.label() + ".").doesNotEndWith("-jvmm");
        }
    }

    @Test
    void itsKvmStandsOnNestedPaging() throws IOException {
        assertThat(Files.readString(NESTED_PAGING).strip()).isIn("Y", "1");
    }

    /** One that has lost it moves the counters of its guests by itself. */
    @Test
    void itsKernelTrustsItsTimeStampCounter() throws IOException {
        assertThat(Files.readString(CLOCK_SOURCES).split("\\s+")).contains("tsc");
    }

    /** Without it, a lab whose emulator has forgotten an interrupt sleeps for ever. */
    @Test
    @Timeout(60)
    void itsClockInterruptsAllTheTime() throws IOException {
        if (LabSettings.fromProperties().kernel() == LabKernel.ANNOTATING) {
            assertThat(CLOCK).as("this kernel has no driver for it").doesNotExist();
            return;
        }
        for (int times = 0; times < 3; times++) {
            long before = clockInterrupts();
            while (clockInterrupts() == before) {
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    /** Of all CPUs: a line has the interrupt's number, a count for each CPU, and names. */
    private static long clockInterrupts() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/interrupts"))) {
            if (line.endsWith(" rtc0")) {
                return Arrays.stream(line.strip().split(" +"))
                        .skip(1)
                        .takeWhile(word -> word.chars().allMatch(Character::isDigit))
                        .mapToLong(Long::parseLong)
                        .sum();
            }
        }
        throw new AssertionError("nobody has asked for the clock's interrupts");
    }

    @Test
    void itsPageFaultsCanBeServedInEveryWayThatItsVersionKnows() {
        Set<Feature> features = Userfaultfd.supportedFeatures();

        assertThat(features).contains(Feature.SIGBUS, Feature.THREAD_ID, Feature.MINOR_SHMEM);
        if (LabSettings.fromProperties().kernel() == LabKernel.ANNOTATING) {
            assertThat(features).contains(Feature.values());
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.PayloadPages;
import io.jvmm.memory.RawMemory;
import io.jvmm.paging.PagingConfig;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.MemorySegment;

/** A touch past the gate of a machine's memory is found, and costs nobody anything elsewhere. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(120)
class MachineGuardTest {

    private static final long PAGE = PayloadPages.PAGE_SIZE;
    private static final long FIRST = LazyPages.CHECKED;
    private static final PagingConfig ONE_BY_ONE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);

    private final @Nullable String before = System.getProperty(GuardedRam.PROPERTY);

    @AfterEach
    void putTheSettingBack() {
        if (before == null) {
            System.clearProperty(GuardedRam.PROPERTY);
        } else {
            System.setProperty(GuardedRam.PROPERTY, before);
        }
    }

    private static Machine machine(String guarded, MemoryBacking backing, PagingConfig config) {
        System.setProperty(GuardedRam.PROPERTY, guarded);
        return Machine.create(
                LazyOrigin.config("guarded", "ring3", 1)
                        .memoryBacking(backing)
                        .paging(PagingPlan.of(LazyPages.local(), config))
                        .build());
    }

    /** What no code of the monitor may touch without asking. */
    private static MemorySegment behindTheGate(Machine machine) {
        return RawMemory.of(machine.memory());
    }

    private static void assertRefused(MemorySegment memory, long gpa) {
        assertThatExceptionOfType(InternalError.class)
                .isThrownBy(() -> memory.get(JAVA_LONG_UNALIGNED, gpa));
        assertThatExceptionOfType(InternalError.class)
                .isThrownBy(() -> memory.set(JAVA_BYTE, gpa, (byte) 1));
    }

    @Test
    void theTestsRunWithIt() {
        assertThat(before).as("-D%s", GuardedRam.PROPERTY).isEqualTo("on");
    }

    @Test
    void aTouchPastTheGateFailsAtOnce() {
        try (Machine machine = machine("on", MemoryBacking.MEMFD, ONE_BY_ONE)) {
            MemorySegment memory = behindTheGate(machine);
            assertRefused(memory, FIRST);
            assertThat(machine.memory().readU64(FIRST)).isEqualTo(PayloadPages.wordAt(FIRST));
            assertThat(memory.get(JAVA_LONG_UNALIGNED, FIRST))
                    .isEqualTo(PayloadPages.wordAt(FIRST));
            assertRefused(memory, FIRST + PAGE);
            assertRefused(memory, FIRST - PAGE);
        }
    }

    /** Which is what no test would find without the guard. */
    @Test
    void itFailsAlsoWhereThePageHappensToBeThere() throws Exception {
        PagingConfig everything = PagingConfig.defaults();
        try (Machine machine = machine("on", MemoryBacking.MEMFD, everything)) {
            while (machine.pagingStatistics().orElseThrow().missingPages() > 0) {
                Thread.onSpinWait();
            }
            assertRefused(behindTheGate(machine), FIRST);
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            assertThat(machine.consoleOutput().read()).isEqualTo('.');
            assertRefused(behindTheGate(machine), FIRST);
            machine.memory().writeU64(FIRST, 42);
            machine.stop();
            assertThat(machine.memory().readU64(FIRST)).isEqualTo(42);
        }
    }

    @Test
    void afterAResetTheGateIsStillTheOnlyWay() {
        try (Machine machine = machine("on", MemoryBacking.MEMFD, ONE_BY_ONE)) {
            machine.start();
            assertThat(machine.memory().readU64(FIRST)).isEqualTo(PayloadPages.wordAt(FIRST));
            machine.reset();
            assertRefused(behindTheGate(machine), FIRST);
            assertThat(machine.memory().readU64(FIRST)).isZero();
            assertThat(behindTheGate(machine).get(JAVA_BYTE, FIRST)).isZero();
        }
    }

    @Test
    void withoutTheSettingJavaCodeSeesWhatTheGuestSees() {
        try (Machine machine = machine("off", MemoryBacking.MEMFD, ONE_BY_ONE)) {
            long seen = behindTheGate(machine).address();
            assertThat(machine.memory().readable(FIRST, PAGE).address()).isEqualTo(seen + FIRST);
            // The loader has written here, without having asked for it again.
            assertThat(behindTheGate(machine).get(JAVA_BYTE, 0x10_0078)).isNotZero();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadPages;
import io.jvmm.machine.DeadlineException;
import io.jvmm.machine.KickStrategy;
import io.jvmm.machine.Machine;
import io.jvmm.machine.MachineConfig;
import io.jvmm.machine.MachineException;
import io.jvmm.machine.MachineExit;
import io.jvmm.machine.MachineState;
import io.jvmm.machine.MemoryBacking;
import io.jvmm.machine.SavedMachine;
import io.jvmm.machine.Standstill;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.time.Duration;

/**
 * A vCPU waits for a page that does not come. In ring 3, the processor takes the fault and a signal
 * gets the vCPU out. In ring 0 of a host without nested paging, the kernel itself reads guest
 * memory, and nothing gets it out; with nested paging, ring 0 is like ring 3.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(240)
class StuckGuestTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final MachineExit STOPPED = new MachineExit.Stopped();

    private final HoldingPager pager = new HoldingPager();

    private static MachineConfig.Builder config(String ring) {
        return MachineConfig.builder()
                .name("stuck")
                .kernel("lazy", Payload.LAZY.bytes())
                .commandLine(ring)
                .memoryBytes(64 << 20);
    }

    private Machine stuck(MachineConfig.Builder config) throws Exception {
        Machine machine = Machine.create(config.pager(pager).build());
        machine.start();
        assertThat(machine.consoleOutput().read()).isEqualTo('R');
        pager.awaitHeld();
        return machine;
    }

    /** Waits until the guest has been through all of its pages and found them right. */
    private static void awaitPass(Machine machine) throws IOException {
        assertThat(machine.consoleOutput().read()).isEqualTo('.');
    }

    @ParameterizedTest
    @CsvSource({
        "ring3, IMMEDIATE_EXIT",
        "ring3, SIGNAL_MASK",
        "ring0, IMMEDIATE_EXIT",
        "ring0, SIGNAL_MASK"
    })
    void itStops(String ring, KickStrategy strategy, TestReporter reporter) throws Exception {
        try (Machine machine = stuck(config(ring).kickStrategy(strategy))) {
            long begin = System.nanoTime();
            machine.stop();
            assertThat(machine.await(Duration.ofSeconds(10))).contains(STOPPED);
            reporter.publishEntry("stop of " + ring, millisSince(begin));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring3", "ring0"})
    void itClosesWhilePaused(String ring, TestReporter reporter) throws Exception {
        Machine machine = stuck(config(ring).memoryBacking(MemoryBacking.MEMFD));
        machine.pause(LONG);
        long begin = System.nanoTime();
        machine.close();
        reporter.publishEntry("close of " + ring, millisSince(begin));
        assertThat(machine.await()).isEqualTo(STOPPED);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("stuck-") || name.equals("holding-pager"));
    }

    private static String millisSince(long begin) {
        return (System.nanoTime() - begin) / 1_000_000 + " ms";
    }

    @Test
    void aSignalGetsItOutWhereTheProcessorTookTheFault() throws Exception {
        try (Machine machine = stuck(config("ring3"))) {
            machine.pause(LONG);
            SavedMachine saved = machine.save(LONG);
            machine.resume();
            machine.pause(LONG);
            assertThat(SavedMachine.fromBytes(saved.toBytes())).isEqualTo(saved);
            machine.resume();
            pager.serve();
            awaitPass(machine);
            awaitPass(machine);
        }
    }

    /** Skipped where there is no such wait: with nested paging, the processor takes every fault. */
    @Test
    void itStandsStillInTheFaultWhereTheKernelTookIt(TestReporter reporter) throws Exception {
        try (Machine machine = stuck(config("ring0"))) {
            long begin = System.nanoTime();
            Standstill standstill = machine.pause(LONG);
            reporter.publishEntry("pause in a software walk", millisSince(begin));
            assumeFalse(
                    standstill.isComplete(),
                    "a signal gets ring 0 out of a fault on this host: it has nested paging");
            assertThat(standstill.vcpus()).containsExactly(Standstill.Rest.IN_FAULT);
            assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
            assertThatThrownBy(() -> machine.save(Duration.ofMillis(200)))
                    .isInstanceOf(DeadlineException.class)
                    .hasMessageContaining("a vCPU waits for a page of memory");
            assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
            pager.serve();
            SavedMachine _ = machine.save(LONG);
            machine.resume();
            awaitPass(machine);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring3", "ring0"})
    void itGoesOnAfterAPauseWhenThePageComesLater(String ring) throws Exception {
        try (Machine machine = stuck(config(ring))) {
            for (int i = 0; i < 10; i++) {
                machine.pause(LONG);
                machine.resume();
            }
            pager.serve();
            awaitPass(machine);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring3", "ring0"})
    void itGoesOnAfterThePageCameInAPause(String ring) throws Exception {
        try (Machine machine = stuck(config(ring))) {
            for (int i = 0; i < 3; i++) {
                machine.pause(LONG);
                pager.serve();
                machine.resume();
                awaitPass(machine);
            }
        }
    }

    /** Memory is zero then, and so are the pages that it checks. */
    @ParameterizedTest
    @ValueSource(strings = {"ring3", "ring0"})
    void itIsReset(String ring) throws Exception {
        try (Machine machine = stuck(config(ring))) {
            machine.reset();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            assertThat(machine.consoleOutput().read()).isEqualTo('X');
            assertThat(machine.await(LONG)).contains(new MachineExit.GuestPanic());
        }
    }

    @Test
    void aPagerThatDoesNotLetGoCostsTheDeadlineAndNoMore() throws Exception {
        pager.stubborn();
        Machine machine = stuck(config("ring0"));
        if (machine.pause(LONG).isComplete()) {
            pager.serve();
            machine.close();
            abort("a signal gets ring 0 out of a fault on this host");
        }
        assertThatThrownBy(() -> machine.close(Duration.ofMillis(200)))
                .isInstanceOf(DeadlineException.class)
                .hasMessage("a vCPU thread of machine stuck did not end within 200 ms");
        pager.serve();
        machine.close();
        assertThat(machine.state()).isEqualTo(MachineState.CLOSED);
        assertThat(machine.await()).isEqualTo(STOPPED);
    }

    /** The rest of its memory comes while it runs; a copy of it would have to wait for that. */
    @ParameterizedTest
    @ValueSource(strings = {"ring3", "ring0"})
    void aRestoredGuestFindsThePagesThatComeLater(String ring) throws Exception {
        SavedMachine saved;
        byte[] low = new byte[(int) HoldingPager.HELD];
        try (Machine machine = Machine.create(config(ring).build())) {
            for (long gpa = HoldingPager.HELD; gpa < HoldingPager.HELD_END; gpa += 4096) {
                PayloadPages.fill(machine.memory().writable(gpa, 4096).asByteBuffer(), gpa);
            }
            machine.start();
            assertThat(machine.consoleOutput().read()).isEqualTo('R');
            awaitPass(machine);
            assertThat(machine.pause(LONG).isComplete()).isTrue();
            saved = SavedMachine.fromBytes(machine.save(LONG).toBytes());
            machine.memory().copyOut(0, low);
        }
        try (Machine machine =
                Machine.restore(
                        config(ring).pager(pager).build(),
                        saved,
                        memory -> memory.copyIn(0, low))) {
            machine.resume();
            pager.awaitHeld();
            machine.pause(LONG);
            assertThatThrownBy(machine::memory)
                    .isInstanceOf(MachineException.class)
                    .hasMessageContaining("may be missing");
            machine.resume();
            pager.serve();
            awaitPass(machine);
            awaitPass(machine);
        }
    }
}

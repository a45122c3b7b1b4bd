// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.PayloadPages;
import io.jvmm.host.HostQuirks;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * An instruction that the monitor completes touches memory which does not come. The vCPU waits as
 * it waits for any other missing page: past every deadline, where a kick reaches it.
 *
 * <p>On hosts that run the instruction themselves, the same comes out.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(120)
class MachineLazyCompletionTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final HostQuirks COMPLETE = new HostQuirks("", true, true, 100);
    private static final long BITS = Long.bitCount(PayloadPages.wordAt(LazyPages.CHECKED));

    private final LazyPages pages = LazyPages.heldBack();
    private final BlockingQueue<PagingEvent> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<MachineState> states = new LinkedBlockingQueue<>();

    private Machine started(int cpus, OverduePolicy policy) {
        return started(TestGuests.RARE_ACCESSES, cpus, policy);
    }

    private Machine started(byte[] guest, int cpus, OverduePolicy policy) {
        PagingConfig config =
                PagingConfig.defaults()
                        .withSweep(false)
                        .withUnit(1, 1)
                        .withDeadline(Duration.ofMillis(50), policy);
        Machine machine =
                Machine.create(
                        TestGuests.machine("rare", guest)
                                .memoryBytes(64 << 20)
                                .memoryBacking(MemoryBacking.MEMFD)
                                .cpus(cpus)
                                .hostQuirks(COMPLETE)
                                .paging(PagingPlan.of(pages, config))
                                .build());
        machine.addListener(
                new MachineListener() {
                    @Override
                    public void paged(PagingEvent event) {
                        events.add(event);
                    }

                    @Override
                    public void stateChanged(MachineState state) {
                        states.add(state);
                    }
                });
        machine.start();
        return machine;
    }

    private void awaitOverdue(Machine machine, int times) throws InterruptedException {
        int seen = 0;
        while (seen < times) {
            PagingEvent event = events.poll(LONG.toSeconds(), TimeUnit.SECONDS);
            assertThat(event).as("an overdue page").isNotNull();
            if (event instanceof PagingEvent.Overdue late) {
                assertThat(late.gpa()).isEqualTo(LazyPages.CHECKED);
                assertThat(late.threadId()).isEqualTo(machine.vcpuThreads().getFirst());
                seen++;
            }
        }
    }

    private void awaitState(MachineState wanted) throws InterruptedException {
        MachineState next;
        do {
            next = states.poll(LONG.toSeconds(), TimeUnit.SECONDS);
            assertThat(next).as("waits for %s", wanted).isNotNull();
        } while (next != wanted);
    }

    private void assertThatItEndsWell(Machine machine) throws Exception {
        pages.release();
        assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
        assertThat(machine.consoleOutput().read()).isEqualTo((int) BITS);
        assertThat(machine.memory().readU64(LazyPages.CHECKED + (1 << 20))).isEqualTo(1);
        assertThat(machine.memory().readU64(LazyPages.CHECKED + (1 << 20) + 8)).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void itOutlivesItsDeadline(int cpus) throws Exception {
        try (Machine machine = started(cpus, OverduePolicy.KEEP_WAITING)) {
            awaitOverdue(machine, 3);
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            assertThatItEndsWell(machine);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void itPausesAndIsSavedMeanwhileAndGoesOn(int cpus) throws Exception {
        try (Machine machine = started(cpus, OverduePolicy.KEEP_WAITING)) {
            awaitOverdue(machine, 1);
            for (int round = 0; round < 5; round++) {
                assertThat(machine.pause(LONG).vcpus()).hasSize(cpus);
                machine.resume();
            }
            Standstill standstill = machine.pause(LONG);
            if (standstill.isComplete()) {
                assertThat(machine.save(LONG).toBytes()).isNotEmpty();
            }
            machine.resume();
            assertThatItEndsWell(machine);
        }
    }

    /** Only the monitor looks at the guest's interrupt table, after an exit of another kind. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void theMonitorsOwnLookAtTheInterruptTableWaitsLikeAFault(int cpus) throws Exception {
        byte[] guest = TestGuests.TABLE_AT_32_MIB;
        try (Machine machine = started(guest, cpus, OverduePolicy.KEEP_WAITING)) {
            awaitOverdue(machine, 3);
            assertThat(machine.pause(LONG).isComplete()).isTrue();
            assertThat(machine.save(LONG).toBytes()).isNotEmpty();
            machine.resume();
            awaitOverdue(machine, 1);
            pages.release();
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void itIsPausedWhenItIsOverdueUntilItsPageComes(int cpus) throws Exception {
        try (Machine machine = started(cpus, OverduePolicy.PAUSE)) {
            awaitState(MachineState.PAUSED);
            pages.release();
            awaitState(MachineState.RUNNING);
            assertThatItEndsWell(machine);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void itIsResetMeanwhile(int cpus) throws Exception {
        try (Machine machine = started(cpus, OverduePolicy.KEEP_WAITING)) {
            awaitOverdue(machine, 1);
            machine.reset();
            // Memory of after a reset is zero and all there.
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void itIsStoppedMeanwhile(int cpus) throws Exception {
        try (Machine machine = started(cpus, OverduePolicy.KEEP_WAITING)) {
            awaitOverdue(machine, 1);
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
    }
}

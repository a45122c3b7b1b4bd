// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.Payload;
import io.jvmm.guest.PayloadPages;
import io.jvmm.memory.GuestMemoryException;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingException;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** Machines whose memory comes while they run. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(240)
class MachinePagingTest {

    private static final Duration LONG = Duration.ofSeconds(60);
    private static final long PAGE = PayloadPages.PAGE_SIZE;
    private static final long MIB = 1 << 20;
    private static final long LAST = LazyPages.CHECKED_END - PAGE;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);

    private final BlockingQueue<PagingEvent> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<MachineState> states = new LinkedBlockingQueue<>();

    private static MachineConfig.Builder lazy(String ring, LazyPages pages, PagingConfig config) {
        return MachineConfig.builder()
                .name("lazy")
                .kernel("lazy", Payload.LAZY.bytes())
                .commandLine(ring)
                .memoryBytes(64 * MIB)
                // Where the guard is on, it finds whoever touches such memory without asking.
                .memoryBacking(MemoryBacking.MEMFD)
                .paging(PagingPlan.of(pages, config));
    }

    private Machine started(MachineConfig.Builder config) throws IOException {
        Machine machine = Machine.create(config.build());
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
        assertThat(machine.consoleOutput().read()).isEqualTo('R');
        return machine;
    }

    /** Waits until the guest has been through all of its pages and found them right. */
    private static void awaitPass(Machine machine) throws IOException {
        assertThat(machine.consoleOutput().read()).isEqualTo('.');
    }

    /** All may be there before anybody can listen. */
    private static PagingStatistics awaitComplete(Machine machine) {
        while (machine.pagingStatistics().orElseThrow().missingPages() > 0) {
            Thread.onSpinWait();
        }
        // Once more: what is missing is read after what has come.
        return machine.pagingStatistics().orElseThrow();
    }

    private <T> void await(BlockingQueue<T> queue, Predicate<T> wanted) throws Exception {
        T next;
        do {
            next = queue.poll(LONG.toSeconds(), TimeUnit.SECONDS);
            assertThat(next).as("something that is awaited").isNotNull();
        } while (!wanted.test(next));
    }

    @ParameterizedTest
    @CsvSource({
        "ring3, ANONYMOUS, 1",
        "ring3, ANONYMOUS, 512",
        "ring3, MEMFD, 1",
        "ring3, MEMFD, 512",
        "ring0, ANONYMOUS, 1",
        "ring0, MEMFD, 16"
    })
    void aGuestFindsItsMemoryAsItComes(String ring, MemoryBacking backing, int unit)
            throws Exception {
        LazyPages pages = LazyPages.local();
        PagingConfig config = PagingConfig.defaults().withUnit(unit, unit);
        try (Machine machine = started(lazy(ring, pages, config).memoryBacking(backing))) {
            awaitPass(machine);
            PagingStatistics statistics = awaitComplete(machine);
            awaitPass(machine);
            long brought =
                    statistics.bytesByPath().values().stream().mapToLong(Long::longValue).sum();
            // What the loader wrote is there, and of a memfd that is known.
            assertThat(brought).isBetween(63 * MIB, 64 * MIB);
            assertThat(machine.memory().readU64(LAST)).isEqualTo(PayloadPages.wordAt(LAST));
        }
        assertThat(pages.isClosed()).isTrue();
    }

    @Test
    void whatTheGuestWaitedForIsCountedForItsVcpu() throws Exception {
        PagingConfig config = QUIET.withUnit(1, 1);
        try (Machine machine = started(lazy("ring3", LazyPages.local(), config).cpus(2))) {
            awaitPass(machine);
            assertThat(machine.stallsOfVcpus()).hasSize(2);
            assertThat(machine.stallsOfVcpus().getFirst().count()).isGreaterThanOrEqualTo(512);
            assertThat(machine.stallsOfVcpus().getLast().count()).as("never started").isZero();
        }
    }

    @Test
    void hugePagesAreMovedAsTheyAreAndZerosTakeNoMemory() throws Exception {
        PagingConfig config = PagingConfig.defaults().withUnit(512, 512);
        MachineConfig.Builder guest =
                lazy("ring3", LazyPages.local(), config).memoryBacking(MemoryBacking.ANONYMOUS);
        try (Machine machine = started(guest)) {
            PagingStatistics statistics = awaitComplete(machine);
            assertThat(statistics.bytes(Path.MOVE)).isEqualTo(2 * MIB);
            assertThat(statistics.bytes(Path.ZERO)).isGreaterThan(40 * MIB);
            awaitPass(machine);
            assertThat(machine.memory().readU64(48 * MIB)).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void whoLooksAtMemoryHasItBrought(MemoryBacking backing) {
        LazyPages pages = LazyPages.local();
        try (Machine machine =
                Machine.create(lazy("ring3", pages, QUIET).memoryBacking(backing).build())) {
            assertThat(machine.pagingStatistics().orElseThrow().missingPages()).isPositive();
            assertThat(machine.memory().readU64(LAST)).isEqualTo(PayloadPages.wordAt(LAST));
            assertThat(machine.memory().readU64(40 * MIB)).isZero();
        }
    }

    @Test
    void whoLooksAtMemoryThatDoesNotComeIsToldSoInTime() throws Exception {
        LazyPages pages = LazyPages.heldBack();
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(50), OverduePolicy.KEEP_WAITING);
        try (Machine machine = Machine.create(lazy("ring3", pages, config).build())) {
            assertThatThrownBy(() -> machine.memory().readU64(LAST))
                    .isInstanceOfSatisfying(
                            GuestMemoryException.class,
                            e -> assertThat(e.missing()).contains(PagingException.Reason.OVERDUE));
            pages.release();
            assertThat(machine.memory().readU64(LAST)).isEqualTo(PayloadPages.wordAt(LAST));
        }
    }

    @Test
    void aCopyOfAMachineHasWhatTheFirstOneHadNotTouched() throws Exception {
        SavedMachine saved;
        try (Machine first = started(lazy("ring3", LazyPages.local(), QUIET))) {
            awaitPass(first);
            assertThat(first.pause(LONG).isComplete()).isTrue();
            saved = first.save(LONG);
            MachineConfig config = lazy("ring3", LazyPages.local(), QUIET).name("second").build();
            try (Machine second = Machine.restore(config, saved, MemoryLoader.copyOf(first))) {
                assertThat(first.pagingStatistics().orElseThrow().missingPages()).isZero();
                second.resume();
                awaitPass(second);
                assertThat(second.memory().readU64(48 * MIB)).isZero();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"ring3, ANONYMOUS", "ring0, ANONYMOUS", "ring3, MEMFD"})
    void aMachineIsRestoredBeforeItsMemoryComes(String ring, MemoryBacking backing)
            throws Exception {
        SavedMachine saved;
        byte[] low = new byte[(int) LazyPages.CHECKED];
        try (Machine first = started(lazy(ring, LazyPages.local(), QUIET))) {
            awaitPass(first);
            first.pause(LONG);
            saved = first.save(LONG);
            first.memory().copyOut(0, low);
        }
        LazyPages pages = LazyPages.heldBack();
        MachineConfig config =
                lazy(ring, pages, QUIET).memoryBacking(backing).name("second").build();
        try (Machine second = Machine.restore(config, saved, memory -> memory.copyIn(0, low))) {
            second.resume();
            pages.awaitHeld();
            Standstill standstill = second.pause(LONG);
            assertThat(standstill.vcpus()).hasSize(1);
            second.resume();
            pages.release();
            awaitPass(second);
            awaitPass(second);
        }
    }

    /** As a balloon would: what it drops is zero then, whatever the source has. */
    @Test
    void pagesThatAreDroppedAreZeroAndDoNotComeAgain() throws Exception {
        MachineConfig.Builder guest =
                lazy("ring3", LazyPages.local(), QUIET.withUnit(1, 1))
                        .memoryBacking(MemoryBacking.ANONYMOUS);
        try (Machine machine = started(guest)) {
            awaitPass(machine);
            machine.pause(LONG);
            assertThat(machine.memory().readU64(LAST)).isEqualTo(PayloadPages.wordAt(LAST));
            long host = machine.memory().readable(LAST, PAGE).address();
            assertThat(Mapping.tryAdviseAt(host, PAGE, Advice.DONTNEED)).isZero();
            assertThat(machine.memory().readU64(LAST)).isZero();
            host = machine.memory().readable(LazyPages.CHECKED, PAGE).address();
            assertThat(Mapping.tryAdviseAt(host, PAGE, Advice.DONTNEED)).isZero();
            machine.resume();
            int said;
            do {
                said = machine.consoleOutput().read();
            } while (said == '.');
            assertThat(said).as("the guest notices").isEqualTo('X');
            assertThat(machine.await(LONG)).contains(new MachineExit.GuestPanic());
        }
    }

    /** It lies in a second memory slot, behind the hole for devices. */
    @ParameterizedTest
    @EnumSource
    void memoryAboveFourGibibytesComesToo(MemoryBacking backing) throws Exception {
        LazyPages pages = LazyPages.local();
        MachineConfig config =
                TestGuests.machine("high", TestGuests.SUM_ABOVE_4_GIB)
                        .memoryBytes((3L << 30) + 64 * MIB)
                        .memoryBacking(backing)
                        .paging(PagingPlan.of(pages, QUIET.withShards(4)))
                        .build();
        long expected = 0;
        for (int page = 0; page < 512; page++) {
            expected += PayloadPages.wordAt(LazyPages.HIGH + page * PAGE);
        }
        try (Machine machine = Machine.create(config)) {
            machine.start();
            byte[] sum = new byte[Long.BYTES];
            new DataInputStream(machine.consoleOutput()).readFully(sum);
            assertThat(Long.reverseBytes(ByteBuffer.wrap(sum).getLong())).isEqualTo(expected);
            assertThat(machine.await(LONG)).contains(new MachineExit.PowerOff());
            long last = LazyPages.HIGH + 64 * MIB - PAGE;
            assertThat(machine.memory().readU64(last)).isEqualTo(PayloadPages.wordAt(last));
            assertThatThrownBy(() -> machine.memory().readU64(3L << 30))
                    .isInstanceOf(GuestMemoryException.class);
        }
    }

    @Test
    void anOverdueFaultIsToldAndTheGuestGoesOnWhenItsPageComes() throws Exception {
        LazyPages pages = LazyPages.heldBack();
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(50), OverduePolicy.KEEP_WAITING);
        try (Machine machine = started(lazy("ring3", pages, config))) {
            for (int time = 0; time < 2; time++) {
                await(
                        events,
                        event ->
                                event instanceof PagingEvent.Overdue late
                                        && late.gpa() == LazyPages.CHECKED
                                        && late.threadId() == machine.vcpuThreads().getFirst());
            }
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            pages.release();
            awaitPass(machine);
        }
    }

    @ParameterizedTest
    @CsvSource({"ring3", "ring0"})
    void anOverdueFaultPausesTheGuestUntilItsPageComes(String ring) throws Exception {
        LazyPages pages = LazyPages.heldBack();
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(50), OverduePolicy.PAUSE);
        try (Machine machine = started(lazy(ring, pages, config))) {
            await(states, MachineState.PAUSED::equals);
            pages.release();
            await(states, MachineState.RUNNING::equals);
            awaitPass(machine);
        }
    }

    @Test
    void anOverdueFaultLeavesAPauseThatSomebodyElseAskedForAlone() throws Exception {
        LazyPages pages = LazyPages.heldBack();
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(50), OverduePolicy.PAUSE);
        try (Machine machine = started(lazy("ring3", pages, config))) {
            await(states, MachineState.PAUSED::equals);
            machine.resume();
            machine.pause(LONG);
            pages.release();
            long before = machine.memory().readU64(LazyPages.CHECKED);
            assertThat(before).isEqualTo(PayloadPages.wordAt(LazyPages.CHECKED));
            assertThat(machine.state()).isEqualTo(MachineState.PAUSED);
            machine.resume();
            awaitPass(machine);
        }
    }

    @Test
    void anOverdueFaultEndsTheGuest() throws Exception {
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(50), OverduePolicy.FAIL);
        try (Machine machine = started(lazy("ring3", LazyPages.heldBack(), config))) {
            assertThat(machine.await(LONG))
                    .hasValueSatisfying(exit ->
                            assertThat(exit)
                                    .isInstanceOfSatisfying(
                                            MachineExit.Failed.class,
                                            failed ->
                                                    assertThat(failed.reason())
                                                            .contains("page at 0x2000000")));
        }
    }

    @ParameterizedTest
    @CsvSource({"ring3", "ring0"})
    void aGuestThatWaitsIsStoppedAndClosed(String ring) throws Exception {
        LazyPages pages = LazyPages.heldBack();
        try (Machine machine = started(lazy(ring, pages, QUIET))) {
            pages.awaitHeld();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
        assertThat(pages.isClosed()).isTrue();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("lazy-"));
    }

    /** The memory of before is given up, and with it who would have brought it. */
    @Test
    void aResetMachineHasItsMemoryAtOnce() throws Exception {
        LazyPages pages = LazyPages.heldBack();
        try (Machine machine = started(lazy("ring3", pages, QUIET))) {
            pages.awaitHeld();
            machine.reset();
            assertThat(pages.isClosed()).isTrue();
            assertThat(machine.pagingStatistics()).isEmpty();
            assertThat(machine.memory().readU64(LAST)).isZero();
        }
    }

    @Test
    void aPlanThatIsNeverCarriedOutIsClosedToo() {
        LazyPages pages = LazyPages.local();
        MachineConfig config =
                TestGuests.machine(Payload.LAZY)
                        .kickSignal(12)
                        .paging(PagingPlan.of(pages))
                        .build();
        assertThatThrownBy(() -> Machine.create(config)).isInstanceOf(MachineException.class);
        assertThat(pages.isClosed()).isTrue();
    }
}

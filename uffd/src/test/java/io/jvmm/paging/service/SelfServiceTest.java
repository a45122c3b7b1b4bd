// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Signals;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.PagingStatistics.Fault;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.SelfService.Answer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that are turned away from missing pages bring them. The guest keeps its page tables in
 * memory that is always there, so that it runs on every host.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(180)
class SelfServiceTest {

    private static final long BYTES = 16 << 20;
    private static final int PAGES = (int) (BYTES / Pattern.PAGE);
    private static final long MULTIPLIER = 5 + 8 * 1001;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);
    private static final long EFAULT = -Errno.EFAULT.number();
    private static final long EINTR = -Errno.EINTR.number();

    private final PatternSource pattern = new PatternSource(6);

    private static long gpa(int page) {
        return Ring3Guest.BASE + page * Pattern.PAGE;
    }

    private long expectedSum() {
        long sum = 0;
        for (int page = 0; page < PAGES; page++) {
            sum += pattern.isZero(gpa(page)) ? 0 : Pattern.of(gpa(page));
        }
        return sum;
    }

    private PagedGuestMemory attached(FaultMode mode, boolean shared, PageSource source, int unit) {
        PagedGuestMemory memory =
                PagedGuestMemory.in(mode, BYTES, shared, source, QUIET.withUnit(1, unit));
        memory.attach();
        return memory;
    }

    /** Runs a vCPU to its end; the thread itself puts the marked pages in place. */
    private static long runByMarks(KvmVcpu vcpu, PagedGuestMemory memory, int threadId) {
        Signals.block(Signals.SIGBUS);
        vcpu.setSignalMask(Signals.blocked() & ~Signals.bit(Signals.SIGBUS));
        long result;
        while ((result = Ring3Guest.run(vcpu)) == EINTR) {
            long hva = Signals.takeMissingPage();
            if (hva == 0) {
                return result;
            }
            long at = memory.gpa + hva - memory.memory.address();
            Answer answer = memory.service.bring(at, threadId, () -> false);
            if (answer != Answer.BROUGHT && answer != Answer.PRESENT) {
                return EFAULT;
            }
        }
        return result;
    }

    @ParameterizedTest
    @CsvSource({
        "1, false, false, 1",
        "1, true, false, 1",
        "2, false, true, 16",
        "4, true, true, 1",
        "8, false, false, 512",
        "8, true, true, 8"
    })
    void vcpusBringMarkedPagesThemselves(int vcpus, boolean shared, boolean remote, int unit) {
        PageSource source = remote ? new RemoteSource(pattern, 2, 0) : pattern;
        try (PagedGuestMemory memory = attached(FaultMode.POISON, shared, source, unit);
                Ring3Guest guest = new Ring3Guest(memory.memory)) {
            KvmVcpu[] all = new KvmVcpu[vcpus];
            Toucher[] threads = new Toucher[vcpus];
            for (int i = 0; i < vcpus; i++) {
                KvmVcpu own = guest.vcpu((long) i * PAGES / vcpus, PAGES, MULTIPLIER, 1, PAGES);
                all[i] = own;
                int number = 1000 + i;
                threads[i] = Toucher.start(() -> runByMarks(own, memory, number));
            }
            for (int i = 0; i < vcpus; i++) {
                assertThat(threads[i].result()).isZero();
                assertThat(Ring3Guest.sum(all[i])).isEqualTo(expectedSum());
            }
            memory.awaitComplete();
            for (int page = 0; page < PAGES; page++) {
                assertThat(memory.segment().get(JAVA_LONG, page * Pattern.PAGE + 16))
                        .isEqualTo(page);
                assertThat(memory.segment().get(JAVA_LONG, page * Pattern.PAGE + 4088))
                        .isEqualTo(pattern.isZero(gpa(page)) ? 0 : Pattern.of(gpa(page)));
            }
            PagingStatistics statistics = memory.service.statistics();
            assertThat(statistics.waiting()).isZero();
            assertThat(statistics.faults(Fault.EMPTY)).isPositive();
            assertThat(statistics.pages(Cause.FAULT)).isEqualTo(PAGES);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasThereBeforeTheMarksStays(boolean shared) {
        try (PagedGuestMemory memory =
                PagedGuestMemory.in(FaultMode.POISON, BYTES, shared, pattern, QUIET)) {
            memory.memory.tryAdvise(Advice.NOHUGEPAGE, 0, BYTES);
            memory.segment().set(JAVA_LONG, 7 * Pattern.PAGE, 42);
            memory.attach();
            assertThat(memory.read(7)).isZero();
            assertThat(memory.read(8)).isEqualTo(-Errno.EHWPOISON.number());
            memory.service.populate(memory.gpa, BYTES, Duration.ofSeconds(60));
            assertThat(memory.segment().get(JAVA_LONG, 7 * Pattern.PAGE)).isEqualTo(42);
            Pattern.assertAt(memory.segment(), 9 * Pattern.PAGE, gpa(9));
        }
    }

    /** The guest's accesses end in a bare EFAULT on this kernel; others in a named one. */
    @ParameterizedTest
    @CsvSource({"ANNOTATED, false", "ANNOTATED, true", "POISON, false", "POISON, true"})
    void aGuestWhosePagesNobodyNamesGoesOnBlocking(FaultMode mode, boolean shared) {
        RemoteSource source = new RemoteSource(pattern, 2, 0);
        try (PagedGuestMemory memory = attached(mode, shared, source, 1);
                Ring3Guest guest = new Ring3Guest(memory.memory)) {
            assertThat(memory.service.bring(gpa(3), 1000, () -> false)).isEqualTo(Answer.BROUGHT);
            KvmVcpu vcpu = guest.vcpu(0, PAGES, MULTIPLIER, 1, PAGES);
            if (mode == FaultMode.ANNOTATED) {
                Toucher turnedAway = Toucher.start(() -> Ring3Guest.run(vcpu));
                assertThat(turnedAway.result()).isEqualTo(EFAULT);
            }
            memory.service.fallBack();
            memory.service.fallBack();
            assertThat(memory.service.mode()).isEqualTo(FaultMode.BLOCKING);
            Toucher runner = Toucher.start(() -> Ring3Guest.run(vcpu));
            assertThat(runner.result()).isZero();
            assertThat(Ring3Guest.sum(vcpu)).isEqualTo(expectedSum());
            // The guest may be through before the last page is accounted for.
            assertThat(
                            memory.event(event ->
                                    event instanceof PagingEvent.Complete
                                            || event instanceof PagingEvent.Lost))
                    .isInstanceOf(PagingEvent.Complete.class);
            assertThat(memory.service.statistics().missingPages()).isZero();
        }
    }

    /** While pages come all the time, none of which may get lost. */
    @ParameterizedTest
    @EnumSource(
            value = FaultMode.class,
            names = {"ANNOTATED", "POISON"})
    void theModeChangesWhilePagesArePutInPlace(FaultMode mode) {
        for (int round = 0; round < 10; round++) {
            RemoteSource source = new RemoteSource(pattern, 2, 0);
            try (PagedGuestMemory memory =
                    PagedGuestMemory.in(
                            mode,
                            BYTES,
                            round % 2 == 0,
                            source,
                            PagingConfig.defaults().withUnit(4, 4).withShards(4))) {
                memory.attach();
                while (memory.service.statistics().missingPages() > PAGES - 200 * round) {
                    Thread.onSpinWait();
                }
                memory.service.fallBack();
                memory.awaitComplete();
                memory.assertContent(pattern);
                assertThat(memory.events).noneMatch(PagingEvent.Lost.class::isInstance);
            }
        }
    }

    @Test
    void whoIsWantedElsewhereLeavesAtOnceAndThePageComesAllTheSame() throws Exception {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.hold(true);
        try (PagedGuestMemory memory = attached(FaultMode.ANNOTATED, false, source, 1)) {
            AtomicBoolean wanted = new AtomicBoolean();
            Thread[] waiter = new Thread[1];
            Answer[] answer = new Answer[1];
            waiter[0] =
                    Thread.ofPlatform()
                            .start(() -> answer[0] = memory.service.bring(gpa(5), 77, wanted::get));
            while (memory.service.statistics().waiting() == 0) {
                Thread.onSpinWait();
            }
            assertThat(memory.service.isWaiting(77)).as("stuck").isFalse();
            wanted.set(true);
            LockSupport.unpark(waiter[0]);
            waiter[0].join();
            assertThat(answer[0]).isEqualTo(Answer.INTERRUPTED);
            assertThat(memory.service.statistics().waiting()).isZero();
            source.hold(false);
            assertThat(memory.service.bring(gpa(5), 77, () -> false))
                    .isIn(Answer.BROUGHT, Answer.PRESENT);
            Pattern.assertAt(memory.segment(), 5 * Pattern.PAGE, gpa(5));
        }
    }

    @Test
    void whoWaitsIsOverdueLikeOthersAndLeavesWhenThePagerLetsGo() {
        RemoteSource source = new RemoteSource(pattern, 1, 0);
        source.hold(true);
        PagingConfig config = QUIET.withDeadline(Duration.ofMillis(20), OverduePolicy.KEEP_WAITING);
        try (PagedGuestMemory memory =
                PagedGuestMemory.in(FaultMode.ANNOTATED, BYTES, false, source, config)) {
            memory.attach();
            Toucher waiter =
                    Toucher.start(
                            () -> memory.service.bring(gpa(5), 77, null) == Answer.ENDED ? 1 : 0);
            memory.event(event ->
                    event instanceof PagingEvent.Overdue late
                            && late.threadId() == 77
                            && late.gpa() == gpa(5));
            memory.service.letGo();
            assertThat(waiter.result()).as("told of the end").isEqualTo(1);
        }
    }

    @Test
    void whatIsNoMemoryAndWhatIsThereIsSaid() {
        try (PagedGuestMemory memory = attached(FaultMode.ANNOTATED, false, pattern, 1)) {
            assertThat(memory.service.bring(0, 77, () -> false)).isEqualTo(Answer.UNKNOWN);
            assertThat(memory.service.bring(Ring3Guest.BASE + BYTES, 77, () -> false))
                    .isEqualTo(Answer.UNKNOWN);
            assertThat(memory.read(2)).as("missing").isEqualTo(EFAULT);
            assertThat(memory.service.bring(gpa(2) + 77, 77, () -> false))
                    .isEqualTo(Answer.BROUGHT);
            assertThat(memory.read(2)).isZero();
            assertThat(memory.service.bring(gpa(2), 77, () -> false)).isEqualTo(Answer.PRESENT);
            assertThat(memory.memory.tryAdvise(Advice.DONTNEED, 2 * Pattern.PAGE, Pattern.PAGE))
                    .isZero();
            assertThat(memory.service.bring(gpa(2), 77, () -> false)).isEqualTo(Answer.BROUGHT);
            assertThat(memory.segment().get(JAVA_LONG, 2 * Pattern.PAGE)).as("dropped").isZero();
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.OverduePolicy;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingStatistics.Cause;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;
import io.jvmm.paging.StallHistogram;
import io.jvmm.paging.source.MemoryPageSource;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Sources that go away, come back, say nothing or lose pages; and machines that end meanwhile. */
@RequiresUserfaultfd
@Timeout(120)
class TroubleTest {

    private static final long MIB = 1 << 20;
    private static final long BYTES = 8 * MIB;
    private static final PagingConfig QUIET = PagingConfig.defaults().withSweep(false);
    private static final Duration MOMENT = Duration.ofMillis(20);

    private final PatternSource pattern = new PatternSource(11);
    private final RemoteSource source = new RemoteSource(pattern, 2, 0);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFaultOutlivesASourceThatIsAwayAndBack(boolean told) {
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, QUIET)) {
            assertThat(memory.read(0)).isZero();
            source.cut();
            Toucher toucher = memory.reader(1000);
            memory.event(PagingEvent.SourceAway.class::isInstance);
            assertThat(memory.service.isWaiting(toucher.threadId())).isTrue();
            assertThat(toucher.isDone()).isFalse();
            source.restore(told);
            assertThat(toucher.result()).isZero();
            memory.event(PagingEvent.SourceBack.class::isInstance);
            Pattern.assertAt(memory.segment(), 1000 * Pattern.PAGE, 1000 * Pattern.PAGE);
        }
    }

    @Test
    void aSourceThatIsCutAgainAndAgainBringsEverythingInTheEnd() {
        PagingConfig config = PagingConfig.defaults().withUnit(1, 64);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, config)) {
            Toucher toucher =
                    Toucher.start(() -> {
                        long failed = 0;
                        for (int page = memory.pages() - 1; page >= 0; page -= 3) {
                            failed |= memory.read(page);
                        }
                        return failed;
                    });
            for (int i = 0; i < 20; i++) {
                source.cut();
                Thread.onSpinWait();
                source.restore(i % 2 == 0);
            }
            assertThat(toucher.result()).isZero();
            memory.awaitComplete();
            memory.assertContent(pattern);
        }
    }

    @Test
    void whoWaitsIsKnownUntilThePageIsThere() {
        source.hold(true);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, QUIET)) {
            assertThat(memory.service.isWaiting(1)).isFalse();
            Toucher toucher = memory.reader(3);
            while (!memory.service.isWaiting(toucher.threadId())) {
                Thread.onSpinWait();
            }
            assertThat(memory.service.statistics().waiting()).isEqualTo(1);
            source.hold(false);
            assertThat(toucher.result()).isZero();
            while (memory.service.isWaiting(toucher.threadId())) {
                Thread.onSpinWait();
            }
            StallHistogram stall = memory.service.statistics().stallsByThread().getFirst();
            assertThat(stall.threadId()).isEqualTo(toucher.threadId());
            assertThat(stall.count()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"KEEP_WAITING", "PAUSE", "FAIL"})
    void aFaultBeyondItsDeadlineIsTold(OverduePolicy policy) {
        source.hold(true);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, QUIET.withDeadline(MOMENT, policy))) {
            Toucher toucher = memory.reader(700);
            for (int times = 0; times < (policy == OverduePolicy.KEEP_WAITING ? 2 : 1); times++) {
                PagingEvent.Overdue overdue =
                        (PagingEvent.Overdue) memory.event(PagingEvent.Overdue.class::isInstance);
                assertThat(overdue.gpa()).isEqualTo(700 * Pattern.PAGE);
                assertThat(overdue.threadId()).isEqualTo(toucher.threadId());
                assertThat(overdue.waited()).isGreaterThanOrEqualTo(MOMENT);
                assertThat(overdue.policy()).isEqualTo(policy);
            }
            assertThat(toucher.isDone()).isFalse();
            source.hold(false);
            assertThat(toucher.result()).as("it still gets its page").isZero();
        }
    }

    @Test
    void lostPagesAreToldAndDoNotHoldUpOthers() {
        PageSource half = new MemoryPageSource(0, java.lang.foreign.Arena.ofAuto().allocate(MIB));
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, half, QUIET.withUnit(1, 1))) {
            Toucher lost = memory.reader(600);
            PagingEvent.Lost event =
                    (PagingEvent.Lost) memory.event(PagingEvent.Lost.class::isInstance);
            assertThat(event).isEqualTo(new PagingEvent.Lost(600 * Pattern.PAGE, 1));
            assertThat(memory.read(100)).isZero();
            assertThat(lost.isDone()).as("never with wrong content").isFalse();
            memory.service.letGo();
            assertThat(lost.result()).isZero();
        }
    }

    @Test
    void lettingGoFreesWhoeverWaits() {
        source.hold(true);
        try (PagedGuestMemory memory =
                PagedGuestMemory.of(BYTES, false, source, QUIET.withShards(4))) {
            List<Toucher> touchers =
                    List.of(memory.reader(0), memory.reader(600), memory.reader(2047));
            for (Toucher toucher : touchers) {
                while (!memory.service.isWaiting(toucher.threadId())) {
                    Thread.onSpinWait();
                }
            }
            memory.service.letGo();
            memory.service.letGo();
            for (Toucher toucher : touchers) {
                assertThat(toucher.result()).isZero();
            }
            assertThat(source.cancels).hasPositiveValue();
            assertThat(memory.read(1234)).as("nobody waits any more").isZero();
        }
    }

    @Test
    void closingUnderFullLoadComesToAnEnd() {
        for (int round = 0; round < 20; round++) {
            RemoteSource slow = new RemoteSource(pattern, 2, round * 10_000L);
            PagedGuestMemory memory =
                    PagedGuestMemory.of(
                            BYTES, round % 2 == 0, slow, PagingConfig.defaults().withUnit(1, 16));
            Toucher[] touchers = {memory.reader(5), memory.reader(1500), memory.reader(2000)};
            memory.service.close();
            memory.service.close();
            for (Toucher toucher : touchers) {
                assertThat(toucher.result()).isZero();
            }
            memory.close();
        }
    }

    @Test
    void aServiceWithoutMemoryCanBeClosed() {
        FaultService service = new FaultService(source, PagingConfig.defaults(), _ -> {});
        assertThat(service.allPresent()).isTrue();
        assertThat(service.isWaiting(1)).isFalse();
        assertThat(service.statistics().missingPages()).isZero();
        service.letGo();
        service.close();
        assertThatIllegalStateException()
                .isThrownBy(() -> service.attach(List.of(new GuestRange(0, 4096, 4096))));
    }

    @Test
    void aRequestThatSomebodyWaitsForIsHastened() {
        source.hold(true);
        PagingConfig config = PagingConfig.defaults().withUnit(512, 512);
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, source, config)) {
            // The sweep has asked for the beginning, and nobody has answered yet.
            while (memory.service.statistics().pages(Cause.SWEEP) == 0
                    && source.hastened.get() == 0) {
                Toucher toucher = memory.reader(1);
                while (!memory.service.isWaiting(toucher.threadId())) {
                    Thread.onSpinWait();
                }
                if (source.hastened.get() > 0) {
                    source.hold(false);
                    assertThat(toucher.result()).isZero();
                }
            }
            assertThat(source.hastened).hasPositiveValue();
        }
    }

    /** Neither its end nor its threads answer; the service is closed all the same. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSourceThatNeverAnswersDoesNotKeepTheServiceFromItsEnd(boolean synchronous)
            throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        PageSource silent =
                new PageSource() {
                    @Override
                    public boolean isSynchronous() {
                        return synchronous;
                    }

                    @Override
                    public void fetch(PageRequest request, int first, int count) {
                        asked.countDown();
                        if (synchronous) {
                            await(never);
                        }
                    }

                    @Override
                    public void close() {
                        await(never);
                    }
                };
        PagedGuestMemory memory =
                PagedGuestMemory.of(
                        BYTES,
                        false,
                        silent,
                        QUIET.withDeadline(MOMENT, OverduePolicy.KEEP_WAITING));
        Toucher toucher = memory.reader(0);
        asked.await();
        memory.event(PagingEvent.Overdue.class::isInstance);
        memory.service.close();
        assertThat(toucher.result()).isZero();
        assertThat(memory.service.isMemoryHeld()).isTrue();
        memory.events.clear();
        assertThat(memory.events.poll(10 * MOMENT.toMillis(), TimeUnit.MILLISECONDS))
                .as("told after the end")
                .isNull();
        never.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aSourceThatThrowsIsTold() {
        PageSource broken =
                new PageSource() {
                    @Override
                    public boolean isSynchronous() {
                        return true;
                    }

                    @Override
                    public void fetch(PageRequest request, int first, int count) {
                        throw new IllegalStateException("broken");
                    }

                    @Override
                    public void close() {}
                };
        try (PagedGuestMemory memory = PagedGuestMemory.of(BYTES, false, broken, QUIET)) {
            Toucher toucher = memory.reader(0);
            assertThat(List.of(memory.events.take(), memory.events.take()))
                    .hasAtLeastOneElementOfType(PagingEvent.Failed.class)
                    .contains(new PagingEvent.SourceAway());
            assertThat(toucher.isDone()).isFalse();
            memory.service.letGo();
            assertThat(toucher.result()).isZero();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}

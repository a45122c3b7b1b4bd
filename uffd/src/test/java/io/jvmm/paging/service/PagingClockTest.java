// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingListener;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

@Timeout(60)
class PagingClockTest {

    private final BlockingQueue<PagingEvent> events = new LinkedBlockingQueue<>();

    @Test
    void aListenerThatFailsIsToldTheNextEventAllTheSame() throws InterruptedException {
        AtomicInteger calls = new AtomicInteger();
        PagingListener listener =
                event -> {
                    if (calls.getAndIncrement() == 0) {
                        throw new StackOverflowError("the listener's affair");
                    }
                    events.add(event);
                };
        try (PagingClock clock = new PagingClock(listener, 1, () -> true)) {
            clock.begin();
            clock.tell(new PagingEvent.SourceAway());
            clock.tell(new PagingEvent.SourceBack());
            assertThat(events.poll(30, TimeUnit.SECONDS)).isEqualTo(new PagingEvent.SourceBack());
        }
    }

    @Test
    void aTickThatFailsIsToldAndFollowedByOthers() throws InterruptedException {
        OutOfMemoryError cause = new OutOfMemoryError("for now");
        AtomicInteger ticks = new AtomicInteger();
        CountDownLatch again = new CountDownLatch(2);
        BooleanSupplier tick =
                () -> {
                    if (ticks.getAndIncrement() == 0) {
                        throw cause;
                    }
                    again.countDown();
                    return true;
                };
        try (PagingClock clock = new PagingClock(events::add, 1, tick)) {
            clock.begin();
            assertThat(events.poll(30, TimeUnit.SECONDS)).isEqualTo(new PagingEvent.Failed(cause));
            assertThat(again.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void whereNothingIsToBeLookedAtItSleepsUntilItIsCalled() throws InterruptedException {
        AtomicInteger ticks = new AtomicInteger();
        AtomicBoolean more = new AtomicBoolean();
        BooleanSupplier tick =
                () -> {
                    ticks.getAndIncrement();
                    return more.get();
                };
        try (PagingClock clock = new PagingClock(events::add, 1, tick)) {
            clock.begin();
            PagingThreads.awaitAsleep("paging-clock");
            int before = ticks.get();

            clock.tell(new PagingEvent.SourceAway());
            assertThat(events.poll(30, TimeUnit.SECONDS)).isEqualTo(new PagingEvent.SourceAway());
            PagingThreads.awaitAsleep("paging-clock");
            assertThat(ticks).as("telling is no reason to look").hasValue(before);

            more.set(true);
            clock.wake();
            while (ticks.get() < before + 3) {
                Thread.onSpinWait();
            }
            more.set(false);
            PagingThreads.awaitAsleep("paging-clock");
            clock.wake();
            clock.wake();
        }
    }

    /** A park of the listener, for a lock say, takes a call that was meant for the clock. */
    @Test
    void aCallThatTheListenerHasSwallowedIsHeardAllTheSame() throws InterruptedException {
        AtomicInteger ticks = new AtomicInteger();
        AtomicBoolean called = new AtomicBoolean();
        CountDownLatch told = new CountDownLatch(1);
        PagingListener listener =
                _ -> {
                    told.countDown();
                    while (!called.get()) {
                        Thread.onSpinWait();
                    }
                    LockSupport.park();
                };
        BooleanSupplier tick = () -> ticks.getAndIncrement() > 2;
        try (PagingClock clock = new PagingClock(listener, 1, tick)) {
            clock.begin();
            PagingThreads.awaitAsleep("paging-clock");
            clock.tell(new PagingEvent.SourceAway());
            told.await();
            clock.wake();
            called.set(true);
            while (ticks.get() < 5) {
                assertThat(Thread.interrupted()).as("the time is up").isFalse();
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void theEndThatTheListenerHasSwallowedIsHeardAllTheSame() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        AtomicReference<Thread> closing = new AtomicReference<>();
        PagingListener listener =
                _ -> {
                    told.countDown();
                    Thread closer = closing.get();
                    while (closer == null || closer.getState() != Thread.State.TIMED_WAITING) {
                        Thread.onSpinWait();
                        closer = closing.get();
                    }
                    LockSupport.park();
                };
        PagingClock clock = new PagingClock(listener, 1, () -> false);
        clock.begin();
        PagingThreads.awaitAsleep("paging-clock");
        clock.tell(new PagingEvent.SourceAway());
        told.await();
        Thread closer = Thread.ofPlatform().daemon().start(clock::close);
        closing.set(closer);
        assertThat(closer.join(Duration.ofSeconds(30))).as("closed").isTrue();
    }
}

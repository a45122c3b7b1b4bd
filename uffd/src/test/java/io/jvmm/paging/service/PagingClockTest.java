package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.PagingListener;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
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
}

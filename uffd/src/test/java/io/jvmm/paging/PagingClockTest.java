package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

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
        try (PagingClock clock = new PagingClock(listener, 1, () -> {})) {
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
        Runnable tick =
                () -> {
                    if (ticks.getAndIncrement() == 0) {
                        throw cause;
                    }
                    again.countDown();
                };
        try (PagingClock clock = new PagingClock(events::add, 1, tick)) {
            clock.begin();
            assertThat(events.poll(30, TimeUnit.SECONDS)).isEqualTo(new PagingEvent.Failed(cause));
            assertThat(again.await(30, TimeUnit.SECONDS)).isTrue();
        }
    }
}

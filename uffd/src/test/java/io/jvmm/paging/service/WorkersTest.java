// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

@Timeout(60)
class WorkersTest {

    private static final long MINUTE_NANOS = 60_000_000_000L;

    /** The second of its steps in a row is the one after which it rests. */
    private static final class Parking implements Workers.Work {
        final AtomicInteger steps = new AtomicInteger();
        final AtomicBoolean called = new AtomicBoolean();
        final CountDownLatch inLastStep = new CountDownLatch(1);

        @Override
        public long step() {
            if (steps.incrementAndGet() == 2) {
                inLastStep.countDown();
                while (!called.get()) {
                    Thread.onSpinWait();
                }
                // As a source that takes a lock may.
                LockSupport.park();
            }
            return Workers.UNTIL_SIGNALLED;
        }

        @Override
        public void failed(Throwable cause) {}
    }

    private final Parking work = new Parking();
    private final Workers workers = new Workers(1, work);

    @Test
    void aSignalThatTheSourceHasSwallowedIsHeardAllTheSame() throws InterruptedException {
        workers.begin();
        work.inLastStep.await();
        workers.signal();
        work.called.set(true);
        while (work.steps.get() < 3) {
            assertThat(Thread.interrupted()).as("the time is up").isFalse();
            Thread.onSpinWait();
        }
        assertThat(workers.close(System.nanoTime() + MINUTE_NANOS)).isTrue();
    }

    @Test
    void theEndThatTheSourceHasSwallowedIsHeardAllTheSame() throws InterruptedException {
        workers.begin();
        work.inLastStep.await();
        Thread closer =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> workers.close(System.nanoTime() + MINUTE_NANOS));
        while (closer.getState() != Thread.State.TIMED_WAITING) {
            assertThat(Thread.interrupted()).as("the time is up").isFalse();
            Thread.onSpinWait();
        }
        work.called.set(true);
        closer.join();
        assertThat(workers.close(System.nanoTime())).as("all have ended").isTrue();
    }

    @Test
    void aWorkerOutlivesAFailureThatCannotEvenBeTold() throws InterruptedException {
        CountDownLatch again = new CountDownLatch(3);
        Workers failing =
                new Workers(
                        1,
                        new Workers.Work() {
                            @Override
                            public long step() {
                                again.countDown();
                                throw new OutOfMemoryError("for now");
                            }

                            @Override
                            public void failed(Throwable cause) {
                                throw new OutOfMemoryError("nor for telling");
                            }
                        });
        failing.begin();
        again.await();
        assertThat(failing.close(System.nanoTime() + MINUTE_NANOS)).isTrue();
    }
}

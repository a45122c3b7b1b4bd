// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.EventFd;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Owners of eventfds hear of signals, one at a time, and never while their machine is paused. */
@Timeout(60)
class DoorbellThreadTest {

    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private final DoorbellThread thread = new DoorbellThread("test-doorbells", failures::add);
    private final EventFd first = EventFd.create();
    private final EventFd second = EventFd.create();

    @AfterEach
    void close() {
        thread.close();
        first.close();
        second.close();
    }

    private void watchBoth() {
        thread.watch(first, () -> heard.add("first"));
        thread.watch(second, () -> heard.add("second"));
    }

    @Test
    void eachOwnerHearsOfItsOwnEvent() throws Exception {
        watchBoth();
        second.signal();
        assertThat(heard.take()).isEqualTo("second");
        first.signal();
        assertThat(heard.take()).isEqualTo("first");
    }

    @Test
    void noneHearsDuringAPauseAndEachOnceAfterIt() throws Exception {
        watchBoth();
        thread.pause();
        first.signal();
        first.signal();
        second.signal();
        assertThat(heard.poll(100, TimeUnit.MILLISECONDS)).isNull();
        thread.resume();
        assertThat(new String[] {heard.take(), heard.take()})
                .containsExactlyInAnyOrder("first", "second");
        assertThat(heard).isEmpty();
    }

    @Test
    void aPauseWaitsForTheOwnerThatIsTold() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        thread.watch(
                first,
                () -> {
                    told.countDown();
                    try {
                        goOn.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    done.incrementAndGet();
                });
        first.signal();
        told.await();
        Thread pausing = Thread.ofPlatform().start(thread::pause);
        while (pausing.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
        }
        goOn.countDown();
        pausing.join();
        assertThat(done).hasValue(1);
    }

    @Test
    void whatIsDiscardedIsNotHeardOf() throws Exception {
        watchBoth();
        thread.pause();
        first.signal();
        thread.discard();
        second.signal();
        thread.resume();
        assertThat(heard.take()).isEqualTo("second");
        assertThat(heard).isEmpty();
    }

    @Test
    void whatAnOwnerThrowsIsTold() throws Exception {
        AssertionError error = new AssertionError("an owner's");
        thread.watch(
                first,
                () -> {
                    throw error;
                });
        first.signal();
        assertThat(failures.take()).isSameAs(error);
    }

    @Test
    void itEndsWhilePausedAndTwice() {
        watchBoth();
        thread.pause();
        first.signal();
        thread.close();
        thread.close();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(each -> each.getName().equals("test-doorbells"));
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;

import io.jvmm.ffi.linux.Epoll;
import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.UnixSocket;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

@Timeout(120)
class EventLoopTest {

    private final List<Throwable> failures = new ArrayList<>();
    private final List<LoopClient> opened = new ArrayList<>();

    private LoopClient open(String name) {
        LoopClient client = EventLoop.open(name, failures::add);
        opened.add(client);
        return client;
    }

    @AfterEach
    void noThreadIsLeft() {
        opened.forEach(LoopClient::close);
        assertThat(EventLoop.threads()).isZero();
        assertThat(threadsOfLoop()).isEmpty();
        assertThat(failures).isEmpty();
    }

    private static List<Thread> threadsOfLoop() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("jvmm-events"))
                .toList();
    }

    @Test
    void aThreadStartsWithTheFirstClientAndEndsWithTheLast() {
        assertThat(threadsOfLoop()).isEmpty();
        LoopClient first = open("first");
        LoopClient second = open("second");
        LoopClient third = open("third");
        assertThat(threadsOfLoop()).hasSizeBetween(1, 2);
        first.close();
        second.close();
        assertThat(threadsOfLoop()).isNotEmpty();
        third.close();
        assertThat(threadsOfLoop()).isEmpty();
    }

    @Test
    void tellsWhatADescriptorIsReadyFor() throws Exception {
        BlockingQueue<Integer> seen = new LinkedBlockingQueue<>();
        try (UnixSocket.Pair pair = UnixSocket.pair();
                Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1);
            pair.first().setNonBlocking(true);
            open("socket")
                    .watch(
                            pair.first(),
                            Epoll.EPOLLIN | Epoll.EPOLLET,
                            events -> {
                                try (Arena own = Arena.ofConfined()) {
                                    assertThat(pair.first().tryRead(own.allocate(8))).isOne();
                                }
                                seen.add(events);
                            });
            pair.second().write(one);
            assertThat(seen.take()).isEqualTo(Epoll.EPOLLIN);
            pair.second().write(one);
            assertThat(seen.take()).isEqualTo(Epoll.EPOLLIN);
            opened.forEach(LoopClient::close);
        }
    }

    @Test
    void aOneShotWatchIsToldOnceUntilItIsArmedAgain() throws Exception {
        try (EventFd event = EventFd.create()) {
            Semaphore told = new Semaphore(0);
            LoopClient client = open("one shot");
            DescriptorWatch watch =
                    client.watch(
                            event.fd(), Epoll.EPOLLIN | Epoll.EPOLLONESHOT, _ -> told.release());
            event.signal();
            told.acquire();
            awaitRound(client);
            assertThat(told.availablePermits()).isZero();
            watch.watchFor(Epoll.EPOLLIN | Epoll.EPOLLONESHOT);
            told.acquire();
            client.close();
        }
    }

    /** Returns when the thread has gone round once more than at the time of the call. */
    private static void awaitRound(LoopClient client) throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            CountDownLatch done = new CountDownLatch(1);
            LoopTask task = client.task(done::countDown);
            task.submit();
            done.await();
            task.close();
        }
    }

    @Test
    void aSignalOfAnEventFdIsToldAndTaken() throws Exception {
        try (EventFd event = EventFd.create()) {
            Semaphore told = new Semaphore(0);
            LoopClient client = open("eventfd");
            client.onSignal(event, told::release);
            for (int i = 0; i < 100; i++) {
                event.signal();
                told.acquire();
            }
            awaitRound(client);
            assertThat(told.availablePermits()).isZero();
            assertThat(event.take()).isZero();
            client.close();
        }
    }

    @Test
    void aDescriptorThatCannotBePolledIsRefused(@TempDir Path folder) {
        LoopClient client = open("file");
        try (Fd file = Fd.open(folder.resolve("file").toString(), Fd.O_WRONLY | Fd.O_CREAT)) {
            assertThatThrownBy(() -> client.watch(file, Epoll.EPOLLOUT, _ -> {}))
                    .isInstanceOfSatisfying(
                            KernelException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
        }
    }

    @Test
    void timersFireInTheirOrderAndNeverEarly() throws Exception {
        LoopClient client = open("timers");
        BlockingQueue<Integer> fired = new LinkedBlockingQueue<>();
        AtomicLong early = new AtomicLong();
        List<LoopTimer> timers = new ArrayList<>();
        long[] due = new long[20];
        for (int i = 0; i < due.length; i++) {
            int number = i;
            timers.add(
                    client.timer(() -> {
                        if (System.nanoTime() < due[number]) {
                            early.incrementAndGet();
                        }
                        fired.add(number);
                    }));
        }
        // Set by one task, so that none fires before all are set.
        LoopTask setAll =
                client.task(() -> {
                    for (int i : new int[] {7, 3, 19, 0, 12, 5}) {
                        due[i] = System.nanoTime() + (i + 1) * 3_000_000L;
                        timers.get(i).set(Duration.ofMillis((i + 1) * 3L));
                    }
                    timers.get(5).cancel();
                    timers.get(19).set(Duration.ofMillis(1));
                    due[19] = 0;
                });
        setAll.submit();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            order.add(fired.take());
        }
        assertThat(order).containsExactly(19, 0, 3, 7, 12);
        assertThat(early).hasValue(0);
        timers.get(1).set(Duration.ofDays(100_000_000));
        timers.get(2).set(Duration.ZERO);
        assertThat(fired.take()).isEqualTo(2);
        assertThat(fired).isEmpty();
    }

    @Test
    void tasksRunOnOneThreadAndASubmissionIsNeverLost() throws Exception {
        LoopClient client = open("tasks");
        AtomicInteger wanted = new AtomicInteger();
        AtomicInteger seen = new AtomicInteger();
        AtomicBoolean elsewhere = new AtomicBoolean();
        LoopTask task =
                client.task(() -> {
                    elsewhere.compareAndSet(false, !client.isOnLoop());
                    seen.set(wanted.get());
                });
        List<Thread> submitters = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            submitters.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int n = 0; n < 5_000; n++) {
                                    wanted.incrementAndGet();
                                    task.submit();
                                }
                            }));
        }
        for (Thread submitter : submitters) {
            submitter.join();
        }
        awaitRound(client);
        assertThat(seen).hasValue(15_000);
        assertThat(elsewhere).isFalse();
    }

    @Test
    void aTaskThatSubmitsItselfStarvesNothing() throws Exception {
        try (EventFd event = EventFd.create()) {
            LoopClient client = open("busy");
            AtomicReference<LoopTask> busy = new AtomicReference<>();
            busy.set(client.task(() -> busy.get().submit()));
            busy.get().submit();
            CountDownLatch told = new CountDownLatch(1);
            CountDownLatch fired = new CountDownLatch(1);
            client.onSignal(event, told::countDown);
            client.timer(fired::countDown).set(Duration.ofMillis(1));
            event.signal();
            told.await();
            fired.await();
            client.close();
        }
    }

    @Test
    void closingARegistrationWaitsForItsCallbackAndThenItNeverRuns() throws Exception {
        LoopClient client = open("close");
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        AtomicBoolean finished = new AtomicBoolean();
        AtomicInteger runs = new AtomicInteger();
        LoopTask task =
                client.task(() -> {
                    runs.incrementAndGet();
                    entered.countDown();
                    awaitQuietly(leave);
                    finished.set(true);
                });
        task.submit();
        entered.await();
        task.submit();
        AtomicBoolean finishedAtClose = new AtomicBoolean();
        Thread closer =
                Thread.ofPlatform()
                        .name("closer")
                        .start(() -> {
                            task.close();
                            finishedAtClose.set(finished.get());
                        });
        ThreadState.awaitWaiting(closer);
        leave.countDown();
        ThreadState.awaitEnd(closer);
        assertThat(finishedAtClose).isTrue();
        task.submit();
        awaitRound(client);
        assertThat(runs).hasValue(1);
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Each round closes a watch from another thread while its events come. */
    @Test
    void noCallbackRunsAfterCloseWhoeverRaces() throws Exception {
        LoopClient client = open("races");
        for (int round = 0; round < 500; round++) {
            EventFd event = EventFd.create();
            AtomicBoolean closed = new AtomicBoolean();
            AtomicBoolean late = new AtomicBoolean();
            CompletableFuture<Void> first = new CompletableFuture<>();
            DescriptorWatch watch =
                    client.watch(
                            event.fd(),
                            Epoll.EPOLLIN,
                            _ -> {
                                if (closed.get()) {
                                    late.set(true);
                                }
                                first.complete(null);
                            });
            event.signal();
            first.get(60, TimeUnit.SECONDS);
            watch.close();
            closed.set(true);
            event.close();
            assertThat(late).isFalse();
        }
        awaitRound(client);
    }

    @Test
    void aClientMayCloseItselfWithinItsCallback() throws Exception {
        LoopClient client = open("itself");
        CountDownLatch done = new CountDownLatch(1);
        client.task(
                        () -> {
                            client.close();
                            done.countDown();
                        })
                .submit();
        done.await();
        for (Thread thread : threadsOfLoop()) {
            ThreadState.awaitEnd(thread);
        }
        assertThatThrownBy(() -> client.task(() -> {})).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aClientThatThrowsIsDetachedAndTheOthersGoOn() throws Exception {
        for (Throwable planted :
                List.of(new IllegalStateException("planted"), new OutOfMemoryError("planted"))) {
            BlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
            AtomicInteger runs = new AtomicInteger();
            try (EventFd event = EventFd.create();
                    LoopClient bad =
                            EventLoop.open(
                                    "bad",
                                    cause -> {
                                        told.add(cause);
                                        throw new IllegalStateException("the owner throws too");
                                    })) {
                LoopClient[] good = new LoopClient[] {open("good"), open("as good")};
                bad.onSignal(
                        event,
                        () -> {
                            runs.incrementAndGet();
                            EventLoopTest.<RuntimeException>sneak(planted);
                        });
                event.signal();
                assertThat(told.take()).isSameAs(planted);
                event.signal();
                for (LoopClient client : good) {
                    awaitRound(client);
                }
                assertThat(runs).hasValue(1);
                assertThat(told).isEmpty();
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> void sneak(Throwable planted) throws T {
        throw (T) planted;
    }

    @Test
    void anIdleLoopDoesNotWakeUp() throws Exception {
        try (EventFd event = EventFd.create()) {
            LoopClient client = open("idle");
            client.onSignal(event, () -> {});
            client.timer(() -> {}).set(Duration.ofHours(1));
            awaitRound(client);
            ThreadState.awaitNative(threadsOfLoop());
            long before = client.wakeUpsOfThread();
            // What is tested is that nothing happens, so nothing can be awaited.
            Thread.sleep(1_500);
            assertThat(client.wakeUpsOfThread()).isEqualTo(before);
            client.close();
        }
    }

    @Test
    void eventsTasksAndTimersAllocateNothing() throws Exception {
        int warmUp = 20_000;
        int measured = 20_000;
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (EventFd event = EventFd.create()) {
            LoopClient client = open("allocation");
            long[] count = new long[1];
            long[] atStart = new long[1];
            CompletableFuture<Long> allocated = new CompletableFuture<>();
            AtomicReference<LoopTimer> timer = new AtomicReference<>();
            LoopTask task = client.task(() -> timer.get().setNanos(0));
            timer.set(client.timer(event::signal));
            client.onSignal(
                    event,
                    () -> {
                        count[0]++;
                        if (count[0] == warmUp) {
                            threads.getCurrentThreadAllocatedBytes();
                            atStart[0] = threads.getCurrentThreadAllocatedBytes();
                        }
                        if (count[0] == warmUp + measured) {
                            allocated.complete(
                                    threads.getCurrentThreadAllocatedBytes() - atStart[0]);
                        } else {
                            task.submit();
                        }
                    });
            event.signal();
            assertThat(allocated.get()).isZero();
            client.close();
        }
    }
}

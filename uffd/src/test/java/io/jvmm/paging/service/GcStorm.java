// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.kvm.KvmVcpu;
import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.PageRequest;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.Pattern;
import io.jvmm.paging.PatternSource;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A program that pages memory in while it collects garbage every 20 ms: a guest that adds up a word
 * of every page and writes another, and threads that touch memory as devices do, from Java, through
 * the gate or, to show what it is for, without. Arguments: {@code gated} or {@code ungated}, MiB (a
 * power of two, at most 1024), and {@code free} or {@code held}: whether pages come as they are
 * asked for, or none before a whole collection has gone by, which never does while a device waits
 * for it without the gate. Ends with 0 if the sum and all content were right.
 */
final class GcStorm {

    private static final Duration DEADLINE = Duration.ofMinutes(5);
    private static final long PAGE = Pattern.PAGE;
    private static final long MULTIPLIER = 5 + 8 * 1001;
    private static final int DEVICES = 3;
    // Threads of the source, as many as whoever asks: devices, the guest, workers.
    private static final int HELD_AT_ONCE = 8;
    // The guest writes here.
    private static final long GUESTS_WORD = 16;

    private final boolean gated;
    private final long bytes;
    private final boolean held;
    private final PatternSource pattern = new PatternSource(9);
    private final AtomicLong wrong = new AtomicLong();
    private final Collections collections = new Collections();
    private final AtomicBoolean ending = new AtomicBoolean();

    private GcStorm(boolean gated, long bytes, boolean held) {
        this.gated = gated;
        this.bytes = bytes;
        this.held = held;
    }

    public static void main(String... args) throws InterruptedException {
        GcStorm storm =
                new GcStorm(
                        args[0].equals("gated"),
                        Long.parseLong(args[1]) << 20,
                        args[2].equals("held"));
        boolean right = storm.run();
        System.out.printf("%d collections%n", storm.collections.count());
        System.exit(right ? 0 : 1);
    }

    private boolean run() throws InterruptedException {
        Thread collector = Thread.ofPlatform().start(this::collect);
        PagingConfig config = PagingConfig.defaults().withUnit(held ? 16 : 1, held ? 16 : 64);
        try (Mapping memory = Mapping.anonymous(bytes);
                Ring3Guest guest = new Ring3Guest(memory)) {
            // Before the guest, which waits for pages until this lets it go.
            try (FaultService service = new FaultService(source(), config, _ -> {})) {
                memory.tryAdvise(Advice.HUGEPAGE, 0, bytes);
                service.attach(List.of(new GuestRange(Ring3Guest.BASE, memory.address(), bytes)));
                KvmVcpu vcpu = guest.vcpu(0, pages(), MULTIPLIER, 1, pages());
                Toucher running = Toucher.start(() -> Ring3Guest.run(vcpu));
                touchAsDevices(memory, service);
                running.join();
                service.populate(Ring3Guest.BASE, bytes, DEADLINE);
                for (long page = 0; page < pages(); page++) {
                    check(memory, page);
                }
                if (Ring3Guest.sum(vcpu) != expectedSum()) {
                    wrong.incrementAndGet();
                }
            }
        } finally {
            ending.set(true);
        }
        collector.join();
        return wrong.get() == 0;
    }

    private RemoteSource source() {
        return held
                ? new RemoteSource(new HeldSource(pattern, collections), HELD_AT_ONCE, 0)
                : new RemoteSource(pattern, 2, 20_000);
    }

    private long pages() {
        return bytes / PAGE;
    }

    private void collect() {
        while (!ending.get()) {
            System.gc();
            collections.ended();
            try {
                // The interval of the storm, not a wait for anything.
                Thread.sleep(20);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Until nothing is missing. */
    private void touchAsDevices(Mapping memory, FaultService service) throws InterruptedException {
        Thread[] devices = new Thread[DEVICES];
        for (int device = 0; device < DEVICES; device++) {
            Random random = new Random(device);
            devices[device] =
                    Thread.ofPlatform()
                            .start(() -> {
                                while (!service.allPresent()) {
                                    long page = random.nextLong(pages());
                                    if (gated) {
                                        long gpa = Ring3Guest.BASE + page * PAGE;
                                        service.populate(gpa, PAGE, DEADLINE);
                                    }
                                    check(memory, page);
                                }
                            });
        }
        for (Thread device : devices) {
            device.join();
        }
    }

    private long expected(long page) {
        long gpa = Ring3Guest.BASE + page * PAGE;
        return pattern.isZero(gpa) ? 0 : Pattern.of(gpa);
    }

    private long expectedSum() {
        long sum = 0;
        for (long page = 0; page < pages(); page++) {
            sum += expected(page);
        }
        return sum;
    }

    private void check(Mapping memory, long page) {
        long value = expected(page);
        for (long at = 0; at < PAGE; at += Long.BYTES) {
            if (at != GUESTS_WORD && memory.segment().get(JAVA_LONG, page * PAGE + at) != value) {
                wrong.incrementAndGet();
            }
        }
    }

    /** How many full collections have ended. */
    private static final class Collections {

        private long ended;

        synchronized long count() {
            return ended;
        }

        synchronized void ended() {
            ended++;
            notifyAll();
        }

        /** Until one has begun and ended: the next to end may have stopped all threads before. */
        synchronized void awaitWhole() throws InterruptedException {
            long until = ended + 2;
            while (ended < until) {
                wait();
            }
        }
    }

    /** Answers after a collection. */
    private record HeldSource(PageSource behind, Collections collections) implements PageSource {

        @Override
        public boolean isSynchronous() {
            return true;
        }

        @Override
        public void fetch(PageRequest request, int first, int count) {
            try {
                collections.awaitWhole();
            } catch (InterruptedException e) {
                // The end: nobody asks for what comes now.
                Thread.currentThread().interrupt();
            }
            behind.fetch(request, first, count);
        }

        @Override
        public void close() {
            behind.close();
        }
    }
}

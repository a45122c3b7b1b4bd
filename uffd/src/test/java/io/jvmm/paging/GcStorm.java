package io.jvmm.paging;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Mapping;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A program that pages memory in while it collects garbage every 20 ms: a thread that stands for a
 * vCPU, and threads that read from Java, through the gate or, to show what it is for, without.
 * Arguments: {@code gated} or {@code ungated}, MiB. Ends with 0 if all content was right.
 */
final class GcStorm {

    private static final Duration DEADLINE = Duration.ofMinutes(2);

    private GcStorm() {}

    public static void main(String... args) throws InterruptedException {
        boolean gated = args[0].equals("gated");
        long bytes = Long.parseLong(args[1]) << 20;
        PatternSource pattern = new PatternSource(9);
        PagingConfig config = PagingConfig.defaults().withUnit(1, 64);
        AtomicLong wrong = new AtomicLong();
        Thread collector =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            while (true) {
                                System.gc();
                                sleep();
                            }
                        });
        Mapping memory = Mapping.anonymous(bytes);
        FaultService service =
                new FaultService(new RemoteSource(pattern, 2, 20_000), config, _ -> {});
        service.attach(List.of(new GuestRange(0, memory.address(), bytes)));
        Toucher guest =
                Toucher.start(() -> {
                    for (long at = bytes - Pattern.PAGE; at >= 0; at -= Pattern.PAGE) {
                        memory.tryAdvise(Advice.POPULATE_READ, at, Pattern.PAGE);
                    }
                    return 0;
                });
        Thread[] devices = new Thread[3];
        for (int t = 0; t < devices.length; t++) {
            Random random = new Random(t);
            devices[t] =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int i = 0; i < 20_000; i++) {
                                    long gpa = random.nextLong(bytes / Pattern.PAGE) * Pattern.PAGE;
                                    if (gated) {
                                        service.populate(gpa, Pattern.PAGE, DEADLINE);
                                    }
                                    check(memory, pattern, gpa, wrong);
                                }
                            });
        }
        for (Thread device : devices) {
            device.join();
        }
        guest.join();
        service.populate(0, bytes, DEADLINE);
        for (long gpa = 0; gpa < bytes; gpa += Pattern.PAGE) {
            check(memory, pattern, gpa, wrong);
        }
        service.close();
        memory.close();
        System.exit(wrong.get() == 0 && collector.isAlive() ? 0 : 1);
    }

    private static void check(Mapping memory, PatternSource pattern, long gpa, AtomicLong wrong) {
        long value = pattern.isZero(gpa) ? 0 : Pattern.of(gpa);
        if (!Pattern.isFullOf(memory.segment(), gpa, value)) {
            wrong.incrementAndGet();
        }
    }

    private static void sleep() {
        try {
            // The interval of the storm, not a wait for anything.
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

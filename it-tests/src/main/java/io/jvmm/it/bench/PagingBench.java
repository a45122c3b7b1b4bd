package io.jvmm.it.bench;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.paging.FaultService;
import io.jvmm.paging.FilePageSource;
import io.jvmm.paging.GuestRange;
import io.jvmm.paging.MemoryPageSource;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.StallHistogram;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Pages per second: single faults, faults with what lies around them, and the filling of all memory
 * from a file in the page cache. C programs do what others ship: a single-page loop for faults, and
 * two for filling. Both sides run in turns; ratios are medians over pairs.
 */
final class PagingBench {

    private static final long PAGE = 4096;
    private static final int FAULTS = 8192;
    private static final int ROUNDS = 9;

    private PagingBench() {}

    static void run(String... args) throws IOException, InterruptedException {
        long fill = (args.length > 0 ? Long.parseLong(args[0]) : 1024) << 20;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : ROUNDS;
        Path file = Files.createTempFile("jvmm-bench-", ".img");
        try {
            write(file, fill);
            // What the host gives out for the first time costs it time: touch it all before.
            touch(fill);
            try (CReference c = CReference.start("paging", file.toString(), Long.toString(fill));
                    Fd image = Fd.open(file.toString(), Fd.O_RDONLY)) {
                new Rounds(c, image, fill, rounds).print();
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void write(Path file, long bytes) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(1 << 20);
        Arrays.fill(block.array(), (byte) 0x5A);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (long at = 0; at < bytes; at += block.capacity()) {
                channel.write(block.clear(), at);
            }
        }
    }

    private static void touch(long bytes) {
        try (Mapping memory = Mapping.anonymous(bytes)) {
            memory.tryAdvise(Advice.HUGEPAGE, 0, bytes);
            memory.tryAdvise(Advice.POPULATE_WRITE, 0, bytes);
        }
    }

    /** The measurements, each a time of ours beside one of C's. */
    private record Rounds(CReference c, Fd image, long fill, int rounds) {

        void print() throws IOException, InterruptedException {
            System.out.printf("%-10s %14s %14s %8s%n", "", "Java pages/s", "C pages/s", "ratio");
            double single = faults("copy", false);
            faults("continue", true);
            double ahead = prefetched();
            System.out.printf("%-10s %14.0f%n", "prefetch", ahead);
            System.out.printf("RATIO paging.prefetch-to-single %.1f%n", ahead / single);
            fills();
        }

        /** Pages per second of single faults. */
        private double faults(String order, boolean shared)
                throws IOException, InterruptedException {
            double[] ours = new double[rounds];
            double[] theirs = new double[rounds];
            double[] ratios = new double[rounds];
            StallHistogram stalls = null;
            single(shared);
            for (int i = 0; i < rounds; i++) {
                if (i % 2 != 0) {
                    theirs[i] = nanos(order + " " + FAULTS);
                }
                Result result = single(shared);
                ours[i] = result.nanos;
                stalls = result.stalls;
                if (i % 2 == 0) {
                    theirs[i] = nanos(order + " " + FAULTS);
                }
                ratios[i] = theirs[i] / ours[i];
            }
            double rate = FAULTS * 1e9 / median(ours);
            System.out.printf(
                    "%-10s %14.0f %14.0f %8.3f%n",
                    order, rate, FAULTS * 1e9 / median(theirs), median(ratios));
            if (stalls != null) {
                System.out.printf(
                        "           stall p50 %d us, p99 %d us, max %d us%n",
                        stalls.percentileNanos(0.5) / 1000,
                        stalls.percentileNanos(0.99) / 1000,
                        stalls.maxNanos() / 1000);
            }
            System.out.printf("RATIO paging.%s %.3f%n", order, median(ratios));
            return rate;
        }

        private Result single(boolean shared) throws InterruptedException {
            long bytes = FAULTS * PAGE;
            PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
            try (Mapping content = Mapping.anonymous(bytes)) {
                content.segment().fill((byte) 1);
                PageSource source = new MemoryPageSource(0, content.segment());
                return shared ? onMemfd(bytes, source, config) : onAnonymous(bytes, source, config);
            }
        }

        private static Result onAnonymous(long bytes, PageSource source, PagingConfig config)
                throws InterruptedException {
            try (Mapping memory = Mapping.anonymous(bytes)) {
                return touched(memory, source, config);
            }
        }

        private static Result onMemfd(long bytes, PageSource source, PagingConfig config)
                throws InterruptedException {
            try (Memfd file = Memfd.create("bench", bytes);
                    Mapping alias = file.mapShared();
                    Mapping memory = file.mapShared()) {
                PagingConfig.Alias whole = new PagingConfig.Alias(0, alias.segment(), file.fd(), 0);
                return touched(memory, source, config.withAliases(List.of(whole)));
            }
        }

        /** Pages per second when each fault brings 2 MiB. */
        private double prefetched() throws InterruptedException {
            double[] nanos = new double[rounds];
            PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(512, 512);
            for (int i = 0; i < rounds; i++) {
                touch(fill);
                nanos[i] = onAnonymous(fill, source(), config).nanos;
            }
            return (double) fill / PAGE * 1e9 / median(nanos);
        }

        private PageSource source() {
            return new FilePageSource(image, List.of(new FilePageSource.Part(0, 0, fill)));
        }

        private void fills() throws IOException, InterruptedException {
            double[] ours = new double[rounds];
            double[] toPread = new double[rounds];
            double[] toMapped = new double[rounds];
            for (int i = 0; i < rounds; i++) {
                touch(fill);
                double pread = nanos("pread");
                touch(fill);
                ours[i] = swept();
                touch(fill);
                double mapped = nanos("mapped");
                toPread[i] = pread / ours[i];
                toMapped[i] = mapped / ours[i];
            }
            System.out.printf("fill of %d MiB: %.2f GB/s%n", fill >> 20, fill / median(ours));
            System.out.printf("RATIO paging.fill-to-pread-copy %.2f%n", median(toPread));
            System.out.printf("RATIO paging.fill-to-mapped-copy %.2f%n", median(toMapped));
        }

        /** Nanoseconds until the sweep has brought all. */
        private double swept() throws InterruptedException {
            CountDownLatch complete = new CountDownLatch(1);
            try (Mapping memory = Mapping.anonymous(fill);
                    FaultService service =
                            new FaultService(
                                    source(),
                                    PagingConfig.defaults().withUnit(512, 512),
                                    event -> {
                                        if (event instanceof PagingEvent.Complete) {
                                            complete.countDown();
                                        }
                                    })) {
                memory.tryAdvise(Advice.HUGEPAGE, 0, fill);
                long start = System.nanoTime();
                service.attach(List.of(new GuestRange(0, memory.address(), fill)));
                complete.await();
                return System.nanoTime() - start;
            }
        }

        private double nanos(String order) throws IOException {
            return Long.parseLong(c.ask(order).substring("ns ".length()));
        }
    }

    private record Result(double nanos, StallHistogram stalls) {}

    /** Every page once, by one thread, in order, within system calls. */
    private static Result touched(Mapping memory, PageSource source, PagingConfig config)
            throws InterruptedException {
        try (FaultService service = new FaultService(source, config, _ -> {})) {
            memory.tryAdvise(
                    config.maxUnit() == 1 ? Advice.NOHUGEPAGE : Advice.HUGEPAGE,
                    0,
                    memory.sizeBytes());
            service.attach(List.of(new GuestRange(0, memory.address(), memory.sizeBytes())));
            long start = System.nanoTime();
            Thread toucher =
                    Thread.ofPlatform()
                            .start(() -> {
                                for (long at = 0; at < memory.sizeBytes(); at += PAGE) {
                                    memory.tryAdvise(Advice.POPULATE_READ, at, PAGE);
                                }
                            });
            toucher.join();
            return new Result(System.nanoTime() - start, service.statistics().stalls());
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

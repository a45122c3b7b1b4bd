// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.ffi.linux.Advice;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.linux.Memfd;
import io.jvmm.paging.PageSource;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.StallHistogram;
import io.jvmm.paging.service.FaultService;
import io.jvmm.paging.source.FilePageSource;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Pages per second of a guest whose memory is missing: single faults, faults with what lies around
 * them, and the filling of all memory from a file in the page cache. A C program runs the same
 * guest and does what others ship: one thread that answers one message with one page, and two
 * single-page loops that fill. The service is shown as it is by default, and with one reader like
 * theirs; and beside it the same loop in Java without a service, which tells what part of a
 * difference is Java's. All run in turns; ratios are medians over pairs of ours and theirs.
 */
final class PagingBench {

    private static final long PAGE = 4096;
    private static final int ROUNDS = 9;
    private static final int FAULTS = 8192;
    private static final int[] VCPUS = {1, 2, 4, 8};
    private static final int MOST_VCPUS = 8;
    private static final int NATIVE_RING = 3;
    private static final PagingConfig WHOLE_CHUNKS = PagingConfig.defaults().withUnit(512, 512);
    private static final int WARM_UP_FAULTS = 8192;

    private final PrintStream out;
    private final int rounds;
    private final int faults;
    private final int ring;
    private final long fill;
    private final int[] vcpuCounts;
    private final StringBuilder ratios = new StringBuilder();

    private PagingBench(
            PrintStream out, long fill, int rounds, int faults, int ring, int... vcpuCounts) {
        this.vcpuCounts = vcpuCounts;
        this.out = out;
        this.fill = fill;
        this.rounds = rounds;
        this.faults = faults;
        this.ring = ring;
    }

    /**
     * {@code [MIB [ROUNDS [FAULTS [RING [VCPUS]]]]]}: how much to fill (1024 at most; 0 for single
     * faults only), how often to measure, how many single faults each time, the guest's ring, and
     * how many vCPUs (else 1, 2, 4 and 8, one after the other).
     */
    static void run(String... args) throws IOException, InterruptedException {
        run(System.out, args);
    }

    static void run(PrintStream out, String... args) throws IOException, InterruptedException {
        new PagingBench(
                        out,
                        (long) argument(0, 1024, args) << 20,
                        argument(1, ROUNDS, args),
                        argument(2, FAULTS, args),
                        argument(3, NATIVE_RING, args),
                        args.length > 4 ? new int[] {Integer.parseInt(args[4])} : VCPUS)
                .run();
    }

    private static int argument(int index, int otherwise, String... args) {
        return args.length > index ? Integer.parseInt(args[index]) : otherwise;
    }

    private void run() throws IOException, InterruptedException {
        Path file = Files.createTempFile("jvmm-bench-", ".img");
        try {
            write(file, fill);
            String[] arguments = {file.toString(), Long.toString(fill), Integer.toString(ring)};
            try (CReference c = CReference.start("paging", arguments);
                    Fd image = Fd.open(file.toString(), Fd.O_RDONLY)) {
                measure(c, image);
            }
        } finally {
            Files.delete(file);
        }
        out.println();
        out.print(ratios);
    }

    private void measure(CReference c, Fd image) throws IOException, InterruptedException {
        PagingConfig config = PagingConfig.defaults().withSweep(false).withUnit(1, 1);
        warmUp(config);
        out.printf(
                "paging, guest in ring %d, %d rounds, memory touched before%n%n%-22s %10s %10s %7s"
                        + " %29s%n",
                ring, rounds, "", "Java", "C", "", "stalls in us");
        out.printf(
                "%-22s %10s %10s %7s %9s %9s %9s%n",
                "", "pages/s", "pages/s", "ratio", "p50", "p99", "max");
        double single = faults(c, config);
        if (fill == 0) {
            return;
        }
        PageSource source = new FilePageSource(image, List.of(part()));
        for (int vcpus : vcpuCounts) {
            prefetched(source, vcpus, single);
        }
        fills(c, source);
    }

    private void warmUp(PagingConfig config) throws IOException, InterruptedException {
        WarmUp.with(limit -> {
            for (boolean shared : new boolean[] {false, true}) {
                if (limit.isOver()) {
                    return;
                }
                // Faults that come alone, and many at a time, are not served in the same way.
                single(shared, WARM_UP_FAULTS, service(1, config));
                single(shared, WARM_UP_FAULTS, service(MOST_VCPUS, config));
                single(shared, WARM_UP_FAULTS, bare(1));
            }
        });
    }

    private FilePageSource.Part part() {
        return new FilePageSource.Part(ReadingGuest.BASE, 0, fill);
    }

    private static void write(Path file, long bytes) throws IOException {
        ByteBuffer block = ByteBuffer.allocate(1 << 20);
        Arrays.fill(block.array(), (byte) ReadingGuest.WORD);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (long at = 0; at < bytes; at += block.capacity()) {
                channel.write(block.clear(), at);
            }
        }
    }

    /** What the host gives out for the first time costs it time. */
    private static void touch(long bytes) {
        try (Mapping memory = Mapping.anonymous(bytes)) {
            memory.tryAdvise(Advice.HUGEPAGE, 0, bytes);
            memory.tryAdvise(Advice.POPULATE_WRITE, 0, bytes);
        }
    }

    /** Single faults; returns the pages per second of one vCPU and anonymous memory. */
    private double faults(CReference c, PagingConfig config)
            throws IOException, InterruptedException {
        List<Row> rows = new ArrayList<>();
        for (boolean shared : new boolean[] {false, true}) {
            for (int vcpus : vcpuCounts) {
                rows.add(new Row(shared, vcpus, "", service(vcpus, config)));
                if (vcpus > 1) {
                    Way way = service(vcpus, config.withShards(1));
                    rows.add(new Row(shared, vcpus, "-one-reader", way));
                }
                rows.add(new Row(shared, vcpus, "-bare-loop", bare(vcpus)));
            }
        }
        // All of them in each round: what the machine does meanwhile then meets all alike. The
        // first round does not count.
        for (int round = -1; round < rounds; round++) {
            for (Row row : rows) {
                row.measure(c, round);
            }
            out.print('.');
            out.flush();
        }
        out.println();
        for (Row row : rows) {
            print(row.name(), faults, row.ours, row.theirs, row.stalls);
        }
        return faults * 1e9 / median(rows.getFirst().ours);
    }

    /** A way to serve single faults, beside that of C. */
    private final class Row {
        private final boolean shared;
        private final int vcpus;
        private final String variant;
        private final Way way;
        final double[] ours = new double[rounds];
        final double[] theirs = new double[rounds];
        @Nullable StallHistogram stalls;

        Row(boolean shared, int vcpus, String variant, Way way) {
            this.shared = shared;
            this.vcpus = vcpus;
            this.variant = variant;
            this.way = way;
        }

        String name() {
            return "%s-%d%s".formatted(shared ? "continue" : "copy", vcpus, variant);
        }

        void measure(CReference c, int round) throws IOException, InterruptedException {
            String order = "%s %d %d".formatted(shared ? "continue" : "copy", vcpus, faults);
            boolean first = round % 2 == 0;
            double before = first ? 0 : nanos(c, order);
            Result result = single(shared, faults, way);
            double after = first ? nanos(c, order) : 0;
            if (round >= 0) {
                ours[round] = result.nanos;
                theirs[round] = before + after;
                stalls = result.stalls;
            }
        }
    }

    private void print(
            String name,
            long pages,
            double[] ours,
            double[] theirs,
            @Nullable StallHistogram stalls) {
        double[] pairs = new double[ours.length];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = theirs[i] / ours[i];
        }
        double rate = pages * 1e9 / median(ours);
        out.printf(
                "%-22s %10.0f %10.0f %7.3f",
                name, rate, pages * 1e9 / median(theirs), median(pairs));
        print(stalls);
        ratios.append("RATIO paging.%s %.3f%n".formatted(name, median(pairs)));
    }

    private void print(@Nullable StallHistogram stalls) {
        if (stalls != null) {
            out.printf(
                    " %9d %9d %9d",
                    stalls.percentileNanos(0.5) / 1000,
                    stalls.percentileNanos(0.99) / 1000,
                    stalls.maxNanos() / 1000);
        }
        out.println();
    }

    /**
     * How a run went.
     *
     * @param stalls null if nobody has kept account of them
     */
    private record Result(double nanos, @Nullable StallHistogram stalls) {}

    /** Somebody who puts single pages in place while a guest reads all. */
    private interface Way {
        /**
         * One run.
         *
         * @param shared what all the memory is a mapping of, and another mapping of it, in which
         *     pages are filled; null if it is anonymous
         */
        Result run(Mapping memory, @Nullable Shared shared) throws InterruptedException;
    }

    private record Shared(Memfd file, Mapping alias) {}

    /** The service: each page is fetched when the guest touches it, and nothing else is. */
    private Way service(int vcpus, PagingConfig config) {
        return (memory, shared) -> {
            PagingConfig used = config;
            if (shared != null) {
                used =
                        config.withAliases(
                                List.of(
                                        new PagingConfig.Alias(
                                                ReadingGuest.BASE,
                                                shared.alias.segment(),
                                                shared.file.fd(),
                                                0)));
            }
            return run(memory, vcpus, new OnePage(), used, false);
        };
    }

    /** No service. */
    private Way bare(int vcpus) {
        return (memory, shared) -> {
            Mapping alias = shared == null ? null : shared.alias;
            return new Result(BareLoop.nanos(ring, vcpus, memory, alias), null);
        };
    }

    private Result single(boolean shared, int pages, Way way) throws InterruptedException {
        long bytes = pages * PAGE;
        touch(bytes);
        if (!shared) {
            try (Mapping memory = Mapping.anonymous(bytes)) {
                memory.tryAdvise(Advice.NOHUGEPAGE, 0, bytes);
                return way.run(memory, null);
            }
        }
        try (Memfd file = Memfd.create("bench", bytes);
                Mapping alias = file.mapShared();
                Mapping memory = file.mapShared()) {
            return way.run(memory, new Shared(file, alias));
        }
    }

    /** The guest goes through all memory, in units of 2 MiB and with the sweep. */
    private void prefetched(PageSource source, int vcpus, double single)
            throws InterruptedException {
        double[] nanos = new double[rounds];
        Result result = whole(source, vcpus);
        for (int i = 0; i < rounds; i++) {
            result = whole(source, vcpus);
            nanos[i] = result.nanos;
        }
        long pages = fill / PAGE;
        double rate = pages * 1e9 / median(nanos);
        out.printf("prefetch-%-13d %10.0f %10s %7s", vcpus, rate, "", "");
        print(result.stalls);
        ratios.append("RATIO paging.prefetch-%d-to-single %.1f%n".formatted(vcpus, rate / single));
    }

    private Result whole(PageSource source, int vcpus) throws InterruptedException {
        touch(fill);
        try (Mapping memory = Mapping.anonymous(fill)) {
            memory.tryAdvise(Advice.HUGEPAGE, 0, fill);
            return run(memory, vcpus, source, WHOLE_CHUNKS, true);
        }
    }

    /**
     * Nanoseconds until all vCPUs were everywhere.
     *
     * @param whole whether the service's beginning counts, as it does when it fetches ahead
     */
    private Result run(
            Mapping memory, int vcpus, PageSource source, PagingConfig config, boolean whole)
            throws InterruptedException {
        try (ReadingGuest guest = new ReadingGuest(ring, vcpus, memory.sizeBytes() / PAGE);
                FaultService service = new FaultService(source, config, _ -> {})) {
            guest.addMemory(memory);
            long start = System.nanoTime();
            service.attach(List.of(ReadingGuest.range(memory)));
            long read = guest.run(null);
            return new Result(
                    whole ? System.nanoTime() - start : read, service.statistics().stalls());
        }
    }

    private void fills(CReference c, PageSource source) throws IOException, InterruptedException {
        double[] ours = new double[rounds];
        double[] toPread = new double[rounds];
        double[] toMapped = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            touch(fill);
            double pread = nanos(c, "pread");
            touch(fill);
            ours[i] = swept(source);
            touch(fill);
            toPread[i] = pread / ours[i];
            toMapped[i] = nanos(c, "mapped") / ours[i];
        }
        out.printf("%nfill of %d MiB: %.2f GB/s%n", fill >> 20, fill / median(ours));
        ratios.append("RATIO paging.fill-to-pread-copy %.2f%n".formatted(median(toPread)));
        ratios.append("RATIO paging.fill-to-mapped-copy %.2f%n".formatted(median(toMapped)));
    }

    /** Nanoseconds until the sweep has brought all. */
    private double swept(PageSource source) throws InterruptedException {
        CountDownLatch complete = new CountDownLatch(1);
        try (Mapping memory = Mapping.anonymous(fill);
                FaultService service =
                        new FaultService(
                                source,
                                PagingConfig.defaults(),
                                event -> {
                                    if (event instanceof PagingEvent.Complete) {
                                        complete.countDown();
                                    }
                                })) {
            memory.tryAdvise(Advice.HUGEPAGE, 0, fill);
            long start = System.nanoTime();
            service.attach(List.of(ReadingGuest.range(memory)));
            complete.await();
            return System.nanoTime() - start;
        }
    }

    private double nanos(CReference c, String order) throws IOException {
        if (!order.equals("pread") && !order.equals("mapped")) {
            touch(faults * PAGE);
        }
        return Long.parseLong(c.ask(order).substring("ns ".length()));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

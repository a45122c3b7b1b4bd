// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import com.sun.management.ThreadMXBean;

import io.jvmm.guest.Payload;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Time of a port exit: from the guest's {@code OUT} through the exit loop, the bus and a device,
 * back into the guest. A C program does the same with the same guest; both warm up, then run in
 * turns. The ratio is the median over pairs of neighbouring blocks: whatever else the machine does,
 * it does to both halves of a pair.
 */
final class ExitsBench {

    private static final List<Payload> GUESTS =
            List.of(Payload.REAL_PORTS, Payload.RING0_PORTS, Payload.RING3_PORTS);
    private static final int WARM_UP_BLOCKS = 10;
    private static final int BLOCKS = 31;
    private static final int EXITS = 10_000;

    private ExitsBench() {}

    static void run(String... args) throws IOException, InterruptedException {
        int blocks = args.length > 0 ? Integer.parseInt(args[0]) : BLOCKS;
        StringBuilder ratios = new StringBuilder();
        System.out.printf(
                "port exits, medians of %d blocks of %d, ns per exit; ratio of pairs%n%n",
                blocks, EXITS);
        System.out.printf(
                "%-14s %10s %10s %8s %12s%n", "guest", "Java", "C", "ratio", "bytes/exit");
        for (Payload guest : GUESTS) {
            Result result = measure(guest, blocks);
            System.out.printf(
                    "%-14s %10.0f %10.0f %8.3f %12.3f%n",
                    guest.id(), result.javaNanos, result.cNanos, result.ratio, result.bytesPerExit);
            ratios.append("RATIO exits.%s %.3f%n".formatted(guest.id(), result.ratio));
        }
        System.out.println();
        System.out.print(ratios);
    }

    private record Result(double javaNanos, double cNanos, double ratio, double bytesPerExit) {}

    private static Result measure(Payload guest, int blocks)
            throws IOException, InterruptedException {
        Path image = Files.createTempFile("jvmm-bench-", guest.fileName());
        try {
            // The C program tells flat images from ELF by the name.
            Path named = image.resolveSibling(guest.fileName());
            Files.write(named, guest.bytes());
            try (ExitsGuest java = new ExitsGuest(guest);
                    CReference c = CReference.start("exits", named.toString())) {
                return inTurns(java, c, blocks);
            } finally {
                Files.deleteIfExists(named);
            }
        } finally {
            Files.deleteIfExists(image);
        }
    }

    private static Result inTurns(ExitsGuest java, CReference c, int blocks) throws IOException {
        for (int i = 0; i < WARM_UP_BLOCKS; i++) {
            java.run(EXITS);
            blockOf(c);
        }
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        double[] ours = new double[blocks];
        double[] theirs = new double[blocks];
        double[] ratios = new double[blocks];
        long bytes = 0;
        for (int i = 0; i < blocks; i++) {
            // Each goes first in half of the pairs.
            if (i % 2 != 0) {
                theirs[i] = blockOf(c);
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            ours[i] = (double) java.run(EXITS) / EXITS;
            bytes += threads.getCurrentThreadAllocatedBytes() - before;
            if (i % 2 == 0) {
                theirs[i] = blockOf(c);
            }
            ratios[i] = ours[i] / theirs[i];
        }
        return new Result(
                median(ours), median(theirs), median(ratios), (double) bytes / blocks / EXITS);
    }

    private static double blockOf(CReference c) throws IOException {
        return (double) nanosOf(c.ask("run " + EXITS)) / EXITS;
    }

    private static long nanosOf(String answer) {
        return Long.parseLong(answer.substring("ns ".length()));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

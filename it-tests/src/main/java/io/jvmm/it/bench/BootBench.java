// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.host.HostProfiles;
import io.jvmm.host.HostQuirks;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmProcess;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How long {@code vmm --kernel} takes from its start to the shell, with what the host profile asks
 * for and with {@code --host-quirks off}, in turns. Where the profile asks for nothing both are the
 * same; where it does, the kernel does not come up without.
 */
public final class BootBench {

    /** Its name. */
    public static final String NAME = "boot";

    private static final String SMALL = "small";
    private static final int ROUNDS = 9;
    private static final Duration LIMIT = Duration.ofMinutes(90);

    private final PrintStream out;
    private final Path kernel;
    private final Path initramfs;

    private BootBench(PrintStream out, String name) {
        this.out = out;
        LinuxImages images = LinuxImages.locate();
        boolean small = name.equals(SMALL);
        kernel = small ? images.smallKernel() : images.kernel(DebianKernel.Line.ofVersion(name));
        initramfs = small ? images.smallInitramfs() : images.initramfs();
    }

    /** {@code [KERNEL [ROUNDS]]}: the small kernel or the version of a stock one; how often. */
    static void run(String... args) {
        run(System.out, args);
    }

    static void run(PrintStream out, String... args) {
        String name = args.length > 0 ? args[0] : SMALL;
        new BootBench(out, name).run(name, args.length > 1 ? Integer.parseInt(args[1]) : ROUNDS);
    }

    private void run(String name, int rounds) {
        HostQuirks quirks = new HostProfiles(ImageCache.ofUser().root().resolve("host")).quirks();
        boolean both = quirks.isEmpty();
        // The first of each reads files and fills caches.
        seconds("auto", quirks);
        if (both) {
            seconds("off", quirks);
        }
        double[] with = new double[rounds];
        double[] without = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            if (both && i % 2 != 0) {
                without[i] = seconds("off", quirks);
            }
            with[i] = seconds("auto", quirks);
            if (both && i % 2 == 0) {
                without[i] = seconds("off", quirks);
            }
        }
        out.printf("%s: from the command to the shell, medians of %d, seconds%n%n", name, rounds);
        out.printf("--host-quirks auto  %.2f  %s%n", median(with), told(quirks));
        if (both) {
            out.printf("--host-quirks off   %.2f%n%n", median(without));
            out.printf("RATIO boot.%s-auto-to-off %.3f%n", name, ratio(with, without));
        } else {
            out.printf("--host-quirks off   does not come up on a host that interprets ring 0%n");
        }
    }

    private static String told(HostQuirks quirks) {
        return quirks.isEmpty() ? "nothing added, nothing completed" : quirks.toString();
    }

    private double seconds(String mode, HostQuirks quirks) {
        List<String> arguments =
                List.of(
                        "--kernel",
                        kernel.toString(),
                        "--initrd",
                        initramfs.toString(),
                        "--memory",
                        "256M",
                        "--append",
                        "quiet panic=-1",
                        "--host-quirks",
                        mode);
        long begin = System.nanoTime();
        try (VmProcess vm = VmProcess.start(new ArrayList<>(arguments))) {
            vm.waitForText(LinuxGuest.READY, LIMIT).waitForText(LinuxGuest.PROMPT, LIMIT);
            double took = (System.nanoTime() - begin) / 1e9;
            if (quirks.isEmpty() && vm.errorLog().contains("interprets")) {
                throw new IllegalStateException("added on this host: " + vm.errorLog());
            }
            return took;
        }
    }

    private static double ratio(double[] ours, double[] theirs) {
        double[] pairs = new double[ours.length];
        for (int i = 0; i < pairs.length; i++) {
            pairs[i] = ours[i] / theirs[i];
        }
        return median(pairs);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The initramfs that stock kernels are booted with: busybox, and a shell on the serial console.
 *
 * <p>It says {@link #READY} once the shell is about to start. {@code poweroff -f} then ends the
 * guest through ACPI, {@code reboot -f} resets it, and {@code echo c > /proc/sysrq-trigger} makes
 * its kernel panic, which it reports to a pvpanic device.
 */
public final class LinuxGuest {

    /** Printed on the console when the guest is up; kernel release and number of CPUs follow. */
    public static final String READY = "jvmm-guest: up";

    /** What the guest's shell prints when it waits for a command. */
    public static final String PROMPT = "guest# ";

    /** By its name for memory-mapped devices, but it drives the device at its port as well. */
    private static final List<String> MODULES = List.of("pvpanic-mmio");

    private static final String INIT = "linux-init.sh";

    private LinuxGuest() {}

    /**
     * The initramfs for kernels of every line, compressed, in the cache.
     *
     * @throws ImageException if busybox or a kernel cannot be fetched
     */
    public static Path initramfs(ImageCache cache, DebianPackages packages) {
        Path busybox = InitramfsBuilder.busybox(packages);
        List<DebianKernel> kernels =
                Stream.of(DebianKernel.Line.values())
                        .map(line -> DebianKernel.fetch(packages, line))
                        .toList();
        List<String> inputs = new ArrayList<>(List.of(ImageCache.sha256(busybox), script()));
        kernels.forEach(kernel -> inputs.add(kernel.modules().toString()));
        return cache.entry(
                "guests/linux-" + ImageCache.keyOf(inputs) + ".cpio.gz",
                target -> build(busybox, kernels).writeCompressed(target));
    }

    /**
     * The initramfs for a kernel without modules, such as {@link SmallLinux}, in the cache. It is
     * not compressed: unpacking it would be the longest part of a boot where ring 0 is interpreted.
     *
     * @throws ImageException if busybox cannot be fetched
     */
    public static Path plainInitramfs(ImageCache cache, DebianPackages packages) {
        Path busybox = InitramfsBuilder.busybox(packages);
        String key = ImageCache.keyOf(List.of(ImageCache.sha256(busybox), script()));
        return cache.entry(
                "guests/plain-" + key + ".cpio", target -> build(busybox, List.of()).write(target));
    }

    private static InitramfsBuilder build(Path busybox, List<DebianKernel> kernels) {
        InitramfsBuilder builder = new InitramfsBuilder().withBusybox(busybox).withInit(script());
        for (DebianKernel kernel : kernels) {
            builder.withModules(kernel.release(), KernelModules.in(kernel.modules()), MODULES);
        }
        return builder;
    }

    private static String script() {
        try (InputStream in = LinuxGuest.class.getResourceAsStream(INIT)) {
            if (in == null) {
                throw new AssertionError("the jar lacks " + INIT);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + INIT, e);
        }
    }
}

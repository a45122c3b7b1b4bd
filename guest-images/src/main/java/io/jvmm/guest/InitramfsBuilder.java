// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/**
 * Puts an initramfs together: busybox with all its applets, kernel modules, and the program that
 * Linux runs first. Equal input makes equal bytes.
 *
 * <p>Not safe for use by several threads.
 */
public final class InitramfsBuilder {

    private static final List<String> DIRECTORIES =
            List.of("bin", "dev", "etc", "lib/modules", "proc", "root", "run", "sys", "tmp");

    private final CpioArchive archive = new CpioArchive();

    /** Starts with empty directories for the usual mounts, and a console for the first program. */
    public InitramfsBuilder() {
        DIRECTORIES.forEach(archive::directory);
        archive.characterDevice("dev/console", 0600, 5, 1);
        archive.characterDevice("dev/null", 0666, 1, 3);
    }

    /** The archive so far, for whatever else is to go in. */
    public CpioArchive archive() {
        return archive;
    }

    /**
     * Adds busybox and a link for each of its applets.
     *
     * @param busybox a statically linked busybox, such as {@link #busybox} finds
     */
    public InitramfsBuilder withBusybox(Path busybox) {
        HostCommand.Outcome applets =
                HostCommand.run(
                        List.of(busybox.toString(), "--list"),
                        Path.of("/"),
                        Duration.ofSeconds(20),
                        "it must be a program for this machine");
        archive.file("bin/busybox", busybox, 0755);
        applets.output()
                .lines()
                .filter(applet -> !applet.equals("busybox") && !archive.contains("bin/" + applet))
                .forEach(applet -> archive.symlink("bin/" + applet, "busybox"));
        return this;
    }

    /**
     * Adds modules and what they need to the folder {@code /lib/modules/<release>}, to be loaded
     * with {@code insmod} in the order that its file {@code order} lists them in. Kernels of
     * several releases find their own there.
     */
    public InitramfsBuilder withModules(String release, KernelModules modules, List<String> names) {
        String folder = "lib/modules/" + release + "/";
        StringBuilder order = new StringBuilder();
        for (Map.Entry<String, byte[]> each : modules.withDependencies(names).entrySet()) {
            String file = each.getKey() + ".ko";
            archive.file(folder + file, each.getValue(), 0644);
            order.append(file).append('\n');
        }
        return withText(folder + "order", order.toString());
    }

    /** Sets the script that Linux runs as the first program. */
    public InitramfsBuilder withInit(String script) {
        archive.file("init", script.getBytes(StandardCharsets.UTF_8), 0755);
        return this;
    }

    /** Adds a plain file. */
    public InitramfsBuilder withText(String path, String text) {
        archive.file(path, text.getBytes(StandardCharsets.UTF_8), 0644);
        return this;
    }

    /** Writes the initramfs as it is. */
    public void write(Path target) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16)) {
            archive.writeTo(out);
        }
    }

    /** Writes the initramfs compressed by gzip, which every kernel can unpack. */
    public void writeCompressed(Path target) throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(target), 1 << 16)) {
            archive.writeTo(out);
        }
    }

    /**
     * A statically linked busybox, from Debian's package.
     *
     * @throws ImageException if it cannot be fetched
     */
    public static Path busybox(DebianPackages packages) {
        Path files = packages.unpacked("bookworm", "busybox-static");
        Path inUsr = files.resolve("usr/bin/busybox");
        return Files.exists(inUsr) ? inUsr : files.resolve("bin/busybox");
    }
}

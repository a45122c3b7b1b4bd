// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.framework;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.LinuxGuest;
import io.jvmm.guest.SmallLinux;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Kernels to boot as guests, and the initramfs of each: from a folder if {@link #FOLDER_PROPERTY}
 * names one, as in the lab, which has no network; else fetched by package, or built.
 */
public final class LinuxImages {

    /** System property with a folder that has all files by the names given here. */
    public static final String FOLDER_PROPERTY = "jvmm.images";

    /** File name of the stock kernels' initramfs in such a folder. */
    public static final String INITRAMFS = "linux-guest.cpio.gz";

    /** File name of the small kernel in such a folder. */
    public static final String SMALL_KERNEL = "vmlinuz-small";

    /** File name of the small kernel's initramfs in such a folder. */
    public static final String SMALL_INITRAMFS = "small-guest.cpio";

    private final Optional<Path> folder;

    private LinuxImages(Optional<Path> folder) {
        this.folder = folder;
    }

    /** The images of this machine. Nothing is fetched yet. */
    public static LinuxImages locate() {
        return new LinuxImages(
                Optional.ofNullable(System.getProperty(FOLDER_PROPERTY)).map(Path::of));
    }

    /** File name of a stock kernel in such a folder. */
    public static String kernelFile(DebianKernel.Line line) {
        return "vmlinuz-" + line.version();
    }

    /** The bzImage of the newest kernel of a line. */
    public Path kernel(DebianKernel.Line line) {
        return inFolder(kernelFile(line), () -> DebianKernel.fetch(packages(), line).image());
    }

    /** The initramfs that {@link LinuxGuest} describes, for stock kernels. */
    public Path initramfs() {
        return inFolder(INITRAMFS, () -> LinuxGuest.initramfs(ImageCache.ofUser(), packages()));
    }

    /**
     * The bzImage of the {@link SmallLinux}, for tests that need a Linux and care for nothing but
     * how soon it is up. Building it, once, takes longer than a test may: ask before one begins.
     */
    public Path smallKernel() {
        return inFolder(
                SMALL_KERNEL, () -> SmallLinux.build(ImageCache.ofUser(), packages()).image());
    }

    /** The initramfs that {@link LinuxGuest} describes, for the small kernel. */
    public Path smallInitramfs() {
        return inFolder(
                SMALL_INITRAMFS, () -> LinuxGuest.plainInitramfs(ImageCache.ofUser(), packages()));
    }

    private Path inFolder(String name, Supplier<Path> otherwise) {
        return folder.map(images -> images.resolve(name)).orElseGet(otherwise);
    }

    private static DebianPackages packages() {
        return new DebianPackages(ImageCache.ofUser());
    }
}

package io.jvmm.it.framework;

import io.jvmm.guest.DebianKernel;
import io.jvmm.guest.DebianPackages;
import io.jvmm.guest.ImageCache;
import io.jvmm.guest.LinuxGuest;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Stock kernels, and the initramfs to boot them with: from a folder if {@link #FOLDER_PROPERTY}
 * names one, as in the lab, which has no network; else fetched by package.
 */
public final class LinuxImages {

    /** System property with a folder that has {@link #kernelFile} and {@link #INITRAMFS}. */
    public static final String FOLDER_PROPERTY = "jvmm.images";

    /** File name of the initramfs in such a folder. */
    public static final String INITRAMFS = "linux-guest.cpio.gz";

    private final Optional<Path> folder;

    private LinuxImages(Optional<Path> folder) {
        this.folder = folder;
    }

    /** The images of this machine. Nothing is fetched yet. */
    public static LinuxImages locate() {
        return new LinuxImages(
                Optional.ofNullable(System.getProperty(FOLDER_PROPERTY)).map(Path::of));
    }

    /** File name of a kernel in such a folder. */
    public static String kernelFile(DebianKernel.Line line) {
        return "vmlinuz-" + line.version();
    }

    /** The bzImage of the newest kernel of a line. */
    public Path kernel(DebianKernel.Line line) {
        return folder.map(images -> images.resolve(kernelFile(line)))
                .orElseGet(() -> DebianKernel.fetch(packages(), line).image());
    }

    /** The initramfs that {@link LinuxGuest} describes. */
    public Path initramfs() {
        return folder.map(images -> images.resolve(INITRAMFS))
                .orElseGet(() -> LinuxGuest.initramfs(ImageCache.ofUser(), packages()));
    }

    private static DebianPackages packages() {
        return new DebianPackages(ImageCache.ofUser());
    }
}

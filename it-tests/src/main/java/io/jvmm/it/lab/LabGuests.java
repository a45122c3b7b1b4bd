package io.jvmm.it.lab;

import io.jvmm.guest.DebianKernel;
import io.jvmm.it.framework.LinuxImages;

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;

/** The Linux guests that are put into the lab, fetched before it starts. */
final class LabGuests {

    /** Folder of the lab that {@link LinuxImages} is pointed at. */
    static final String FOLDER = LabTask.FOLDER + "/images";

    static final String INITRAMFS_IN_LAB = FOLDER + "/" + LinuxImages.INITRAMFS;

    private final Map<DebianKernel.Line, Path> kernels = new EnumMap<>(DebianKernel.Line.class);
    private final Path initramfs;

    private LabGuests(Path initramfs) {
        this.initramfs = initramfs;
    }

    /** All kernel lines and the initramfs they are booted with. */
    static LabGuests fetch() {
        LinuxImages images = LinuxImages.locate();
        LabGuests guests = new LabGuests(images.initramfs());
        for (DebianKernel.Line line : DebianKernel.Line.values()) {
            guests.kernels.put(line, images.kernel(line));
        }
        return guests;
    }

    static String kernelInLab(String version) {
        return FOLDER + "/" + LinuxImages.kernelFile(DebianKernel.Line.ofVersion(version));
    }

    void addTo(LabTask task) {
        kernels.forEach((line, file) -> task.with(kernelInLab(line.version()), file));
        task.with(INITRAMFS_IN_LAB, initramfs);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.guest.DebianKernel;
import io.jvmm.it.framework.LinuxImages;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The Linux guests that are put into the lab, fetched or built before it starts.
 *
 * @param files of this machine, by the names under which {@link LinuxImages} looks for them
 */
record LabGuests(Map<String, Path> files) {

    /** Folder of the lab that {@link LinuxImages} is pointed at. */
    static final String FOLDER = LabTask.FOLDER + "/images";

    /** All stock kernels, the small one, and what they are booted with. */
    static LabGuests fetch() {
        LinuxImages images = LinuxImages.locate();
        Map<String, Path> files = new LinkedHashMap<>();
        for (DebianKernel.Line line : DebianKernel.Line.values()) {
            files.put(LinuxImages.kernelFile(line), images.kernel(line));
        }
        files.put(LinuxImages.INITRAMFS, images.initramfs());
        files.put(LinuxImages.SMALL_KERNEL, images.smallKernel());
        files.put(LinuxImages.SMALL_INITRAMFS, images.smallInitramfs());
        return new LabGuests(files);
    }

    /** Where the lab has a file. */
    static String inLab(String name) {
        return FOLDER + "/" + name;
    }

    void addTo(LabTask task) {
        files.forEach((name, file) -> task.with(inLab(name), file));
    }
}

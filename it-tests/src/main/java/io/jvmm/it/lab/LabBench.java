// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.it.bench.BenchMain;
import io.jvmm.it.bench.BootBench;
import io.jvmm.it.bench.CPrograms;
import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmmJar;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Runs a benchmark in the lab. The C programs that it compares with are compiled on this machine.
 *
 * <p>The lab's clock follows the host's and its processor is emulated: the ratios mean something,
 * the times do not.
 */
final class LabBench {

    private static final String PROGRAMS = LabTask.FOLDER + "/bench";
    private static final String JAR = LabTask.FOLDER + "/vmm.jar";

    private LabBench() {}

    /**
     * The task that runs a benchmark by name; it may take as long as it likes.
     *
     * @throws LabException if the C programs cannot be compiled
     */
    static LabTask run(List<String> arguments) {
        LabClassPath classPath = LabClassPath.ofBuild();
        // Compiling takes the lab minutes, which it would take from what is measured.
        List<String> command = LabJava.command("-Xbatch", "--enable-native-access=ALL-UNNAMED");
        command.add("-D" + CPrograms.FOLDER_PROPERTY + "=" + PROGRAMS);
        command.add("-D" + LinuxImages.FOLDER_PROPERTY + "=" + LabGuests.FOLDER);
        command.add("-D" + VmmJar.PROPERTY + "=" + JAR);
        command.addAll(List.of("-cp", classPath.joined(), BenchMain.class.getName()));
        command.addAll(arguments);
        LabTask task = new LabTask(command, Optional.empty());
        classPath.addTo(task);
        if (arguments.contains(BootBench.NAME)) {
            task.with(JAR, VmmJar.locate());
            LabGuests.fetch().addTo(task);
        }
        for (Path program : compiled()) {
            task.with(PROGRAMS + "/" + program.getFileName(), program);
        }
        return task;
    }

    private static List<Path> compiled() {
        try {
            return CPrograms.compileAll();
        } catch (IOException e) {
            throw new LabException("cannot compile the C programs: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while compiling the C programs", e);
        }
    }
}

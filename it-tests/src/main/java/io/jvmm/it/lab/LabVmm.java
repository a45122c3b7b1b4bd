// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import io.jvmm.it.framework.LinuxImages;
import io.jvmm.it.framework.VmmJar;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tasks for a developer's hands: {@code vmm.jar} with the user's own arguments, and a shell.
 *
 * <p>An argument, or the part of one behind {@code =}, that names a file of this machine goes into
 * the lab, and its name there takes its place.
 */
final class LabVmm {

    private static final String JAR = LabTask.FOLDER + "/vmm.jar";

    private LabVmm() {}

    /** {@code vmm.jar} with these arguments; it may run for ever. */
    static LabTask run(List<String> arguments) {
        Map<String, Path> files = new LinkedHashMap<>();
        List<String> command = runJar();
        arguments.forEach(argument -> command.add(translated(argument, files)));
        LabTask task = new LabTask(command, Optional.empty()).with(JAR, VmmJar.locate());
        files.forEach(task::with);
        return task;
    }

    /** A shell with {@code java}, {@code vmm} and kernels to boot. */
    static LabTask shell(LabGuests guests) {
        List<String> command = List.of("sh", "-c", "cat " + LabTask.FOLDER + "/welcome; exec sh");
        LabTask task = new LabTask(command, Optional.empty()).with(JAR, VmmJar.locate());
        guests.addTo(task);
        return task.withScript(
                        "/bin/vmm", "#!/bin/sh\nexec " + String.join(" ", runJar()) + " \"$@\"\n")
                .withScript(
                        LabTask.FOLDER + "/welcome",
                        """
                        A shell in the lab; 'exit' ends it. Try:
                          vmm --kernel %s --initrd %s --append console=ttyS0
                        """
                                .formatted(
                                        LabGuests.inLab(LinuxImages.SMALL_KERNEL),
                                        LabGuests.inLab(LinuxImages.SMALL_INITRAMFS)));
    }

    private static List<String> runJar() {
        List<String> command = LabJava.command();
        command.addAll(List.of("-jar", JAR));
        return command;
    }

    /** The argument as it is meant in the lab; a file that it names is added to {@code files}. */
    static String translated(String argument, Map<String, Path> files) {
        int value = argument.startsWith("-") ? argument.indexOf('=') + 1 : 0;
        Path file = Path.of(argument.substring(value));
        if ((argument.startsWith("-") && value == 0) || !Files.isRegularFile(file)) {
            return argument;
        }
        String inLab = LabTask.FOLDER + "/files/" + files.size() + "/" + file.getFileName();
        files.put(inLab, file);
        return argument.substring(0, value) + inLab;
    }
}

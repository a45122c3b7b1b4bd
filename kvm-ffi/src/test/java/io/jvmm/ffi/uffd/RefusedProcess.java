// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jvmm.ffi.linux.KernelException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** A program with fewer rights than this one, which says why it may not have a userfaultfd. */
final class RefusedProcess {

    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");

    private RefusedProcess() {}

    /** Whether this process is one that can give up rights. */
    static boolean canBeStarted() throws IOException {
        return Files.isExecutable(SETPRIV)
                && (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
    }

    /** What the program has printed: the refusal, or nothing. */
    static String output(List<String> rights, Feature... features)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(SETPRIV.toString());
        command.addAll(rights);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(RefusedProcess.class.getName());
        for (Feature feature : features) {
            command.add(feature.name());
        }
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        process.waitFor();
        return output.strip();
    }

    public static void main(String[] features) {
        Set<Feature> required = EnumSet.noneOf(Feature.class);
        for (String feature : features) {
            required.add(Feature.valueOf(feature));
        }
        try {
            Userfaultfd.open(required).close();
        } catch (KernelException e) {
            System.out.println(e.getMessage());
        }
    }
}

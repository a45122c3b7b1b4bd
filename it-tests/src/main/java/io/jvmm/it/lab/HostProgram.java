// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs a program of this machine to its end. */
final class HostProgram {

    private HostProgram() {}

    /**
     * What the program printed on both its streams.
     *
     * @param remedy what to do if it is not there
     * @throws LabException if it cannot be run or fails
     */
    static String run(List<String> command, String remedy) {
        Process process;
        try {
            process = new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new LabException("cannot run " + command.getFirst() + ": " + remedy, e);
        }
        try {
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int exitCode = process.waitFor();
            if (exitCode != 0) {
                throw new LabException(
                        "%s failed with exit code %d: %s"
                                .formatted(command.getFirst(), exitCode, output.strip()));
            }
            return output;
        } catch (IOException e) {
            throw new LabException("cannot read what " + command.getFirst() + " prints", e);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new LabException("interrupted while running " + command.getFirst(), e);
        }
    }
}

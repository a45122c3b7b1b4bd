// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Reads what the lab sent over its second serial port: a tar archive, or nothing if it failed. */
final class LabResults {

    private LabResults() {}

    /**
     * Unpacks the results.
     *
     * @throws LabException if there are none, or not all
     */
    static LabOutcome unpack(Path archive, Path target, LabConsole console) throws IOException {
        Files.createDirectories(target);
        if (!Files.exists(archive) || Files.size(archive) == 0) {
            throw new LabException(
                    "the lab ended without a result; its console ends with:\n" + console.tail());
        }
        try (TarArchiveInputStream in = new TarArchiveInputStream(Files.newInputStream(archive))) {
            for (TarArchiveEntry entry = in.getNextEntry();
                    entry != null;
                    entry = in.getNextEntry()) {
                Path path = entry.resolveIn(target);
                if (entry.isDirectory()) {
                    Files.createDirectories(path);
                } else {
                    Files.createDirectories(path.getParent());
                    Files.copy(in, path, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        } catch (IOException e) {
            throw new LabException("the lab's results are damaged: " + e.getMessage(), e);
        }
        Path exit = target.resolve("exit");
        if (!Files.exists(exit)) {
            throw new LabException("the lab's results lack the exit code");
        }
        return new LabOutcome(Integer.parseInt(Files.readString(exit).strip()), target);
    }
}

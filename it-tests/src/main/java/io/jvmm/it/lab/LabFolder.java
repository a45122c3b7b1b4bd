// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The folder of one run of the lab, empty at first.
 *
 * @param path where it is
 */
record LabFolder(Path path) implements AutoCloseable {

    /** A new folder among this machine's temporary files. */
    static LabFolder temporary() {
        try {
            return new LabFolder(Files.createTempDirectory("jvmm-lab-"));
        } catch (IOException e) {
            throw new LabException("cannot create a folder for the lab", e);
        }
    }

    /** A folder of this name, without what an earlier run left in it. */
    static LabFolder emptied(Path path) {
        LabFolder folder = new LabFolder(path.toAbsolutePath());
        folder.close();
        try {
            Files.createDirectories(folder.path);
            return folder;
        } catch (IOException e) {
            throw new LabException("cannot create the folder " + path, e);
        }
    }

    /** The path of a file in this folder. */
    Path resolve(String name) {
        return path.resolve(name);
    }

    /** Removes the folder with all that is in it. */
    @Override
    public void close() {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> found = Files.walk(path)) {
            List<Path> deepestFirst = found.sorted(Comparator.reverseOrder()).toList();
            for (Path each : deepestFirst) {
                Files.delete(each);
            }
        } catch (IOException e) {
            throw new LabException("cannot remove " + path, e);
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.containers;

import com.github.dockerjava.api.model.AccessMode;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Volume;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.testcontainers.utility.DockerImageName;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * An image without content, in which this machine's programs and libraries are mounted, read-only:
 * nothing is fetched from a registry, and what runs is what was built here.
 */
final class HostImage {

    private static final String NAME = "jvmm-host";
    private static final String TAG = "test";
    private static final List<String> SYSTEM = List.of("/usr", "/bin", "/lib", "/lib64");

    private HostImage() {}

    /** Imports it into the engine; returns its name. */
    static DockerImageName make() throws IOException, InterruptedException {
        // By the client program: docker-java ends the stream too early.
        Process docker =
                new ProcessBuilder("docker", "import", "-", NAME + ":" + TAG)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (OutputStream input = docker.getOutputStream()) {
            input.write(emptyFolders());
        }
        if (docker.waitFor() != 0) {
            throw new IOException("docker import has failed");
        }
        return DockerImageName.parse(NAME + ":" + TAG);
    }

    private static byte[] emptyFolders() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            for (String folder : List.of("dev/", "etc/", "proc/", "sys/", "tmp/")) {
                tar.putArchiveEntry(new TarArchiveEntry(folder));
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    /**
     * Where the system, the Java runtime and the class path are on the host, to be mounted there.
     * By the engine's own interface: Testcontainers would try its mounts with an image of its own
     * first.
     *
     * @param more further files and folders
     */
    static List<Bind> binds(List<Path> more) {
        Set<Path> paths = new LinkedHashSet<>(more);
        SYSTEM.stream().map(Path::of).filter(Files::exists).forEach(paths::add);
        paths.add(Path.of(System.getProperty("java.home")));
        Pattern.compile(File.pathSeparator, Pattern.LITERAL)
                .splitAsStream(System.getProperty("java.class.path"))
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).toAbsolutePath())
                .filter(Files::exists)
                .forEach(paths::add);
        return paths.stream()
                .filter(path -> isTop(path, paths))
                .map(path -> new Bind(path.toString(), new Volume(path.toString()), AccessMode.ro))
                .toList();
    }

    private static boolean isTop(Path path, Set<Path> paths) {
        return paths.stream().noneMatch(other -> !other.equals(path) && path.startsWith(other));
    }
}

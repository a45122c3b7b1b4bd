// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a Java process in the lab loads its classes from: the class path of this process, and the
 * test classes of all modules of the build, which this process does not have on its own.
 *
 * @param entries jars and folders of this machine, in their order
 */
record LabClassPath(List<Path> entries) {

    /** System property with the class path to take when it is not that of this process. */
    static final String PROPERTY = "jvmm.lab.classpath";

    /** System property with the root of the build, whose folders are its modules. */
    static final String ROOT_PROPERTY = "jvmm.root";

    private static final Path TEST_SOURCES = Path.of("src/test/java");
    private static final Path TEST_CLASSES = Path.of("target/test-classes");

    /**
     * The class path of this process, and the test classes of all modules if it was told the root
     * of the build.
     *
     * @throws LabException if a module has tests that are not compiled
     */
    static LabClassPath ofBuild() {
        Set<Path> entries = new LinkedHashSet<>(ofThisProcess());
        String root = System.getProperty(ROOT_PROPERTY);
        if (root != null) {
            entries.addAll(testClasses(Path.of(root).toAbsolutePath()));
        }
        return new LabClassPath(List.copyOf(entries));
    }

    /** Adds all entries to a task. */
    void addTo(LabTask task) {
        for (int i = 0; i < entries.size(); i++) {
            task.with(inLab(i), entries.get(i));
        }
    }

    /** The class path as the lab sees it. */
    String joined() {
        return joined(entries);
    }

    /** The folders with test classes as the lab sees them, as a class path. */
    String testFolders() {
        return joined(entries.stream().filter(each -> each.endsWith(TEST_CLASSES)).toList());
    }

    private String joined(List<Path> chosen) {
        return IntStream.range(0, entries.size())
                .filter(i -> chosen.contains(entries.get(i)))
                .mapToObj(this::inLab)
                .collect(Collectors.joining(":"));
    }

    private String inLab(int index) {
        return "%s/cp/%d-%s".formatted(LabTask.FOLDER, index, entries.get(index).getFileName());
    }

    private static List<Path> ofThisProcess() {
        String joined = System.getProperty(PROPERTY, System.getProperty("java.class.path"));
        return Pattern.compile(File.pathSeparator, Pattern.LITERAL)
                .splitAsStream(joined)
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).toAbsolutePath())
                .filter(Files::exists)
                .toList();
    }

    private static List<Path> testClasses(Path root) {
        try (Stream<Path> folders = Files.list(root)) {
            List<Path> found = new ArrayList<>();
            for (Path module : (Iterable<Path>) folders.sorted()::iterator) {
                if (Files.isDirectory(module.resolve(TEST_SOURCES))) {
                    Path classes = module.resolve(TEST_CLASSES);
                    if (!Files.isDirectory(classes)) {
                        throw new LabException(
                                "the tests of %s are not compiled: run mvn test-compile in %s"
                                        .formatted(module.getFileName(), root));
                    }
                    found.add(classes);
                }
            }
            return found;
        } catch (IOException e) {
            throw new LabException("cannot read the build in " + root, e);
        }
    }
}

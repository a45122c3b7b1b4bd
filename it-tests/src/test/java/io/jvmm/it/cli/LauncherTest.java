// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmmJar;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** {@code ./vmm}, in a tree whose jar is built already. */
class LauncherTest {

    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final List<String> SOURCES =
            List.of("kvm-ffi", "uffd", "guest-images", "vmm-core", "vmm-cli");

    @TempDir private Path tree;

    @BeforeEach
    void plant() throws IOException {
        Path jar = VmmJar.locate();
        Path launcher =
                Stream.iterate(jar, folder -> folder != null, Path::getParent)
                        .map(folder -> folder.resolve("vmm"))
                        .filter(Files::isExecutable)
                        .filter(Files::isRegularFile)
                        .findFirst()
                        .orElseThrow();
        Files.copy(launcher, tree.resolve("vmm"), StandardCopyOption.COPY_ATTRIBUTES);
        for (String module : SOURCES) {
            Path main = Files.createDirectories(tree.resolve(module).resolve("src/main"));
            age(main);
            age(Files.createFile(main.getParent().resolveSibling("pom.xml")));
        }
        age(Files.createFile(tree.resolve("pom.xml")));
        Files.createDirectories(tree.resolve("vmm-cli/target"));
        Files.copy(jar, jar());
    }

    private static void age(Path path) throws IOException {
        Files.setLastModifiedTime(path, FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
    }

    private Path jar() {
        return tree.resolve("vmm-cli/target/vmm.jar");
    }

    /** Runs a shell's command in the tree, with the JDK of these tests. */
    private VmProcess shell(String command) {
        String home = System.getProperty("java.home");
        return VmProcess.launch(
                List.of(
                        "sh",
                        "-c",
                        "cd '%s' && JAVA_HOME='%s' && export JAVA_HOME && %s"
                                .formatted(tree, home, command)));
    }

    @ParameterizedTest
    @CsvSource({
        "env -u HOME ./vmm --version",
        "env -i JAVA_HOME=\"$JAVA_HOME\" ./vmm --version",
        "env -i JAVA_HOME=\"$JAVA_HOME\" LC_ALL=C ./vmm --version",
        "ln -s vmm link; ./link --version",
        "cd vmm-cli; ../vmm --version",
        "mkdir bin; ln -s ../vmm bin/vmm; PATH=$PWD/bin:$PATH; cd /; vmm --version"
    })
    void itStartsInAnyEnvironmentAndFromAnyFolder(String command) {
        try (VmProcess vmm = shell(command)) {
            vmm.expectExit(0, LIMIT);

            assertThat(vmm.serialLog()).startsWith("vmm ");
            assertThat(vmm.errorLog()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"C", "POSIX", "C.UTF-8", "no_NO.such"})
    void aFileMayHaveAnyNameInAnyLocale(String locale) {
        String name = "kernel-\303\274-\342\202\254";
        String command =
                """
                name="$(printf 'kernel-\\303\\274-\\342\\202\\254')"; echo text >"$name"
                LC_ALL=%s exec ./vmm --serial none --kernel "$name"\
                """
                        .formatted(locale);
        try (VmProcess vmm = shell(command)) {
            vmm.expectExit(3, LIMIT);

            assertThat(vmm.errorLog()).contains(name, "is not a kernel for x86-64");
        }
    }

    @Test
    void theFolderMayHaveAnyName() {
        String command =
                """
                folder="$(printf '\\303\\274ber dir')"; mkdir "$folder"
                cp -a vmm pom.xml kvm-ffi uffd guest-images vmm-core vmm-cli "$folder"
                LC_ALL=C exec "$folder/vmm" --version\
                """;
        try (VmProcess vmm = shell(command)) {
            vmm.expectExit(0, LIMIT);

            assertThat(vmm.errorLog()).isEmpty();
        }
    }

    /** A runtime that only says what its standard streams are. */
    private Path streamTeller() throws IOException {
        Path home = tree.resolve("jdk");
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
        Path java = home.resolve("bin/java");
        Files.writeString(
                java,
                """
                #!/bin/sh
                streams=$(for fd in 0 1 2; do readlink "/proc/$$/fd/$fd" || echo closed; done)
                echo "$streams" >"$STREAMS"
                """);
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        return home;
    }

    @ParameterizedTest
    @CsvSource({"<&-, 0", ">&-, 1", "2>&-, 2", "<&- >&-, 0 1", "<&- >&- 2>&-, 0 1 2"})
    void aDescriptorThatIsClosedIsTheNullDevice(String redirections, String closed)
            throws IOException {
        Path home = streamTeller();
        Path streams = tree.resolve("streams");
        String command =
                "JAVA_HOME='%s' STREAMS='%s' ./vmm %s".formatted(home, streams, redirections);
        try (VmProcess vmm = shell(command)) {
            vmm.expectExit(0, LIMIT);
        }

        List<String> targets = Files.readAllLines(streams);
        List<String> dropped = new ArrayList<>();
        for (int i = 0; i < targets.size(); i++) {
            if (targets.get(i).equals("/dev/null")) {
                dropped.add(Integer.toString(i));
            }
        }
        assertThat(String.join(" ", dropped)).as("%s", targets).isEqualTo(closed);
        assertThat(targets).doesNotContain("closed");
    }

    @Test
    void tooLittleAddressSpaceIsSaidInOneLine() {
        try (VmProcess vmm = shell("ulimit -v 1000000; exec ./vmm")) {
            vmm.expectExit(4, LIMIT);

            assertThat(vmm.errorLog().lines())
                    .singleElement()
                    .asString()
                    .startsWith("vmm: the limit of address space (ulimit -v) is 1000000 KiB");
        }
    }

    /** Classes that a run takes from the archive. */
    private long archived() throws IOException {
        Path log = tree.resolve("classes");
        try (VmProcess vmm =
                shell(
                        "JDK_JAVA_OPTIONS=-Xlog:class+load:file='%s' exec ./vmm --version"
                                .formatted(log))) {
            vmm.expectExit(0, LIMIT);
        }
        try (Stream<String> lines = Files.lines(log)) {
            return lines.filter(line -> line.contains("io.jvmm."))
                    .filter(line -> line.contains("shared objects file (top)"))
                    .count();
        }
    }

    @Test
    void anArchiveThatFitsNoMoreIsMadeAnew() throws IOException {
        assertThat(archived()).as("first").isPositive();
        Path archive = tree.resolve("vmm-cli/target/vmm.jsa");
        FileTime first = Files.getLastModifiedTime(archive);
        assertThat(archived()).as("second").isPositive();
        assertThat(Files.getLastModifiedTime(archive)).isEqualTo(first);

        // What a build does: the same classes in a jar of another time.
        Path rebuilt = Files.copy(jar(), tree.resolve("rebuilt"));
        Files.move(rebuilt, jar(), StandardCopyOption.REPLACE_EXISTING);
        Files.setLastModifiedTime(jar(), FileTime.from(Instant.now()));

        assertThat(archived()).as("rebuilt").isPositive();
        FileTime second = Files.getLastModifiedTime(archive);
        assertThat(second).isGreaterThan(first);
        assertThat(archived()).as("after it").isPositive();
        assertThat(Files.getLastModifiedTime(archive)).isEqualTo(second);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Every source file names its licence; {@code java .ci/Licence.java write} adds the line. */
class LicenceTest {

    private static final List<String> ENDINGS = List.of(".java", ".c", ".h", ".S", ".inc", ".sh");

    private static final Path ROOT = Path.of(System.getProperty("jvmm.root", ".."));

    @Test
    void everySourceFileNamesItsLicence() throws IOException {
        List<Path> sources = files(ENDINGS);

        assertThat(sources).hasSizeGreaterThan(300);
        assertThat(sources)
                .filteredOn(file -> !begin(file).contains("SPDX-License-Identifier: Apache-2.0\n"))
                .isEmpty();
    }

    @Test
    void thePatchesToLinuxAreUnderItsLicence() throws IOException {
        List<Path> patches = files(List.of(".patch"));

        assertThat(patches)
                .isNotEmpty()
                .allMatch(file -> begin(file).contains("SPDX-License-Identifier: GPL-2.0-only\n"));
        assertThat(Files.readString(ROOT.resolve("NOTICE"))).contains("GPL-2.0-only");
    }

    /** The first three lines: a script's interpreter may come first. */
    private static String begin(Path file) {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.UTF_8)) {
            return String.join("\n", lines.limit(3).toList()) + "\n";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** All but what jextract generated and what a build left behind. */
    private static List<Path> files(List<String> endings) throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.filter(file -> endings.stream().anyMatch(file.toString()::endsWith))
                    .filter(file -> {
                        String name = ROOT.relativize(file).toString();
                        return !name.contains("target/")
                                && !name.contains("/ffi/gen/")
                                && !name.startsWith(".git");
                    })
                    .toList();
        }
    }
}

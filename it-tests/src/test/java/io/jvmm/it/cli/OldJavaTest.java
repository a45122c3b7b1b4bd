// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jvmm.it.framework.VmProcess;
import io.jvmm.it.framework.VmmJar;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code vmm.jar} on a Java that is too old for it. */
class OldJavaTest {

    private static final Path RUNTIMES = Path.of("/usr/lib/jvm");
    private static final int NEEDED = 25;
    private static final Pattern VERSION = Pattern.compile("(?m)^JAVA_VERSION=\"(?:1\\.)?([0-9]+)");

    @Test
    void anOldJavaSaysWhatIsMissingInOneLine() throws IOException {
        List<Path> old = oldRuntimes();
        assumeFalse(old.isEmpty(), "no Java older than " + NEEDED + " in " + RUNTIMES);
        for (Path home : old) {
            String java = home.resolve("bin/java").toString();
            try (VmProcess vmm =
                    VmProcess.launch(List.of(java, "-jar", VmmJar.locate().toString()))) {
                vmm.expectExit(2, Duration.ofSeconds(60));

                assertThat(vmm.serialLog()).isEmpty();
                assertThat(vmm.errorLog().lines())
                        .singleElement()
                        .asString()
                        .startsWith("vmm: Java 25 or newer is needed, this is Java ")
                        .contains("install a JDK 25");
            }
        }
    }

    private static List<Path> oldRuntimes() throws IOException {
        if (!Files.isDirectory(RUNTIMES)) {
            return List.of();
        }
        try (Stream<Path> homes = Files.list(RUNTIMES)) {
            return homes.filter(home -> Files.isExecutable(home.resolve("bin/java")))
                    .filter(OldJavaTest::isOld)
                    .toList();
        }
    }

    private static boolean isOld(Path home) {
        try {
            Matcher version = VERSION.matcher(Files.readString(home.resolve("release")));
            return version.find() && Integer.parseInt(version.group(1)) < NEEDED;
        } catch (IOException e) {
            return false;
        }
    }
}

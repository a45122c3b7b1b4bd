// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.example;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jvmm.ffi.testing.RequiresKvm;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** The README's program is compiled, does what it says, and is the one in the README. */
class BootAGuestTest {

    private static final Path ROOT = Path.of(System.getProperty("jvmm.root", ".."));
    private static final Path SOURCE =
            ROOT.resolve("it-tests/src/test/java/io/jvmm/it/example/BootAGuest.java");
    private static final String FENCE = "```";

    @Test
    @RequiresKvm
    @Timeout(60)
    void bootsAGuest() throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream out = System.out;
        System.setOut(new PrintStream(printed, true, UTF_8));
        try {
            BootAGuest.main(new String[0]);
        } finally {
            System.setOut(out);
        }
        assertThat(printed.toString(UTF_8))
                .contains("Hello from inside the virtual machine!", "2 running of 2")
                .endsWith("PowerOff[]\n");
    }

    @Test
    void isTheProgramInTheReadme() throws Exception {
        String readme = Files.readString(ROOT.resolve("README.md"));
        int start = readme.indexOf(FENCE + "java\n");
        assertThat(start).as("the README's Java block").isNotNegative();
        int code = readme.indexOf('\n', start) + 1;
        String block = readme.substring(code, readme.indexOf(FENCE, code));
        assertThat(block).isEqualTo(withoutPackageAndComments(Files.readString(SOURCE)));
    }

    private static String withoutPackageAndComments(String source) {
        return source.lines()
                .filter(line -> !line.startsWith("package "))
                .filter(line -> !line.startsWith("// ") && !line.startsWith("/** "))
                .collect(Collectors.joining("\n", "", "\n"))
                .stripLeading();
    }
}

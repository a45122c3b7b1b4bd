// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

class LabVmmTest {

    @TempDir Path folder;

    private final Map<String, Path> files = new LinkedHashMap<>();

    @Test
    void aFileOfThisMachineGoesIntoTheLab() throws IOException {
        Path kernel = Files.writeString(folder.resolve("bzImage"), "kernel");

        assertThat(LabVmm.translated(kernel.toString(), files)).isEqualTo("/lab/files/0/bzImage");
        assertThat(LabVmm.translated("--initrd=" + kernel, files))
                .isEqualTo("--initrd=/lab/files/1/bzImage");
        assertThat(files).hasSize(2).containsValue(kernel);
    }

    @Test
    void whateverElseStaysAsItIs() {
        for (String argument : new String[] {"--kernel", "512M", "a=b c", "--x=y", "", "-"}) {
            assertThat(LabVmm.translated(argument, files)).isEqualTo(argument);
        }
        assertThat(files).isEmpty();
    }
}

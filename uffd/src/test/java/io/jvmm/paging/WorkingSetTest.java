// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class WorkingSetTest {

    @TempDir Path folder;

    @Test
    void aWorkingSetIsTheSameAfterSavingAndADamagedOneIsRefused() throws IOException {
        WorkingSet set = WorkingSet.of(0, 8192, 1L << 32, 4096);
        Path file = folder.resolve("set");
        set.save(file);
        assertThat(WorkingSet.load(file)).isEqualTo(set).hasSameHashCodeAs(set);
        byte[] bytes = Files.readAllBytes(file);
        for (int at = 0; at < bytes.length; at++) {
            byte[] damaged = bytes.clone();
            damaged[at] ^= 4;
            Files.write(file, damaged);
            assertThatThrownBy(() -> WorkingSet.load(file)).isInstanceOf(IOException.class);
        }
        Files.write(file, new byte[3]);
        assertThatThrownBy(() -> WorkingSet.load(file)).isInstanceOf(IOException.class);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class InitramfsBuilderTest {

    @TempDir Path folder;

    @Test
    void everyAppletIsALinkToBusybox() throws IOException {
        InitramfsBuilder builder = new InitramfsBuilder().withBusybox(busybox());

        assertThat(builder.archive().contains("bin/busybox")).isTrue();
        assertThat(builder.archive().contains("bin/sh")).isTrue();
        assertThat(builder.archive().contains("bin/mount")).isTrue();
    }

    @Test
    void builtTwiceItHasTheSameBytes() throws IOException {
        Path first = folder.resolve("first.gz");
        Path second = folder.resolve("second.gz");
        for (Path target : new Path[] {first, second}) {
            new InitramfsBuilder()
                    .withBusybox(busybox())
                    .withInit("#!/bin/sh\nexec sh\n")
                    .withText("etc/motd", "hello\n")
                    .writeCompressed(target);
        }

        assertThat(second).hasSameBinaryContentAs(first);
    }

    /** A stand-in that knows the one option by which the builder asks for the applets. */
    private Path busybox() throws IOException {
        Path file = folder.resolve("busybox");
        Files.writeString(file, "#!/bin/sh\nprintf 'busybox\\nsh\\nmount\\n'\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
        return file;
    }
}

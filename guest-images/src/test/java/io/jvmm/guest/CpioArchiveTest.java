// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.apache.commons.compress.archivers.cpio.CpioArchiveEntry;
import org.apache.commons.compress.archivers.cpio.CpioArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

class CpioArchiveTest {

    @Test
    void anotherReaderFindsEveryKindOfEntry() throws IOException {
        byte[] archive =
                bytes(
                        new CpioArchive()
                                .file("bin/tool", text("odd"), 0755)
                                .symlink("bin/alias", "tool")
                                .directory("proc")
                                .characterDevice("dev/console", 0600, 5, 1));

        List<String> found = new ArrayList<>();
        try (CpioArchiveInputStream in =
                new CpioArchiveInputStream(new ByteArrayInputStream(archive))) {
            for (CpioArchiveEntry entry = in.getNextEntry();
                    entry != null;
                    entry = in.getNextEntry()) {
                String content = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                String device =
                        entry.isCharacterDevice()
                                ? " "
                                        + entry.getRemoteDeviceMaj()
                                        + ":"
                                        + entry.getRemoteDeviceMin()
                                : "";
                found.add(
                        "%o %s%s %s"
                                .formatted(entry.getMode(), entry.getName(), device, content)
                                .strip());
            }
        }
        assertThat(found)
                .containsExactly(
                        "40755 bin",
                        "120777 bin/alias tool",
                        "100755 bin/tool odd",
                        "40755 dev",
                        "20600 dev/console 5:1",
                        "40755 proc");
    }

    @Test
    void equalEntriesMakeEqualBytesInWhateverOrderTheyCome() throws IOException {
        CpioArchive one = new CpioArchive().file("a/x", text("1"), 0644).directory("b");
        CpioArchive other = new CpioArchive().directory("b").file("a/x", text("1"), 0644);

        assertThat(bytes(one)).isEqualTo(bytes(other));
    }

    @Test
    void ownerAndTimeOfAHostFileDoNotShow(@TempDir Path folder) throws IOException {
        Path early = Files.writeString(folder.resolve("early"), "same");
        Path late = Files.writeString(folder.resolve("late"), "same");
        Files.setLastModifiedTime(early, FileTime.fromMillis(1_000_000));

        assertThat(bytes(new CpioArchive().file("f", early, 0644)))
                .isEqualTo(bytes(new CpioArchive().file("f", late, 0644)));
    }

    @Test
    void aTreeIsTakenWithItsExecutableFiles(@TempDir Path folder) throws IOException {
        Path nested = Files.createDirectories(folder.resolve("lib/deep"));
        Files.writeString(nested.resolve("data"), "d");
        Path program = Files.writeString(folder.resolve("run"), "r");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        CpioArchive archive = new CpioArchive().tree("top", folder);

        assertThat(archive.contains("top/lib/deep/data")).isTrue();
        assertThat(new String(bytes(archive), StandardCharsets.US_ASCII))
                .contains("top/run")
                .contains("000081ED"); // a regular file of mode 0755
    }

    @Test
    void everyArchiveEndsWhereAnotherMayBegin() throws IOException {
        for (int length = 0; length < 5; length++) {
            byte[] archive = bytes(new CpioArchive().file("f", new byte[length], 0644));
            assertThat(archive.length % 4).isZero();
            assertThat(new String(archive, StandardCharsets.US_ASCII)).contains("TRAILER!!!\0");
        }
    }

    @Test
    void pathsThatAreNotPlainlyBelowTheRootAreRefused() {
        CpioArchive archive = new CpioArchive();
        for (String path : List.of("", "/etc", "etc/", "a//b", "a\0b")) {
            assertThatIllegalArgumentException().isThrownBy(() -> archive.directory(path));
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(CpioArchive archive) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        archive.writeTo(out);
        return out.toByteArray();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** The committed images are what the sources say, and have the form that {@link Payload} tells. */
final class PayloadTest {
    private static final Path SOURCES = Path.of("src/main/asm");
    private static final List<String> TOOLS = List.of("as", "ld");

    /** Fails, not skips, without binutils when the build says {@code -Djvmm.tools=required}. */
    @Test
    void committedImagesAreWhatTheSourcesAssembleTo(@TempDir Path out) throws Exception {
        boolean installed = TOOLS.stream().allMatch(PayloadTest::isOnPath);
        if (!"required".equals(System.getProperty("jvmm.tools"))) {
            assumeTrue(installed, "needs as and ld: install binutils");
        }

        Process assembler =
                new ProcessBuilder("sh", "assemble.sh", out.toString())
                        .redirectErrorStream(true)
                        .start();
        String messages = new String(assembler.getInputStream().readAllBytes(), UTF_8);
        assertThat(assembler.waitFor()).as(messages).isZero();

        assertThat(namesIn(out))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(Payload.values()).map(Payload::fileName).toList());
        for (Payload payload : Payload.values()) {
            assertThat(Files.readAllBytes(out.resolve(payload.fileName())))
                    .as("%s: run assemble.sh after a change of its source", payload.fileName())
                    .isEqualTo(payload.bytes());
        }
    }

    @Test
    void everySourceIsAPayload() throws IOException {
        assertThat(namesIn(SOURCES).stream().filter(name -> name.endsWith(".S")))
                .containsExactlyInAnyOrderElementsOf(
                        Arrays.stream(Payload.values()).map(p -> p.id() + ".S").toList());
    }

    @ParameterizedTest
    @EnumSource
    void readmeTellsWhatItIsFor(Payload payload) throws IOException {
        assertThat(Files.readString(Path.of("README.md"))).contains("| `" + payload.id() + "` |");
    }

    @ParameterizedTest
    @EnumSource
    void sourceTellsWhichTestUsesIt(Payload payload) throws IOException {
        assertThat(Files.readString(SOURCES.resolve(payload.id() + ".S"))).contains("# Used by: ");
    }

    @ParameterizedTest
    @EnumSource
    void isFoundByItsId(Payload payload) {
        assertThat(Payload.byId(payload.id())).contains(payload);
    }

    @Test
    void unknownIdIsNotFound() {
        assertThat(Payload.byId("ring1-ports")).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void elfHeaderDescribesTheWholeImage(Payload payload) {
        byte[] image = payload.bytes();
        assertThat(image).isNotEmpty();
        if (payload.kind() == Payload.Kind.REAL_MODE) {
            return;
        }
        ByteBuffer elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(elf.getInt(0)).as("magic").isEqualTo(0x464c457f);
        assertThat(elf.getShort(56)).as("program headers").isEqualTo((short) 2);
        long address = elf.getLong(64 + 24);
        long fileSize = elf.getLong(64 + 32);
        long memorySize = elf.getLong(64 + 40);
        assertThat(address).as("load address").isEqualTo(0x10_0000);
        assertThat(fileSize).as("size in the file").isEqualTo(image.length);
        assertThat(memorySize).as("size in memory").isGreaterThanOrEqualTo(fileSize);
        assertThat(elf.getLong(24)).as("entry").isBetween(address + 176, address + fileSize - 1);
        assertThat(elf.getInt(120)).as("PT_NOTE").isEqualTo(4);
        int note = (int) elf.getLong(120 + 8);
        assertThat(elf.getInt(note + 4)).as("size of the descriptor").isEqualTo(8);
        assertThat(elf.getInt(note + 8)).as("XEN_ELFNOTE_PHYS32_ENTRY").isEqualTo(18);
        assertThat(elf.getLong(note + 16))
                .as("PVH entry")
                .isBetween(address + 176, address + fileSize - 1)
                .isNotEqualTo(elf.getLong(24));
    }

    private static boolean isOnPath(String tool) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, tool)));
    }

    private static List<String> namesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}

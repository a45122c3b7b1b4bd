// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.boot.Tool;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class CompressionTest {

    private static final int LIMIT = 1 << 24;

    static byte[] unpack(byte[] packed, int expected, int limit) throws PayloadException {
        Compression format = Compression.detect(packed).orElseThrow();
        MemorySegment content = format.unpack(new ByteArrayInputStream(packed), expected, limit);
        return content.toArray(ValueLayout.JAVA_BYTE);
    }

    static Stream<byte[]> contents() {
        return Stream.of(
                new byte[] {42},
                Samples.words(1000, 1),
                Samples.noise(70_000, 2),
                new byte[3_000_000],
                Samples.mixed(1_500_000, 3));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LZO")
    void unpacksWhatWasPacked(Compression format) throws PayloadException {
        // The library's writer of LZ4 frames takes seconds for a MiB.
        int max = format == Compression.LZ4 ? 100_000 : Integer.MAX_VALUE;
        for (byte[] content : contents().filter(c -> c.length <= max).toList()) {
            byte[] packed = Packer.pack(format, content);
            assertThat(Compression.detect(packed)).contains(format);
            assertThat(unpack(packed, 0, LIMIT)).isEqualTo(content);
            assertThat(unpack(packed, content.length, content.length)).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "LZO")
    void stopsAtTheLimit(Compression format) {
        byte[] content = Samples.mixed(60_000, 4);
        byte[] packed = Packer.pack(format, content);
        assertThatExceptionOfType(PayloadException.class)
                .isThrownBy(() -> unpack(packed, 0, content.length - 1))
                .withMessageContaining("more than the 59,999 bytes allowed")
                .matches(PayloadException::limitReached);
    }

    @ParameterizedTest
    @CsvSource({
        "words-1.zst, words",
        "words-19.zst, words",
        "mixed-3.zst, mixed",
        "mixed-19.zst, mixed",
        "mixed.lzo, mixed",
        "words-9.lzo, words"
    })
    void unpacksWhatOthersPacked(String resource, String content) throws PayloadException {
        byte[] expected =
                content.equals("words") ? Samples.words(40_000, 7) : Samples.mixed(300_000, 9);
        byte[] packed = Packer.resource(resource);
        assertThat(unpack(packed, 0, LIMIT)).isEqualTo(expected);
        assertThatExceptionOfType(PayloadException.class)
                .isThrownBy(() -> unpack(packed, 0, expected.length - 1))
                .matches(PayloadException::limitReached);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"-1", "-3", "-5", "-9", "-13", "-19", "--ultra -22 --long=27", "--fast"})
    void unpacksWhatTheZstdCommandPacks(String options) throws PayloadException {
        Tool.need("zstd", "zstd");
        String[] command =
                Stream.concat(Stream.of("zstd", "-q", "-c"), Arrays.stream(options.split(" ")))
                        .toArray(String[]::new);
        for (byte[] content : contents().toList()) {
            byte[] packed = Tool.pipe(content, command);
            assertThat(unpack(packed, 0, LIMIT)).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "-6", "-9"})
    void unpacksWhatTheLzopCommandPacks(String level) throws PayloadException {
        Tool.need("lzop", "lzop");
        for (byte[] content : contents().toList()) {
            assertThat(unpack(Tool.pipe(content, "lzop", "-c", level), 0, LIMIT))
                    .isEqualTo(content);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "-9"})
    void unpacksWhatTheLz4CommandPacks(String level) throws PayloadException {
        Tool.need("lz4", "lz4");
        byte[] large = Samples.mixed(9 << 20, 5); // more than one block
        assertThat(unpack(Tool.pipe(large, "lz4", "-q", "-l", level), 0, LIMIT)).isEqualTo(large);
        assertThat(unpack(Tool.pipe(large, "lz4", "-q", level), 0, LIMIT)).isEqualTo(large);
    }

    @Test
    void unpacksSeveralFrames() throws PayloadException {
        byte[] a = Packer.resource("words-1.zst");
        byte[] skippable = {0x53, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 9, 9, 9};
        byte[] joined = join(a, skippable, a, new byte[4]);
        byte[] words = Samples.words(40_000, 7);
        assertThat(unpack(joined, 0, LIMIT)).isEqualTo(join(words, words));
    }

    @ParameterizedTest
    @MethodSource("packedSamples")
    void aTruncatedInputIsRefusedInWords(byte[] packed) {
        int[] cuts = IntStream.range(0, 60).map(i -> 12 + i * (packed.length - 13) / 60).toArray();
        for (int cut : cuts) {
            byte[] part = Arrays.copyOf(packed, cut);
            assertThatExceptionOfType(PayloadException.class)
                    .as("cut at %d of %d", cut, packed.length)
                    .isThrownBy(() -> unpack(part, 0, LIMIT))
                    .withMessageStartingWith("it ");
        }
    }

    static Stream<byte[]> packedSamples() {
        byte[] content = Samples.mixed(60_000, 11);
        return Stream.concat(
                Stream.of(Packer.resource("mixed-19.zst"), Packer.resource("mixed.lzo")),
                Stream.of(
                                Compression.GZIP,
                                Compression.XZ,
                                Compression.LZMA,
                                Compression.BZIP2,
                                Compression.LZ4,
                                Compression.ZSTD)
                        .map(format -> Packer.pack(format, content)));
    }

    private static byte[] join(byte[]... parts) {
        var out = new java.io.ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}

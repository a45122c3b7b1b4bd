// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.payload;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.boot.Tool;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;

/** What the packers of the host write, in the forms with several streams that they have. */
class HostPackersTest {

    @ParameterizedTest
    @CsvSource({
        "pbzip2, pbzip2 -c -b1 -p2",
        "pzstd, pzstd -q -c -p 2",
        "xz, xz -c -T2 --block-size=100000",
        "zstd, zstd -q -c --long=24",
        "gzip, gzip -9",
        "lzop, lzop -c"
    })
    void allStreamsAreUnpacked(String debianPackage, String command) throws PayloadException {
        String[] words = command.split(" ", -1);
        Tool.need(words[0], debianPackage);
        byte[] content = Samples.mixed(2_500_000, 21);
        byte[] packed = Tool.pipe(content, words);
        Compression format = Compression.detectFramed(packed).orElseThrow();
        assertThat(
                        format.unpack(new ByteArrayInputStream(packed), 0, 1 << 23)
                                .toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(content);
        ByteArrayOutputStream twice = new ByteArrayOutputStream();
        twice.writeBytes(packed);
        twice.writeBytes(packed);
        assertThat(
                        format.unpack(new ByteArrayInputStream(twice.toByteArray()), 0, 1 << 23)
                                .byteSize())
                .isEqualTo(2L * content.length);
    }
}

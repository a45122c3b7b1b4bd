// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

class ProfileTextTest {

    private static final String IDENTITY = "boot 6.18.0 today";

    private static final HostProfile PROFILE =
            Profiles.interpreting(InstructionFamily.BREAKPOINT, InstructionFamily.BIT_COUNT);

    private static final String TEXT = ProfileText.write(IDENTITY, PROFILE);

    @Test
    void whatIsWrittenIsRead() {
        assertThat(ProfileText.read(IDENTITY, TEXT)).contains(PROFILE);
        HostProfile hardware = Profiles.hardware();
        assertThat(ProfileText.read(IDENTITY, ProfileText.write(IDENTITY, hardware)))
                .contains(hardware);
    }

    @Test
    void anotherHostOrAnotherBootDoesNotCount() {
        assertThat(ProfileText.read("boot 6.18.0 tomorrow", TEXT)).isEmpty();
    }

    @Test
    void everyCutAndEveryChangedCharacterIsNoticed() {
        for (int i = 0; i < TEXT.length(); i++) {
            assertThat(ProfileText.read(IDENTITY, TEXT.substring(0, i))).isEmpty();
            String changed = TEXT.substring(0, i) + '~' + TEXT.substring(i + 1);
            assertThat(ProfileText.read(IDENTITY, changed)).as("changed at %d", i).isEmpty();
        }
        assertThat(ProfileText.read(IDENTITY, TEXT + "more\n")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jvmm-host-profile 2;jvmm-host-profile 3",
                "kernel ;kernel",
                "slowdown 300;slowdown many",
                "paging SHADOW;paging HASHED",
                "failing BIT_COUNT;failing BIT_SUM",
                "families ;families OF_ANOTHER_VERSION ",
                "IRQFD=1;IRQFD",
                "IRQFD=1;",
                "IRQFD=1;IRQFD=x"
            })
    void aTextOfAnotherVersionDoesNotCountThoughItsChecksumIsRight(String change) {
        String[] fromTo = change.split(";", -1);
        String body = TEXT.substring(0, TEXT.lastIndexOf("checksum"));
        String other = body.replace(fromTo[0], fromTo[1]);
        assertThat(other).isNotEqualTo(body);

        assertThat(ProfileText.read(IDENTITY, other + checksumLine(other))).isEmpty();
        assertThat(ProfileText.read(IDENTITY, body + checksumLine(body))).isPresent();
    }

    private static String checksumLine(String text) {
        CRC32 crc = new CRC32();
        crc.update(text.getBytes(StandardCharsets.UTF_8));
        return "checksum " + Long.toHexString(crc.getValue()) + "\n";
    }
}

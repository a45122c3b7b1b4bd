// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Optional;

class DebianMirrorTest {

    private static final String SECURITY =
            """
            MetaKey: main/binary-amd64/Packages
            Origin: Debian
            Release: bookworm-security
            Repo-URI: http://mirror.example/debian-security/
            """;

    private static final String ARCHIVE =
            """
            MetaKey: main/binary-amd64/Packages
            Origin: Debian
            Release: bookworm
            Repo-URI: http://mirror.example/debian/
            Signed-By: /keys/debian.gpg
            """;

    private static final String STRANGER =
            """
            Origin: Somebody
            Release: stable
            Repo-URI: http://elsewhere.example/debian/
            """;

    @Test
    void theFullArchiveIsChosenAmongApartOnes() {
        Optional<DebianMirror> mirror =
                DebianMirror.chooseFrom(STRANGER + "\n" + SECURITY + "\n" + ARCHIVE);

        assertThat(mirror)
                .contains(
                        new DebianMirror(
                                "http://mirror.example/debian/",
                                Optional.of(Path.of("/keys/debian.gpg"))));
    }

    @Test
    void withoutADebianArchiveThereIsNone() {
        assertThat(DebianMirror.chooseFrom(STRANGER)).isEmpty();
        assertThat(DebianMirror.chooseFrom("")).isEmpty();
    }

    @Test
    void theSourceLineNamesArchitectureKeysAndSuite() {
        DebianMirror mirror =
                new DebianMirror(
                        "http://mirror.example/debian/", Optional.of(Path.of("/keys/debian.gpg")));

        assertThat(mirror.sourceLine("sid"))
                .isEqualTo(
                        "deb [arch=amd64 signed-by=/keys/debian.gpg]"
                                + " http://mirror.example/debian/ sid main\n");
    }
}

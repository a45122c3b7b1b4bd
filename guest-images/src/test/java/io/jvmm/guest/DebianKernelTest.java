// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.jvmm.guest.DebianKernel.Line;

import org.junit.jupiter.api.Test;

import java.util.stream.Stream;

class DebianKernelTest {

    @Test
    void theNewestReleaseIsTheOneWithTheHighestNumbers() {
        Stream<String> releases =
                Stream.of(
                        "6.12.9+deb13-cloud-amd64",
                        "6.12.107+deb13-cloud-amd64",
                        "6.12.107+deb13.1-cloud-amd64",
                        "6.12.94+deb13-cloud-amd64");

        assertThat(releases.max(DebianKernel.BY_NUMBERS)).contains("6.12.107+deb13.1-cloud-amd64");
    }

    @Test
    void onlyBootableCloudKernelsOfTheLineCount() {
        assertThat("linux-image-6.1.0-50-cloud-amd64")
                .matches(DebianKernel.packageNames(Line.LINUX_6_1));
        assertThat(
                        Stream.of(
                                "linux-image-6.12.9+deb13-cloud-amd64",
                                "linux-image-6.1.0-50-amd64",
                                "linux-image-6.1.0-50-cloud-amd64-dbg",
                                "linux-image-6.1.0-50-cloud-amd64-unsigned",
                                "linux-image-cloud-amd64"))
                .noneMatch(
                        name -> DebianKernel.packageNames(Line.LINUX_6_1).matcher(name).matches());
    }

    @Test
    void linesAreKnownByTheirNumber() {
        assertThat(Line.ofVersion("7.2")).isEqualTo(Line.LINUX_7_2);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Line.ofVersion("5.4"))
                .withMessage("no kernel line 5.4; there are [6.1, 6.12, 7.2]");
    }
}

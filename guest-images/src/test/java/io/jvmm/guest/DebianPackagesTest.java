// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.jvmm.guest.DebianKernel.Line;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;

/** Fetches from the machine's own mirror into the user's cache; run where there is an apt. */
@Tag("network")
class DebianPackagesTest {

    private final DebianPackages packages = new DebianPackages(ImageCache.ofUser());

    @ParameterizedTest
    @EnumSource
    void everyKernelLineHasAnImageAndTheModulesThatKvmNeeds(Line line) {
        DebianKernel kernel = DebianKernel.fetch(packages, line);

        assertThat(kernel.release()).startsWith(line.version());
        assertThat(kernel.image()).isRegularFile();
        assertThat(KernelModules.in(kernel.modules()).withDependencies(List.of("kvm-amd")).keySet())
                .containsSubsequence("irqbypass", "kvm", "kvm_amd");
    }

    @Test
    void theLinuxGuestIsBuiltFromDebiansBusybox() {
        assertThat(LinuxGuest.initramfs(ImageCache.ofUser(), packages)).isNotEmptyFile();
    }

    @Test
    void aMissingPackageIsNamed() {
        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> packages.unpacked("bookworm", "no-such-package"))
                .withMessage("Debian's suite bookworm has no package no-such-package");
    }
}

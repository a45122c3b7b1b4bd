// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfile.Paging;
import io.jvmm.paging.FaultMode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The modes of the host that the tests run on, whatever it is. */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(300)
class FaultModesTest {

    @Test
    void whatIsTriedAgreesWithWhatTheHostIsLike(@TempDir Path folder) {
        HostProfile profile = new HostProfiles(folder).get();
        try (Kvm kvm = Kvm.open()) {
            Optional<String> annotated = FaultModes.refusal(kvm, FaultMode.ANNOTATED);
            Optional<String> poison = FaultModes.refusal(kvm, FaultMode.POISON);
            assertThat(FaultModes.refusal(kvm, FaultMode.BLOCKING)).isEmpty();
            if (profile.paging() == Paging.SHADOW) {
                assertThat(annotated).isPresent();
                assertThat(poison)
                        .hasValueSatisfying(
                                reason -> assertThat(reason).contains("page tables in software"));
            } else {
                assertThat(annotated.isEmpty())
                        .isEqualTo(profile.missingPages() == MissingPages.ANNOTATED);
                assertThat(poison).isEmpty();
            }
            assertThat(FaultModes.best(kvm))
                    .isEqualTo(annotated.isEmpty() ? FaultMode.ANNOTATED : FaultMode.BLOCKING);
            assertThat(FaultModes.refusals(kvm)).containsEntry(FaultMode.POISON, poison);
        }
    }

    @Test
    void tryingLeavesNoDescriptorBehind() throws IOException {
        try (Kvm kvm = Kvm.open()) {
            assertThat(FaultModes.refusals(kvm)).hasSize(FaultMode.values().length);
            long before = descriptors();
            for (int round = 0; round < 10; round++) {
                assertThat(FaultModes.refusals(kvm)).hasSize(FaultMode.values().length);
            }
            assertThat(descriptors()).isEqualTo(before);
        }
    }

    /** Those of machines and of userfaultfd. */
    private static long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            return open.map(FaultModesTest::target)
                    .filter(target -> target.contains("kvm") || target.contains("userfaultfd"))
                    .count();
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }
}

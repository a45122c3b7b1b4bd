// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.ffi.testing.RequiresKvm;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Profiles of the host that the tests run on, whatever it is. */
@RequiresKvm
@Timeout(300)
class HostProfilesTest {

    @TempDir Path folder;

    @Test
    void aHostIsMeasuredOnceAndItsProfileHolds() throws IOException {
        HostProfile measured = new HostProfiles(folder).get();
        String kept = Files.readString(folder.resolve("profile"));

        assertThat(new HostProfiles(folder).get()).isEqualTo(measured);
        assertThat(folder.resolve("profile")).hasContent(kept);
        assertThat(measured.kicks()).contains(HostProfile.KickMode.IMMEDIATE_EXIT);
        assertThat(measured.capabilities()).containsOnlyKeys(Capability.values());
        try (Kvm kvm = Kvm.open();
                HostProbe probe = new HostProbe(kvm)) {
            assertThat(probe.runsRing0())
                    .as("the quick answer agrees with the whole one: %s", measured.failing())
                    .isEqualTo(measured.failing().isEmpty());
        }
        assertThat(new HostProfiles(folder).quirks()).isEqualTo(HostQuirks.of(measured));
    }

    @Test
    void aProcessorWithItsOwnVirtualisationNeedsNothing() throws IOException {
        boolean hardware =
                Pattern.compile("\\b(svm|vmx)\\b")
                        .matcher(Files.readString(Path.of("/proc/cpuinfo")))
                        .find();
        HostProfile profile = new HostProfiles(folder).get();

        if (hardware) {
            assertThat(profile.interpretsRing0()).isFalse();
            assertThat(profile.failing()).isEmpty();
            assertThat(profile.kernelCpuid()).isEqualTo(HostProfile.CpuidSource.MONITOR);
            assertThat(profile.userCpuid()).isEqualTo(HostProfile.CpuidSource.MONITOR);
            assertThat(new HostProfiles(folder).quirks()).isEqualTo(HostQuirks.NONE);
        } else {
            assertThat(profile.paging()).isEqualTo(HostProfile.Paging.SHADOW);
        }
    }

    @Test
    void aDamagedProfileIsMeasuredAgain() throws IOException {
        Files.writeString(folder.resolve("profile"), "nonsense");

        HostProfile measured = new HostProfiles(folder).get();

        assertThat(new HostProfiles(folder).get()).isEqualTo(measured);
        assertThat(folder.resolve("profile")).content().startsWith("jvmm-host-profile");
    }

    @Test
    void writersAtTheSameTimeLeaveOneWholeProfileAndNothingElse() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            List<Future<HostProfile>> all =
                    Stream.generate(() -> threads.submit(() -> new HostProfiles(folder).measure()))
                            .limit(3)
                            .toList();
            for (Future<HostProfile> each : all) {
                assertThat(each.get().failing()).isEqualTo(all.getFirst().get().failing());
            }
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(folder.resolve("profile"));
        }
        assertThat(new HostProfiles(folder).get().kernel()).isNotBlank();
    }

    @Test
    void aFolderThatCannotBeMadeCostsOnlyTime() throws IOException {
        Path file = Files.createFile(folder.resolve("a-file"));

        assertThat(new HostProfiles(file.resolve("below")).get().kernel()).isNotBlank();
    }
}

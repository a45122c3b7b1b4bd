package io.jvmm.it.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Userfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** What all that runs in the lab takes for granted. */
@EnabledIfSystemProperty(
        named = LabTests.INSIDE_PROPERTY,
        matches = "true",
        disabledReason = "this is not the lab")
@RequiresKvm
@RequiresUserfaultfd
class InsideLabTest {

    private static final Path NESTED_PAGING = Path.of("/sys/module/kvm_amd/parameters/npt");

    @Test
    void itsKernelIsTheOneThatWasAskedFor() throws IOException {
        LabKernel asked = LabSettings.fromProperties().kernel();
        String release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();

        if (asked == LabKernel.ANNOTATING) {
            assertThat(release).endsWith("-jvmm");
        } else {
            assertThat(release).startsWith(asked.label() + ".").doesNotEndWith("-jvmm");
        }
    }

    @Test
    void itsKvmStandsOnNestedPaging() throws IOException {
        assertThat(Files.readString(NESTED_PAGING).strip()).isIn("Y", "1");
    }

    @Test
    void itsPageFaultsCanBeServedInEveryWayThatItsVersionKnows() {
        Set<Feature> features = Userfaultfd.supportedFeatures();

        assertThat(features).contains(Feature.SIGBUS, Feature.THREAD_ID, Feature.MINOR_SHMEM);
        if (LabSettings.fromProperties().kernel() == LabKernel.ANNOTATING) {
            assertThat(features).contains(Feature.values());
        }
    }
}

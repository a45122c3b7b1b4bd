// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the real kernel refuses to a process with fewer rights, and what the user is told. It starts
 * processes from the build's folders, which are on the host alone.
 */
@RequiresUserfaultfd
@Tag("host")
@Timeout(60)
class RefusalTest {

    @BeforeEach
    void needRightsToGiveUp() throws IOException {
        assumeTrue(RefusedProcess.canBeStarted(), "needs root and setpriv");
    }

    @Test
    void aUserWithoutRights() throws IOException, InterruptedException {
        Path classes = Path.of("target/classes").toAbsolutePath();
        assumeTrue(isOpenToAll(classes), "the classes must be readable by every user");
        assumeTrue(!Confinement.ofThisProcess().openToAll(), "this host lets every user");
        assertThat(
                        RefusedProcess.output(
                                List.of("--reuid", "65534", "--clear-groups", "--inh-caps=-all")))
                .startsWith("userfaultfd: EPERM (1): ")
                .contains("CAP_SYS_PTRACE")
                .contains("vm.unprivileged_userfaultfd");
    }

    private static boolean isOpenToAll(Path file) throws IOException {
        for (Path at = file; at != null; at = at.getParent()) {
            if (((int) Files.getAttribute(at, "unix:mode") & 1) == 0) {
                return false;
            }
        }
        return true;
    }

    @Test
    void forkMessagesWithoutTheCapability() throws IOException, InterruptedException {
        List<String> rights = List.of("--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace");
        assertThat(RefusedProcess.output(rights, Feature.EVENT_FORK))
                .isEqualTo("UFFDIO_API: EPERM (1): grant CAP_SYS_PTRACE, which EVENT_FORK needs");
        assertThat(RefusedProcess.output(rights, Feature.THREAD_ID)).isEmpty();
    }
}

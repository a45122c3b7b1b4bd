// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.jvmm.ffi.testing.RequiresKvm;
import io.jvmm.ffi.testing.RequiresUserfaultfd;
import io.jvmm.guest.PayloadPages;
import io.jvmm.host.HostProfile;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfiles;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.PagingConfig;
import io.jvmm.paging.PagingEvent;
import io.jvmm.paging.service.FaultService;
import io.jvmm.vcpu.CapturedLog;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A kernel that was taken for one that names missing pages, and does not: {@code KVM_RUN} ends with
 * a bare {@code EFAULT}. The machine goes over to waiting in the kernel, and nothing is lost.
 *
 * <p>No plan would choose that mode here; a fault service of somebody's own comes in below the
 * probe.
 */
@RequiresKvm
@RequiresUserfaultfd
@Timeout(300)
class MachineFallBackTest {

    private static final Duration LONG = Duration.ofMinutes(2);
    private static final PagingConfig ONE_BY_ONE =
            PagingConfig.defaults().withSweep(false).withUnit(1, 1);

    private static boolean shadowPaging;

    private final List<PagingEvent> events = new CopyOnWriteArrayList<>();

    @BeforeAll
    static void onlyWhereTheFaultIsBare(@TempDir Path folder) {
        HostProfile profile = new HostProfiles(folder).get();
        assumeFalse(
                profile.missingPages() == MissingPages.ANNOTATED,
                "this kernel names missing pages: no fault is bare");
        shadowPaging = profile.paging() == HostProfile.Paging.SHADOW;
    }

    /**
     * Not one page is there; but where KVM walks the guest's page tables in software those are, and
     * the code: without them it would not even come to an {@code EFAULT}.
     */
    private static Machine restored(LazyOrigin origin, int cpus, FaultService service) {
        return Machine.restore(
                LazyOrigin.config("misled", "ring3", cpus).pager(service).build(),
                origin.saved(),
                shadowPaging ? memory -> memory.copyIn(0, origin.low()) : MemoryLoader.none());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void aFaultThatNobodyNamesEndsInTheBlockingModeAndNotTheMachine(int cpus) throws Exception {
        LazyOrigin origin = LazyOrigin.of("ring3", cpus);
        LazyPages pages = LazyPages.above(origin.low());
        FaultService service =
                new FaultService(pages, ONE_BY_ONE, FaultMode.ANNOTATED, events::add);
        try (CapturedLog log = new CapturedLog(GuestPages.class);
                Machine machine = restored(origin, cpus, service)) {
            assertThat(service.mode()).isEqualTo(FaultMode.ANNOTATED);
            machine.resume();
            LazyOrigin.awaitPasses(machine);
            assertThat(machine.state()).isEqualTo(MachineState.RUNNING);
            assertThat(service.mode()).isEqualTo(FaultMode.BLOCKING);
            assertThat(log.warnings())
                    .singleElement()
                    .asString()
                    .startsWith("machine misled goes over to blocking faults: vCPU ")
                    .endsWith("EFAULT (14) without the page");
            // The guest checks what it reads; once more from outside.
            for (long gpa = LazyPages.CHECKED;
                    gpa < LazyPages.CHECKED_END;
                    gpa += PayloadPages.PAGE_SIZE) {
                assertThat(machine.memory().readU64(gpa)).isEqualTo(PayloadPages.wordAt(gpa));
            }
            assertThat(machine.stallsOfVcpus()).hasSize(cpus);
            assertThat(events).noneMatch(PagingEvent.Failed.class::isInstance);
            assertThat(events).noneMatch(PagingEvent.Lost.class::isInstance);
        }
        assertThat(pages.isClosed()).isTrue();
    }

    /** The change of mode is an operation of its own, and waits for no page. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void whoWaitsAfterwardsIsPausedAndStoppedAsUsual(int cpus) throws Exception {
        LazyOrigin origin = LazyOrigin.of("ring3", cpus);
        LazyPages pages = LazyPages.heldBackAbove(origin.low());
        FaultService service =
                new FaultService(pages, ONE_BY_ONE, FaultMode.ANNOTATED, events::add);
        try (Machine machine = restored(origin, cpus, service)) {
            machine.resume();
            pages.awaitHeld();
            assertThat(service.mode()).isEqualTo(FaultMode.BLOCKING);
            assertThat(machine.pause(LONG).vcpus()).hasSize(cpus);
            machine.resume();
            machine.stop();
            assertThat(machine.await(LONG)).contains(new MachineExit.Stopped());
        }
    }
}

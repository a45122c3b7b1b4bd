// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.EventFd;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.testing.RequiresUserfaultfd;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.EnumSet;
import java.util.Set;

class UffdAccessTest {

    @Test
    @RequiresUserfaultfd
    void opensWithTheFeaturesAskedFor() {
        Set<Feature> supported = Userfaultfd.supportedFeatures();
        assertThat(supported).contains(Feature.MISSING_SHMEM, Feature.THREAD_ID);
        try (Userfaultfd uffd = Userfaultfd.open(Set.of(Feature.THREAD_ID))) {
            assertThat(uffd.features()).containsExactly(Feature.THREAD_ID);
            assertThat(uffd.fd().isOpen()).isTrue();
        }
    }

    @Test
    @RequiresUserfaultfd
    void negotiatesOnce() {
        try (Userfaultfd uffd = Userfaultfd.open(Set.of())) {
            assertThatThrownBy(() -> Userfaultfd.api(uffd.fd(), 0))
                    .hasMessageStartingWith("UFFDIO_API: EINVAL (22)");
        }
    }

    @Test
    @RequiresUserfaultfd
    void anUnknownFeatureIsRefused() {
        try (Fd fd = UffdAccess.open()) {
            assertThatThrownBy(() -> Userfaultfd.api(fd, 1L << 62))
                    .isInstanceOfSatisfying(
                            KernelException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
        }
    }

    @Test
    void namesTheKernelThatHasAFeature() {
        assertThat(
                        Userfaultfd.missing(
                                EnumSet.of(Feature.MOVE, Feature.POISON, Feature.THREAD_ID),
                                EnumSet.of(Feature.THREAD_ID)))
                .isEqualTo("use a newer kernel, for POISON (Linux 6.6), MOVE (Linux 6.8)");
    }

    @Test
    void fallsBackOnTheSystemCall() {
        try (Fd fd = UffdAccess.open("/dev/no-such-device")) {
            UffdAccess.requireUserfaultfd(fd);
            assertThat(Userfaultfd.api(fd, 0)).isNotZero();
        } catch (KernelException e) {
            // Without the rights for the call: refused, with the way out of it.
            assertThat(e.operation()).isEqualTo("userfaultfd");
            assertThat(e.errno()).isIn(Errno.EPERM, Errno.ENOSYS);
            assertThat(e.remedy()).isPresent();
        }
    }

    @Test
    @RequiresUserfaultfd
    void adoptsOnlyANegotiatedUserfaultfd() {
        try (EventFd event = EventFd.create();
                Fd raw = UffdAccess.open()) {
            assertThatThrownBy(() -> Userfaultfd.adopt(event.fd()))
                    .isInstanceOf(KernelException.class)
                    .hasMessage(
                            "adopt eventfd: EINVAL (22): send a userfaultfd, not"
                                    + " anon_inode:[eventfd]");
            assertThatThrownBy(() -> Userfaultfd.adopt(raw))
                    .isInstanceOf(KernelException.class)
                    .hasMessageEndingWith(
                            "EINVAL (22): negotiate features (UFFDIO_API) before sending a"
                                    + " userfaultfd");
            assertThat(raw.isOpen()).as("still the caller's").isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    # device | call  | seccomp | mayTrace | openToAll | what the advice begins with
                    ENOENT   | EPERM | true    | true     | false     | a seccomp filter refuses
                    EPERM    | EPERM | true    | false    | true      | a seccomp filter refuses
                    ENOENT   | ENOSYS| true    | false    | false     | a seccomp filter refuses
                    ENOENT   | ENOSYS| false   | true     | true      | use a kernel that was built with
                    ENOENT   | EPERM | false   | false    | false     | there is no /dev/userfaultfd
                    ENOENT   | EPERM | true    | false    | false     | there is no /dev/userfaultfd
                    EACCES   | EPERM | false   | false    | false     | give your user read and write
                    EACCES   | EPERM | true    | false    | false     | give your user read and write
                    EACCES   | EMFILE| false   | false    | false     | Too many open files
                    """)
    void everyRefusalHasItsRemedy(
            String device,
            String call,
            boolean seccomp,
            boolean mayTrace,
            boolean openToAll,
            String advice)
            throws ReflectiveOperationException {
        assertThat(new Confinement(seccomp, mayTrace, openToAll).remedy(errno(device), errno(call)))
                .startsWith(advice);
    }

    private static Errno errno(String name) throws ReflectiveOperationException {
        return (Errno) Errno.class.getField(name).get(null);
    }

    @Test
    void readsWhatTheProcessMayDo() {
        assertThat(Confinement.parse("Name:\tx\nCapEff:\t0000000000080000\nSeccomp:\t2\n", "1\n"))
                .isEqualTo(new Confinement(true, true, true));
        assertThat(Confinement.parse("CapEff:\tfffffffffff7ffff\nSeccomp:\t0\n", "0\n"))
                .isEqualTo(new Confinement(false, false, false));
        assertThat(Confinement.parse("", "")).isEqualTo(new Confinement(false, false, false));
        assertThat(Confinement.ofThisProcess()).isNotNull();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jvmm.ffi.gen.GeneratedHeader;
import io.jvmm.ffi.gen.kvm.kvm_regs;
import io.jvmm.ffi.gen.kvm.kvm_userspace_memory_region;
import io.jvmm.ffi.gen.userfaultfd.uffdio_copy;

import org.junit.jupiter.api.Test;

class IoctlTest {

    private static final int KVM = 0xAE;
    private static final int UFFD = 0xAA;

    @Test
    void formulaGivesTheNumbersOfTheHeaders() {
        assertRequest("KVM_RUN", Ioctl.io(KVM, 0x80));
        assertRequest("KVM_GET_REGS", Ioctl.ior(KVM, 0x81, kvm_regs.sizeof()));
        assertRequest(
                "KVM_SET_USER_MEMORY_REGION",
                Ioctl.iow(KVM, 0x46, kvm_userspace_memory_region.sizeof()));
        assertRequest("UFFDIO_COPY", Ioctl.iowr(UFFD, 3, uffdio_copy.sizeof()));
        assertRequest("TUNSETIFF", Ioctl.iow('T', 202, Integer.BYTES));
    }

    private static void assertRequest(String name, long request) {
        assertThat(request)
                .as(name)
                .isEqualTo(Integer.toUnsignedLong(GeneratedHeader.anyConstant(name).intValue()));
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertThatThrownBy(() -> Ioctl.io(256, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Ioctl.io(0, -1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Ioctl.iow(KVM, 1, 1 << 14))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "no ioctl request has type 174, number 1 and an argument of 16384 bytes");
    }
}

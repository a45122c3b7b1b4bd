// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.linux.Errno;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The remedy for a device that cannot be opened is one that helps. */
class KvmRemedyTest {

    @ParameterizedTest
    @CsvSource({
        "root rw-------, chmod 660 /dev/kvm",
        "root rw-rw----, chmod 660 /dev/kvm",
        "kvm rw-------, chmod 660 /dev/kvm",
        "kvm rw-r-----, chmod 660 /dev/kvm",
        "kvm rw-rw----, add yourself to the group kvm",
        "'', add yourself to the group kvm"
    })
    void itSuitsTheDevicesGroupAndMode(String permissions, String remedy) {
        assertThat(Kvm.remedy(Errno.EACCES, permissions)).contains(remedy);
    }

    @ParameterizedTest
    @CsvSource({"root rw-------", "kvm rw-rw----"})
    void aContainerNeedsTheDevicePassed(String permissions) {
        assertThat(Kvm.remedy(Errno.EPERM, permissions)).contains("--device /dev/kvm");
    }
}

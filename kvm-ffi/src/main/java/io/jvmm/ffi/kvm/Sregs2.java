// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Special registers with the page-directory pointers of PAE paging ({@code struct kvm_sregs2}), a
 * copy. The processor loads these pointers when CR3 is written and goes on using them when memory
 * has changed since, so that they cannot be read from memory again.
 *
 * @param sregs all other special registers
 * @param pdptrsValid whether the vCPU is in PAE paging, and the pointers count
 */
public record Sregs2(
        Sregs sregs, boolean pdptrsValid, long pdptr0, long pdptr1, long pdptr2, long pdptr3) {

    static final int SIZE = 320;
    static final long FLAGS = 280;
    static final long PDPTRS = 288;

    static Sregs2 read(MemorySegment m) {
        return new Sregs2(
                Sregs.read(m),
                (m.get(JAVA_LONG, FLAGS) & KvmConstants.KVM_SREGS2_FLAGS_PDPTRS_VALID) != 0,
                m.get(JAVA_LONG, PDPTRS),
                m.get(JAVA_LONG, PDPTRS + 8),
                m.get(JAVA_LONG, PDPTRS + 16),
                m.get(JAVA_LONG, PDPTRS + 24));
    }

    void write(MemorySegment m) {
        sregs.write(m);
        m.set(JAVA_LONG, FLAGS, pdptrsValid ? KvmConstants.KVM_SREGS2_FLAGS_PDPTRS_VALID : 0);
        m.set(JAVA_LONG, PDPTRS, pdptr0);
        m.set(JAVA_LONG, PDPTRS + 8, pdptr1);
        m.set(JAVA_LONG, PDPTRS + 16, pdptr2);
        m.set(JAVA_LONG, PDPTRS + 24, pdptr3);
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

/**
 * An extended control register ({@code struct kvm_xcr}). Register 0 names the parts of the extended
 * state that the guest has turned on (Intel SDM volume 1, 13.3).
 */
public record Xcr(int index, long value) {

    /** Most that {@code struct kvm_xcrs} holds. */
    static final int MOST = 16;

    static final int LIST_SIZE = 392;
    static final long LIST_COUNT = 0;
    static final long LIST_ENTRIES = 8;
    static final int SIZE = 16;
    static final long INDEX = 0;
    static final long VALUE = 8;
}

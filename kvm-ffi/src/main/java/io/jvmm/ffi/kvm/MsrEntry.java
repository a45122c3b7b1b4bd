// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

/** A model-specific register and its value ({@code struct kvm_msr_entry}). */
public record MsrEntry(int index, long value) {

    static final int SIZE = 16;
    static final long INDEX = 0;
    static final long DATA = 8;
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * One leaf of CPUID ({@code struct kvm_cpuid_entry2}): what the guest reads for {@code function}
 * and, where the leaf has sub-leaves, {@code index}.
 */
public record CpuidEntry(int function, int index, int flags, int eax, int ebx, int ecx, int edx) {

    static final int SIZE = 40;
    static final long FUNCTION = 0;
    static final long INDEX = 4;
    static final long FLAGS = 8;
    static final long EAX = 12;
    static final long EBX = 16;
    static final long ECX = 20;
    static final long EDX = 24;

    /** This entry with other register values. */
    public CpuidEntry with(int newEax, int newEbx, int newEcx, int newEdx) {
        return new CpuidEntry(function, index, flags, newEax, newEbx, newEcx, newEdx);
    }

    static CpuidEntry read(MemorySegment m, long at) {
        return new CpuidEntry(
                m.get(JAVA_INT, at + FUNCTION),
                m.get(JAVA_INT, at + INDEX),
                m.get(JAVA_INT, at + FLAGS),
                m.get(JAVA_INT, at + EAX),
                m.get(JAVA_INT, at + EBX),
                m.get(JAVA_INT, at + ECX),
                m.get(JAVA_INT, at + EDX));
    }

    void write(MemorySegment m, long at) {
        m.set(JAVA_INT, at + FUNCTION, function);
        m.set(JAVA_INT, at + INDEX, index);
        m.set(JAVA_INT, at + FLAGS, flags);
        m.set(JAVA_INT, at + EAX, eax);
        m.set(JAVA_INT, at + EBX, ebx);
        m.set(JAVA_INT, at + ECX, ecx);
        m.set(JAVA_INT, at + EDX, edx);
    }
}

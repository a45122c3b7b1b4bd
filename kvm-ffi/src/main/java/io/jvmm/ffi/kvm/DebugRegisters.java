// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Debug registers of a vCPU ({@code struct kvm_debugregs}), a copy: breakpoint addresses, status
 * and control.
 */
public record DebugRegisters(long db0, long db1, long db2, long db3, long dr6, long dr7) {

    static final int SIZE = 128;
    static final long DB = 0;
    static final long DR6 = 32;
    static final long DR7 = 40;

    static DebugRegisters read(MemorySegment m) {
        return new DebugRegisters(
                m.get(JAVA_LONG, DB),
                m.get(JAVA_LONG, DB + 8),
                m.get(JAVA_LONG, DB + 16),
                m.get(JAVA_LONG, DB + 24),
                m.get(JAVA_LONG, DR6),
                m.get(JAVA_LONG, DR7));
    }

    void write(MemorySegment m) {
        m.set(JAVA_LONG, DB, db0);
        m.set(JAVA_LONG, DB + 8, db1);
        m.set(JAVA_LONG, DB + 16, db2);
        m.set(JAVA_LONG, DB + 24, db3);
        m.set(JAVA_LONG, DR6, dr6);
        m.set(JAVA_LONG, DR7, dr7);
    }
}

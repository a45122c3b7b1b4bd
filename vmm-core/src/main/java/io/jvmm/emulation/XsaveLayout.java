// SPDX-License-Identifier: Apache-2.0
package io.jvmm.emulation;

import io.jvmm.ffi.kvm.CpuidEntry;

import java.util.List;

/**
 * Where the components of the extended state lie in an XSAVE area, as CPUID leaf 0xD tells (SDM
 * volume 1, 13.2, 13.4). Immutable.
 */
final class XsaveLayout {

    /** Components: x87, SSE, the upper halves of YMM, the upper halves of ZMM, ZMM16 to ZMM31. */
    static final int X87 = 0;

    static final int SSE = 1;
    static final int AVX = 2;
    static final int OPMASK = 5;
    static final int ZMM_HIGH = 6;
    static final int ZMM_MORE = 7;
    static final int PKRU = 9;
    static final int TILE_CONFIG = 17;
    static final int TILE_DATA = 18;

    /** Bytes of the legacy region, and of the header that follows it. */
    static final int LEGACY_SIZE = 512;

    static final int HEADER_SIZE = 64;

    /** Where components other than the first two begin, at the earliest. */
    static final int EXTENDED = LEGACY_SIZE + HEADER_SIZE;

    /** Bit numbers of components go up to here; bit 63 has another meaning. */
    static final int COMPONENTS = 63;

    private static final int LEAF = 0xD;
    private static final int ALIGNED = 2;
    private static final int SUPERVISOR = 1;

    private final int[] offsets = new int[COMPONENTS];
    private final int[] sizes = new int[COMPONENTS];
    private long aligned;
    private long user = 1 << X87 | 1 << SSE;
    private final boolean present;

    /**
     * @param cpuid the guest's leaves
     */
    XsaveLayout(List<CpuidEntry> cpuid) {
        boolean found = false;
        for (CpuidEntry leaf : cpuid) {
            if (leaf.function() != LEAF) {
                continue;
            }
            int component = leaf.index();
            if (component == 0) {
                found = true;
            } else if (component >= AVX && component < COMPONENTS && leaf.eax() != 0) {
                sizes[component] = leaf.eax();
                offsets[component] = leaf.ebx();
                if ((leaf.ecx() & ALIGNED) != 0) {
                    aligned |= 1L << component;
                }
                if ((leaf.ecx() & SUPERVISOR) == 0) {
                    user |= 1L << component;
                }
            }
        }
        present = found;
    }

    /** Whether the processor has {@code XSAVE}. */
    boolean present() {
        return present;
    }

    /** The components that XCR0 may turn on. */
    long userComponents() {
        return user;
    }

    /** Bytes of a component; 0 if there is none of this number. */
    int size(int component) {
        return sizes[component];
    }

    /** Where a component lies in the standard form. */
    int offset(int component) {
        return offsets[component];
    }

    /**
     * Where a component lies in the compacted form.
     *
     * @param components which components the area has
     */
    int compactOffset(int component, long components) {
        int at = EXTENDED;
        for (int i = AVX; i < COMPONENTS; i++) {
            if ((components & 1L << i) == 0) {
                continue;
            }
            if ((aligned & 1L << i) != 0) {
                at = (at + 63) & -64;
            }
            if (i == component) {
                return at;
            }
            at += sizes[i];
        }
        return at;
    }

    /** Bytes of an area with these components. */
    int areaSize(long components, boolean compact) {
        if (compact) {
            return compactOffset(COMPONENTS, components);
        }
        int end = EXTENDED;
        for (int i = AVX; i < COMPONENTS; i++) {
            if ((components & 1L << i) != 0) {
                end = Math.max(end, offsets[i] + sizes[i]);
            }
        }
        return end;
    }
}

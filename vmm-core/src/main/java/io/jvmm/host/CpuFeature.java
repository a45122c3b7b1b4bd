// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * A feature by which a kernel decides what to use: its bit in CPUID, and Linux's name for it, which
 * {@code clearcpuid=} takes. Those that kernels use most come first.
 *
 * <p>Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; {@code
 * arch/x86/include/asm/cpufeatures.h} for the names.
 */
enum CpuFeature {
    /** What every 64-bit processor has; nobody asks, and it cannot be cleared. */
    BASELINE(Register.NONE, 0),
    CX16(Register.LEAF_1_ECX, 13),
    POPCNT(Register.LEAF_1_ECX, 23),
    SMAP(Register.LEAF_7_EBX, 20),
    /** Fast {@code rep movsb}: an interpreter goes byte by byte all the same. */
    ERMS(Register.LEAF_7_EBX, 9),
    /** As {@link #ERMS}, for short copies. */
    FSRM(Register.LEAF_7_EDX, 4),
    SMEP(Register.LEAF_7_EBX, 7),
    UMIP(Register.LEAF_7_ECX, 2),
    FSGSBASE(Register.LEAF_7_EBX, 0),
    PCID(Register.LEAF_1_ECX, 17),
    INVPCID(Register.LEAF_7_EBX, 10),
    RDPID(Register.LEAF_7_ECX, 22),
    RDTSCP(Register.LEAF_EXTENDED_1_EDX, 27),
    PKU(Register.LEAF_7_ECX, 3),
    MONITOR(Register.LEAF_1_ECX, 3),
    SERIALIZE(Register.LEAF_7_EDX, 14),
    CLFLUSHOPT(Register.LEAF_7_EBX, 23),
    CLWB(Register.LEAF_7_EBX, 24),
    RDRAND(Register.LEAF_1_ECX, 30),
    RDSEED(Register.LEAF_7_EBX, 18),
    SSSE3(Register.LEAF_1_ECX, 9),
    SSE4_1(Register.LEAF_1_ECX, 19),
    SSE4_2(Register.LEAF_1_ECX, 20),
    SHA_NI(Register.LEAF_7_EBX, 29),
    AES(Register.LEAF_1_ECX, 25),
    PCLMULQDQ(Register.LEAF_1_ECX, 1),
    GFNI(Register.LEAF_7_ECX, 8),
    /** Cleared by {@code noxsave}, with all that hangs on it. */
    XSAVE(Register.LEAF_1_ECX, 26),
    AVX(Register.LEAF_1_ECX, 28),
    AVX2(Register.LEAF_7_EBX, 5),
    AVX512F(Register.LEAF_7_EBX, 16),
    VAES(Register.LEAF_7_ECX, 9),
    VPCLMULQDQ(Register.LEAF_7_ECX, 10),
    MOVBE(Register.LEAF_1_ECX, 22),
    /** {@code lzcnt}; the name is AMD's, "advanced bit manipulation". */
    ABM(Register.LEAF_EXTENDED_1_ECX, 5),
    BMI1(Register.LEAF_7_EBX, 3),
    BMI2(Register.LEAF_7_EBX, 8),
    ADX(Register.LEAF_7_EBX, 19);

    private static final Set<CpuFeature> ON_XSAVE =
            EnumSet.of(AVX, AVX2, AVX512F, VAES, VPCLMULQDQ);

    /** The registers of CPUID that hold these bits. */
    enum Register {
        NONE,
        LEAF_1_ECX,
        LEAF_7_EBX,
        LEAF_7_ECX,
        LEAF_7_EDX,
        LEAF_EXTENDED_1_ECX,
        LEAF_EXTENDED_1_EDX
    }

    private final Register register;
    private final int bit;

    CpuFeature(Register register, int bit) {
        this.register = register;
        this.bit = bit;
    }

    /** Linux's name, as in {@code /proc/cpuinfo}. */
    String flag() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Whether Linux clears it together with {@link #XSAVE} ({@code cpuid-deps.c}). */
    boolean hangsOnXsave() {
        return ON_XSAVE.contains(this);
    }

    /** Whether these answers of CPUID show it. */
    boolean isShownBy(CpuidAnswers answers) {
        return register == Register.NONE || (answers.register(register) >>> bit & 1) != 0;
    }
}

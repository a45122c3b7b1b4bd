// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import static io.jvmm.host.CpuFeature.ABM;
import static io.jvmm.host.CpuFeature.ADX;
import static io.jvmm.host.CpuFeature.AES;
import static io.jvmm.host.CpuFeature.AVX;
import static io.jvmm.host.CpuFeature.AVX2;
import static io.jvmm.host.CpuFeature.AVX512F;
import static io.jvmm.host.CpuFeature.BASELINE;
import static io.jvmm.host.CpuFeature.BMI1;
import static io.jvmm.host.CpuFeature.BMI2;
import static io.jvmm.host.CpuFeature.CLFLUSHOPT;
import static io.jvmm.host.CpuFeature.CLWB;
import static io.jvmm.host.CpuFeature.CX16;
import static io.jvmm.host.CpuFeature.FSGSBASE;
import static io.jvmm.host.CpuFeature.GFNI;
import static io.jvmm.host.CpuFeature.INVPCID;
import static io.jvmm.host.CpuFeature.MONITOR;
import static io.jvmm.host.CpuFeature.MOVBE;
import static io.jvmm.host.CpuFeature.PCID;
import static io.jvmm.host.CpuFeature.PCLMULQDQ;
import static io.jvmm.host.CpuFeature.PKU;
import static io.jvmm.host.CpuFeature.POPCNT;
import static io.jvmm.host.CpuFeature.RDPID;
import static io.jvmm.host.CpuFeature.RDRAND;
import static io.jvmm.host.CpuFeature.RDSEED;
import static io.jvmm.host.CpuFeature.RDTSCP;
import static io.jvmm.host.CpuFeature.SERIALIZE;
import static io.jvmm.host.CpuFeature.SHA_NI;
import static io.jvmm.host.CpuFeature.SMAP;
import static io.jvmm.host.CpuFeature.SMEP;
import static io.jvmm.host.CpuFeature.SSE4_1;
import static io.jvmm.host.CpuFeature.SSE4_2;
import static io.jvmm.host.CpuFeature.SSSE3;
import static io.jvmm.host.CpuFeature.UMIP;
import static io.jvmm.host.CpuFeature.VAES;
import static io.jvmm.host.CpuFeature.VPCLMULQDQ;
import static io.jvmm.host.CpuFeature.XSAVE;

import io.jvmm.host.ProbeVm.Ending;

import java.util.HexFormat;

/**
 * Instructions of kernels that an interpreter of ring 0 may lack, each with a program that tries
 * them in ring 0. RDI points to a page of zeros with the default MXCSR at its beginning; RSP points
 * to a stack, every other register is zero.
 *
 * <p>Source of the encodings: Intel SDM volume 2.
 */
public enum InstructionFamily {
    /** Breakpoints, by which kernels change their own code. */
    BREAKPOINT(BASELINE, "int3", "CC"),
    /** The wait for floating-point errors. */
    FWAIT(BASELINE, "fwait", "9B"),
    /** State of the x87. */
    X87_STATUS(BASELINE, "fnclex, fnstsw", "DBE2 DFE0"),
    /** Loads and stores of the SSE control register. */
    MXCSR(BASELINE, "ldmxcsr, stmxcsr", "0FAE17 0FAE1F"),
    /** Moves between SSE registers and others. */
    SSE_MOVE(BASELINE, "movaps, movdqa, movq", "0F2807 660F6F07 66480F6EC0"),
    /** Integer operations on SSE registers. */
    SSE_INTEGER(BASELINE, "pxor, paddd", "660FEFC0 660FFEC0"),
    /** Tests of segments. */
    SEGMENT_TESTS(BASELINE, "lar, lsl, verw", "0F02C8 0F03C8 0F00E8"),
    COMPARE_EXCHANGE_16(CX16, "cmpxchg16b", "480FC70F"),
    BIT_COUNT(POPCNT, "popcnt", "F30FB8C8"),
    /** The user-access switch, on every copy from and to user memory. */
    USER_ACCESS(SMAP, "clac, stac", turnOn(21) + "0F01CA 0F01CB"),
    EXTENDED_STATE(
            XSAVE, "xgetbv, xsave, xrstor", turnOn(18) + "0F01D0 B80300000031D2 0FAE27 0FAE2F"),
    SEGMENT_BASES(FSGSBASE, "rdfsbase", turnOn(16) + "F30FAEC1"),
    INVALIDATE_PCID(INVPCID, "invpcid", "B802000000 660F388207"),
    PROCESSOR_ID(RDPID, "rdpid", "F30FC7F9"),
    TIME_STAMP_AND_ID(RDTSCP, "rdtscp", "0F01F9"),
    IDLE_WAIT(MONITOR, "monitor", "488DC7 31C9 31D2 0F01C8"),
    SERIALIZATION(SERIALIZE, "serialize", "0F01E8"),
    FLUSH_OPTIMISED(CLFLUSHOPT, "clflushopt", "660FAE3F"),
    WRITE_BACK(CLWB, "clwb", "660FAE37"),
    RANDOM(RDRAND, "rdrand", "480FC7F1"),
    RANDOM_SEED(RDSEED, "rdseed", "480FC7F9"),
    BYTE_SWAP_MOVE(MOVBE, "movbe", "0F38F00F"),
    /**
     * An interpreter that does not look at the prefix takes it for {@code bsr}: 3 instead of 28
     * zeros above the 8.
     */
    LEADING_ZEROS(ABM, "lzcnt", "B808000000 F30FBDC0" + expectEax(28)),
    /** Taken for {@code bsf}, it leaves its target alone where there is no bit. */
    TRAILING_ZEROS(BMI1, "tzcnt", "31C9 F30FBCC1" + expectEax(32)),
    BIT_FIELDS(BMI1, "andn", "C4E278F2C8"),
    BIT_FIELDS_2(BMI2, "mulx", "C4E2FBF6C9"),
    CARRY_CHAINS(ADX, "adcx", "660F38F6C9"),
    SSSE3_INTEGER(SSSE3, "pshufb", "660F3800C0"),
    SSE4_1_INTEGER(SSE4_1, "pmulld", "660F3840C0"),
    CHECKSUM(SSE4_2, "crc32", "F2480F38F1C9"),
    HASHING(SHA_NI, "sha1nexte", "0F38C8C0"),
    ENCRYPTION(AES, "aesenc", "660F38DCC0"),
    CARRYLESS_MULTIPLY(PCLMULQDQ, "pclmulqdq", "660F3A44C000"),
    AVX_INTEGER(AVX, "vpxor xmm", "C5F9EFC0"),
    AVX2_INTEGER(AVX2, "vpaddd ymm", "C5FDFEC0"),
    AVX512_INTEGER(AVX512F, "vpxord zmm", "62F17D48EFC0"),
    VECTOR_ENCRYPTION(VAES, "vaesenc", "C4E27DDCC0"),
    VECTOR_CARRYLESS_MULTIPLY(VPCLMULQDQ, "vpclmulqdq", "C4E37D44C000"),
    GALOIS_FIELD(GFNI, "gf2p8mulb", "660F38CFC0"),
    /** A switch in CR4, as are the next ones. */
    SMEP_SWITCH(SMEP, "mov cr4 (smep)", turnOn(20)),
    UMIP_SWITCH(UMIP, "mov cr4 (umip)", turnOn(11)),
    PCID_SWITCH(PCID, "mov cr4 (pcide)", turnOn(17)),
    PKU_SWITCH(PKU, "mov cr4 (pke)", turnOn(22));

    private final CpuFeature feature;
    private final String mnemonics;
    private final String program;

    InstructionFamily(CpuFeature feature, String mnemonics, String program) {
        this.feature = feature;
        this.mnemonics = mnemonics;
        this.program = program;
    }

    /** The instructions by their names in assembly. */
    public String mnemonics() {
        return mnemonics;
    }

    /** What makes a kernel use them. */
    CpuFeature feature() {
        return feature;
    }

    byte[] program() {
        return HexFormat.of().parseHex(program.replace(" ", ""));
    }

    /** How the program ends on a processor that has the instructions. */
    boolean isGood(Ending ending) {
        // there is no table of interrupts, so a breakpoint ends in a triple fault
        return ending == (this == BREAKPOINT ? Ending.EXCEPTION : Ending.DONE);
    }

    /** {@code cmp eax, value; je end; out WRONG_PORT, al; end:}. */
    private static String expectEax(int value) {
        HexFormat hex = HexFormat.of();
        return "83F8%s 7402 E6%s"
                .formatted(
                        hex.toHexDigits((byte) value), hex.toHexDigits((byte) ProbeVm.WRONG_PORT));
    }

    /** {@code mov rax, cr4; or rax, 1 << bit; mov cr4, rax}. */
    private static String turnOn(int bit) {
        return "0F20E0 480D"
                + HexFormat.of().toHexDigits(Integer.reverseBytes(1 << bit))
                + " 0F22E0";
    }
}

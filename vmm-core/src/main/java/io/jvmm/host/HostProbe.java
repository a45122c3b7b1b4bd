// SPDX-License-Identifier: Apache-2.0
package io.jvmm.host;

import io.jvmm.ffi.kvm.CpuidEntry;
import io.jvmm.ffi.kvm.Kvm;
import io.jvmm.host.HostProfile.CpuidSource;
import io.jvmm.host.HostProfile.KickMode;
import io.jvmm.host.HostProfile.MissingPages;
import io.jvmm.host.HostProfile.Paging;
import io.jvmm.host.ProbeVm.Ending;
import io.jvmm.host.ProbeVm.Ring;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Finds out what the host's KVM does, by running small programs on throw-away machines; as few as
 * possible, since making one takes most of the time. Used by one thread.
 */
final class HostProbe implements AutoCloseable {

    /** Iterations that interpreters need milliseconds for, and processors microseconds. */
    private static final int LOOP_ITERATIONS = 10_000;

    private static final int ROUNDS = 10;

    /** {@code fwait; ldmxcsr [rdi]; pxor xmm0, xmm0}: every 64-bit processor has them. */
    private static final byte[] BASELINE = HexFormat.of().parseHex("9b0fae17660fefc0");

    private final Kvm kvm;
    private final List<CpuidEntry> cpuid;
    private @Nullable ProbeVm current;

    /**
     * @param kvm stays the caller's
     */
    HostProbe(Kvm kvm) {
        this.kvm = kvm;
        this.cpuid = kvm.supportedCpuid();
    }

    /**
     * Whether the host carries out in ring 0 what every processor can. One machine and one run, for
     * those who only want to know whether there is anything to find out.
     */
    boolean runsRing0() {
        return machine().run(BASELINE, Ring.KERNEL) == Ending.DONE;
    }

    /** Finds everything out. */
    HostProfile measure(String kernel) {
        CpuidAnswers set = CpuidAnswers.of(cpuid);
        CpuidAnswers kernelCpuid = CpuidAnswers.readBy(machine(), Ring.KERNEL);
        CpuidAnswers userCpuid = CpuidAnswers.readBy(machine(), Ring.USER);
        Map<InstructionFamily, Ending> bad = bad(kernelCpuid);
        return new HostProfile(
                kernel,
                slowdown(),
                source(kernelCpuid, set),
                source(userCpuid, set),
                having(bad, ending -> ending != Ending.WRONG),
                having(bad, ending -> ending == Ending.WRONG),
                machine().deliversSystemCalls(),
                paging(),
                missingPages(),
                kicks(),
                capabilities());
    }

    private static CpuidSource source(CpuidAnswers read, CpuidAnswers set) {
        return read.hasFeaturesOf(set) ? CpuidSource.MONITOR : CpuidSource.HOST;
    }

    /** The best of some rounds, since on a busy machine any one may be late. */
    private int slowdown() {
        long inKernel = Long.MAX_VALUE;
        long inUser = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) {
            inKernel = Math.min(inKernel, nanosOfLoop(Ring.KERNEL));
            inUser = Math.min(inUser, nanosOfLoop(Ring.USER));
        }
        return Math.clamp(Math.round((double) inKernel / inUser), 1, Integer.MAX_VALUE);
    }

    private long nanosOfLoop(Ring ring) {
        ProbeVm vm = machine();
        // mov ecx, iterations; again: dec ecx; jnz again
        byte[] program = {(byte) 0xB9, 0, 0, 0, 0, (byte) 0xFF, (byte) 0xC9, 0x75, (byte) 0xFC};
        ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN).putInt(1, LOOP_ITERATIONS);
        long start = System.nanoTime();
        vm.run(program, ring);
        return Math.max(1, System.nanoTime() - start);
    }

    /** What a kernel would meet: it asks CPUID in ring 0 before it uses anything. */
    private Map<InstructionFamily, Ending> bad(CpuidAnswers shown) {
        Map<InstructionFamily, Ending> bad = new EnumMap<>(InstructionFamily.class);
        for (InstructionFamily family : InstructionFamily.values()) {
            if (family.feature().isShownBy(shown)) {
                Ending ending = machine().run(family.program(), Ring.KERNEL);
                if (!family.isGood(ending)) {
                    bad.put(family, ending);
                }
            }
        }
        return bad;
    }

    private static Set<InstructionFamily> having(
            Map<InstructionFamily, Ending> endings, Predicate<Ending> which) {
        Set<InstructionFamily> found = EnumSet.noneOf(InstructionFamily.class);
        endings.forEach((family, ending) -> {
            if (which.test(ending)) {
                found.add(family);
            }
        });
        return found;
    }

    /**
     * Takes a page of page tables away. A processor that walks them itself faults on the host's
     * side; KVM that walks them in software takes the hole for the guest's own page fault.
     */
    private Paging paging() {
        return switch (machine().run(load(ProbeVm.BEHIND_MISSING_PAGE), Ring.USER)) {
            case FAULT_WITH_ADDRESS, FAULT_WITHOUT_ADDRESS -> Paging.TWO_DIMENSIONAL;
            case EXCEPTION -> Paging.SHADOW;
            case DONE, NOT_EMULATED, WRONG, OTHER -> Paging.UNKNOWN;
        };
    }

    private MissingPages missingPages() {
        return switch (machine().run(load(ProbeVm.MISSING_PAGE), Ring.USER)) {
            case FAULT_WITH_ADDRESS -> MissingPages.ANNOTATED;
            case FAULT_WITHOUT_ADDRESS -> MissingPages.BARE;
            case DONE, NOT_EMULATED, EXCEPTION, WRONG, OTHER -> MissingPages.UNKNOWN;
        };
    }

    /** {@code mov eax, [address]}. */
    private static byte[] load(int address) {
        byte[] program = {(byte) 0x8B, 0x04, 0x25, 0, 0, 0, 0};
        ByteBuffer.wrap(program).order(ByteOrder.LITTLE_ENDIAN).putInt(3, address);
        return program;
    }

    private Set<KickMode> kicks() {
        Set<KickMode> kicks = EnumSet.noneOf(KickMode.class);
        if (machine().heedsImmediateExit()) {
            kicks.add(KickMode.IMMEDIATE_EXIT);
        }
        if (machine().takesSignalMask()) {
            kicks.add(KickMode.SIGNAL_MASK);
        }
        return kicks;
    }

    private Map<Capability, Integer> capabilities() {
        Map<Capability, Integer> answers = new EnumMap<>(Capability.class);
        for (Capability capability : Capability.values()) {
            answers.put(capability, kvm.checkExtension(capability.number()));
        }
        return answers;
    }

    /** A machine that can run a program. */
    private ProbeVm machine() {
        ProbeVm vm = current;
        if (vm == null || !vm.isUsable()) {
            close();
            vm = new ProbeVm(kvm, cpuid);
            current = vm;
        }
        return vm;
    }

    @Override
    public void close() {
        ProbeVm vm = current;
        current = null;
        if (vm != null) {
            vm.close();
        }
    }
}

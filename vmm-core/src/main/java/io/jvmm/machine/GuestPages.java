// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import io.jvmm.ffi.kvm.MsrEntry;
import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.GuestMemoryException;
import io.jvmm.paging.FaultMode;
import io.jvmm.paging.SelfService;
import io.jvmm.vcpu.VcpuPages;
import io.jvmm.vcpu.VcpuState;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.function.BooleanSupplier;

/** A machine's memory, for vCPUs that were turned away from a page of it. */
final class GuestPages implements VcpuPages {

    private static final Logger LOG = LoggerFactory.getLogger(GuestPages.class);

    private static final int MSR_ASYNC_PF = 0x4B56_4D02;

    /** Wall clock, clock, steal time, end of interrupt: old numbers and new ones. */
    private static final List<Integer> MSRS_OF_SHARED_PAGES =
            List.of(0x11, 0x12, 0x4B56_4D00, 0x4B56_4D01, 0x4B56_4D03, 0x4B56_4D04);

    private static final long SHARED_ADDRESS = -64;
    private static final long SHARED_ENABLED = 1;

    private final String machine;
    private final GuestRam ram;
    private final Paging paging;

    /**
     * The memory of one machine.
     *
     * @param machine its name
     */
    GuestPages(String machine, GuestRam ram, Paging paging) {
        this.machine = machine;
        this.ram = ram;
        this.paging = paging;
    }

    @Override
    public boolean canFallBack() {
        return paging.isSelfService();
    }

    @Override
    public boolean signalsMissing() {
        SelfService own = paging.selfService();
        return own != null && own.mode() == FaultMode.POISON;
    }

    @Override
    public Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
        SelfService own = paging.selfService();
        SelfService.Answer answer =
                own == null ? SelfService.Answer.PRESENT : own.bring(gpa, threadId, interrupted);
        return switch (answer) {
            case BROUGHT -> Answer.BROUGHT;
            // Its owner wants something, or will soon.
            case INTERRUPTED, ENDED -> Answer.INTERRUPTED;
            case UNKNOWN -> Answer.NO_MEMORY;
            case PRESENT -> makeWritable(gpa);
        };
    }

    /** The kernel may have refused for another reason than a missing page, such as a shared one. */
    private Answer makeWritable(long gpa) {
        if (!isMemory(gpa, 1)) {
            return Answer.NO_MEMORY;
        }
        return ram.makeWritable(gpa) ? Answer.PRESENT : Answer.BROKEN;
    }

    @Override
    public long gpaOf(long hva) {
        return ram.gpaOf(hva);
    }

    @Override
    public boolean isMemory(long gpa, int size) {
        return ram.memory().contains(gpa, size);
    }

    @Override
    public long read(long gpa, int size) {
        GuestMemory memory = ram.memory();
        try {
            return switch (size) {
                case 1 -> memory.readU8(gpa);
                case 2 -> memory.readU16(gpa);
                case 4 -> memory.readU32(gpa);
                case 8 -> memory.readU64(gpa);
                default -> readBytes(memory, gpa, size);
            };
        } catch (GuestMemoryException ending) {
            return -1;
        }
    }

    private static long readBytes(GuestMemory memory, long gpa, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = (value << Byte.SIZE) | memory.readU8(gpa + i);
        }
        return value;
    }

    @Override
    public void write(long gpa, int size, long value) {
        GuestMemory memory = ram.memory();
        try {
            switch (size) {
                case 1 -> memory.writeU8(gpa, (int) value);
                case 2 -> memory.writeU16(gpa, (int) value);
                case 4 -> memory.writeU32(gpa, value);
                case 8 -> memory.writeU64(gpa, value);
                default -> {
                    for (int i = 0; i < size; i++) {
                        memory.writeU8(gpa + i, (int) (value >>> (i * Byte.SIZE)));
                    }
                }
            }
        } catch (GuestMemoryException ending) {
            // Nobody will read it.
        }
    }

    /** Has vCPUs wait in the kernel from now on. All of them stand still outside the guest. */
    void fallBack(String why) {
        SelfService own = paging.selfService();
        if (own != null && own.mode().isSelfService()) {
            LOG.warn("machine {} goes over to blocking faults: {}", machine, why);
            own.fallBack();
        }
    }

    /**
     * vCPUs of another machine are about to be restored. KVM shares pages with them which it does
     * not ask for: where vCPUs fetch pages themselves, those are brought now.
     */
    void expect(List<VcpuState> vcpus) {
        if (!paging.isSelfService()) {
            return;
        }
        for (VcpuState vcpu : vcpus) {
            for (MsrEntry msr : vcpu.msrs()) {
                boolean enabled = (msr.value() & SHARED_ENABLED) != 0;
                if (msr.index() == MSR_ASYNC_PF && enabled) {
                    fallBack("the guest was promised asynchronous page faults");
                    return;
                }
                if (enabled && MSRS_OF_SHARED_PAGES.contains(msr.index())) {
                    long _ = read(msr.value() & SHARED_ADDRESS, 1);
                }
            }
        }
    }
}

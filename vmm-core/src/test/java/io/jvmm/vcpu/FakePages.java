// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Memory of one page, at {@link FaultVm#MISSING}, about which a test decides. */
final class FakePages implements VcpuPages {

    /** What a vCPU is told that asks for a page, on its thread. */
    interface Decision {
        Answer on(long gpa);
    }

    final List<Long> asked = new CopyOnWriteArrayList<>();
    volatile @Nullable Decision decision = _ -> Answer.NO_MEMORY;
    volatile boolean canFallBack;
    volatile long value;

    /** From now on pages do not come until the vCPU is wanted elsewhere. */
    void holdBack() {
        decision = null;
    }

    @Override
    public boolean canFallBack() {
        return canFallBack;
    }

    @Override
    public boolean signalsMissing() {
        return false;
    }

    @Override
    public Answer bring(long gpa, int threadId, @Nullable BooleanSupplier interrupted) {
        asked.add(gpa);
        Decision now;
        while ((now = decision) == null) {
            if (interrupted != null && interrupted.getAsBoolean()) {
                return Answer.INTERRUPTED;
            }
            LockSupport.park(this);
        }
        return now.on(gpa);
    }

    @Override
    public long gpaOf(long hva) {
        return -1;
    }

    @Override
    public boolean isMemory(long gpa, int size) {
        return gpa >= FaultVm.MISSING && gpa + size <= FaultVm.MISSING + MissingPages.PAGE;
    }

    @Override
    public long read(long gpa, int size) {
        return value;
    }

    @Override
    public void write(long gpa, int size, long newValue) {
        value = newValue;
    }
}

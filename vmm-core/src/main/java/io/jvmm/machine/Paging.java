package io.jvmm.machine;

import io.jvmm.paging.GuestRange;
import io.jvmm.paging.Pager;
import io.jvmm.vcpu.PageWaits;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A machine's pager, if it has one and for as long: with the memory of before, a reset gives up
 * whoever would have supplied it. Thread-safe.
 */
final class Paging implements PageWaits, AutoCloseable {

    private volatile @Nullable Pager pager;

    Paging(@Nullable Pager pager) {
        this.pager = pager;
    }

    /** Whether memory can be missing. */
    boolean isActive() {
        return pager != null;
    }

    /** All of guest memory that is not there now is missing from here on. */
    void attach(List<GuestRange> memory) {
        Pager present = pager;
        if (present != null) {
            present.attach(memory);
        }
    }

    @Override
    public boolean isWaiting(int threadId) {
        Pager present = pager;
        return present != null && present.isWaiting(threadId);
    }

    /** Lets everybody go who waits; nobody may need memory any more. */
    void letGo() {
        Pager present = pager;
        if (present != null) {
            present.letGo();
        }
    }

    /** Gives the pager back, after the last vCPU and its virtual machine. */
    @Override
    public void close() {
        Pager present = pager;
        if (present != null) {
            present.close();
            pager = null;
        }
    }
}

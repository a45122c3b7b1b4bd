// SPDX-License-Identifier: Apache-2.0
package io.jvmm.vcpu;

import io.jvmm.guest.PayloadPages;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The pages of the vCPUs in {@link StressGuest#ROLE_PAGES}: each is missing when it is wanted and
 * taken away when the next one is. Those of every other such vCPU are held back until they were
 * wanted a number of times, which means until that vCPU was kicked as often.
 */
final class StressPages implements AutoCloseable {

    private static final int HOLD_BACK = 40;
    private static final long BYTES_PER_VCPU =
            (long) StressGuest.PAGES_PER_VCPU * PayloadPages.PAGE_SIZE;

    private final MissingPages pages;
    private final AtomicLong heldBack = new AtomicLong();
    private volatile boolean servesAll;

    // Of the serving thread.
    private final Map<Long, Integer> wanted = new HashMap<>();
    private final Map<Integer, Long> present = new HashMap<>();

    StressPages(PayloadVm vm, int vcpus) {
        this.pages =
                new MissingPages(
                        vm.memory,
                        (long) StressGuest.FIRST_PAGE * PayloadPages.PAGE_SIZE,
                        vcpus * BYTES_PER_VCPU,
                        this::wanted);
    }

    private void wanted(MissingPages from, long gpa) {
        long page = gpa / PayloadPages.PAGE_SIZE - StressGuest.FIRST_PAGE;
        int vcpu = (int) page / StressGuest.PAGES_PER_VCPU;
        int times = wanted.merge(gpa, 1, Integer::sum);
        if (!servesAll && vcpu % 2 != 0 && times < HOLD_BACK) {
            heldBack.incrementAndGet();
            return;
        }
        wanted.remove(gpa);
        Long last = present.put(vcpu, gpa);
        if (last != null && last != gpa) {
            from.drop(last);
        }
        PayloadPages.fill(from.staging().asByteBuffer(), gpa);
        from.bring(gpa);
    }

    /** How often a page was wanted and not brought. */
    long heldBack() {
        return heldBack.get();
    }

    /** From the next time on, a page comes when it is wanted. */
    void serveAll() {
        servesAll = true;
    }

    /** After the vCPUs' threads have ended. */
    @Override
    public void close() {
        pages.close();
    }
}

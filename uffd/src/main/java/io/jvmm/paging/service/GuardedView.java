// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;
import io.jvmm.ffi.linux.Mapping;
import io.jvmm.ffi.uffd.Feature;
import io.jvmm.ffi.uffd.Tracking;
import io.jvmm.ffi.uffd.Userfaultfd;
import io.jvmm.paging.PageGate;
import io.jvmm.paging.PageRequest;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Set;

/**
 * For tests and debugging: a view of guest memory, for Java code, that finds every touch of a page
 * that was not asked for. Such a touch works as long as the page happens to be there, and stops the
 * whole process some day when it is not; here it fails at once, with an {@link InternalError} (or,
 * out of a few intrinsics of the compiler, with the end of the process).
 *
 * <p>It is one more mapping of a guest's memfd, in which no page is to be seen before {@link
 * #populate} was asked for it, whether guest memory has it or not. The kernel answers with a bus
 * error instead of a message ({@code UFFD_FEATURE_SIGBUS}).
 *
 * <p>Thread-safe. Close it after the last user of its segment.
 */
public final class GuardedView implements PageGate, AutoCloseable {

    private static final long PAGE = PageRequest.PAGE_BYTES;

    private final PageGate pages;
    private final long gpa;
    private final Mapping view;
    private final Userfaultfd uffd;

    /**
     * A view of the file from {@code offset} on.
     *
     * @param pages brings what is missing
     * @param gpa guest-physical address of the first byte
     * @param file the memfd; may be closed before the view
     */
    public GuardedView(PageGate pages, long gpa, Fd file, long offset, long length) {
        this.pages = pages;
        this.gpa = gpa;
        view = Mapping.shared(file, offset, length);
        Userfaultfd opened = null;
        try {
            opened =
                    Userfaultfd.open(
                            Set.of(Feature.SIGBUS, Feature.MISSING_SHMEM, Feature.MINOR_SHMEM));
            opened.register(view.address(), length, Set.of(Tracking.MISSING, Tracking.MINOR));
            uffd = opened;
        } catch (RuntimeException e) {
            if (opened != null) {
                opened.close();
            }
            view.close();
            throw e;
        }
    }

    /** The memory, for whoever asks before each touch. */
    public MemorySegment segment() {
        return view.segment();
    }

    /** Never, so that everybody asks. */
    @Override
    public boolean allPresent() {
        return false;
    }

    @Override
    public void populate(long address, long length, Duration deadline) {
        pages.populate(address, length, deadline);
        long end = address - gpa + length;
        for (long at = (address - gpa) & -PAGE; at < end; at += PAGE) {
            show(view.address() + at);
        }
    }

    private void show(long address) {
        long result = uffd.tryContinue(address, PAGE, 0);
        if (Errno.EFAULT.is(result)) {
            // Nobody has written the page yet, in memory that is all there.
            result = uffd.tryZeropage(address, PAGE, 0);
        }
        if (result < 0 && !Errno.EEXIST.is(result)) {
            throw new KernelException("UFFDIO_CONTINUE", Errno.of(result));
        }
    }

    @Override
    public void close() {
        uffd.close();
        view.close();
    }
}

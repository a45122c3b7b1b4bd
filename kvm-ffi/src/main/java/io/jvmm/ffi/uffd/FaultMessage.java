// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Fd;

import java.lang.foreign.MemorySegment;

/**
 * A view of one message among {@link FaultMessages}. It is moved, not made anew, from message to
 * message: keep its values, not the view.
 *
 * <p>Addresses are those of the process whose memory is registered. Each accessor belongs to the
 * events that its description names and throws {@link IllegalStateException} for any other.
 */
public final class FaultMessage {

    private final MemorySegment buffer;
    private long at;
    private int event;

    FaultMessage(MemorySegment buffer) {
        this.buffer = buffer;
    }

    FaultMessage at(long offset) {
        at = offset;
        event = Byte.toUnsignedInt(buffer.get(JAVA_BYTE, at + Layout.MESSAGE_EVENT));
        return this;
    }

    /** {@code UFFD_EVENT_*}; another number when the kernel is newer than this class. */
    public int event() {
        return event;
    }

    /** Whether a thread waits for a page. */
    public boolean isPageFault() {
        return event() == UffdConstants.UFFD_EVENT_PAGEFAULT;
    }

    /**
     * Page fault: where, rounded down to a page (without {@link Feature#EXACT_ADDRESS}). The same
     * page may be told several times: by each thread that waits for it, and again by a thread that
     * a signal has woken and that came back.
     */
    public long address() {
        return faultField(Layout.FAULT_ADDRESS);
    }

    /** Page fault: {@code UFFD_PAGEFAULT_FLAG_*}. */
    public long flags() {
        return faultField(Layout.FAULT_FLAGS);
    }

    /** Page fault: the access was a write. A guest's reads may be reported as writes. */
    public boolean isWrite() {
        return (flags() & UffdConstants.UFFD_PAGEFAULT_FLAG_WRITE) != 0;
    }

    /** Page fault: the page is there and write-protected. */
    public boolean isWriteProtected() {
        return (flags() & UffdConstants.UFFD_PAGEFAULT_FLAG_WP) != 0;
    }

    /** Page fault: the page is in the file's cache and wants {@link Userfaultfd#tryContinue}. */
    public boolean isMinor() {
        return (flags() & UffdConstants.UFFD_PAGEFAULT_FLAG_MINOR) != 0;
    }

    /**
     * Page fault: the thread that waits, as the reader's pid namespace numbers it; 0 without {@link
     * Feature#THREAD_ID}. For a guest's asynchronous page faults it is a worker of the kernel.
     */
    public int threadId() {
        expect(UffdConstants.UFFD_EVENT_PAGEFAULT);
        return buffer.get(JAVA_INT, at + Layout.FAULT_THREAD);
    }

    private long faultField(long offset) {
        expect(UffdConstants.UFFD_EVENT_PAGEFAULT);
        return buffer.get(JAVA_LONG, at + offset);
    }

    /**
     * Fork: a descriptor for the child's memory, which this process has had open since the read and
     * the caller closes. Take it once.
     */
    public Fd takeForkedDescriptor() {
        expect(UffdConstants.UFFD_EVENT_FORK);
        return Fd.adopt(
                "userfaultfd of a forked process",
                buffer.get(JAVA_INT, at + Layout.FORK_DESCRIPTOR));
    }

    /** Remap: where the range was. */
    public long remapFrom() {
        return remapField(Layout.REMAP_FROM);
    }

    /** Remap: where it is now. */
    public long remapTo() {
        return remapField(Layout.REMAP_TO);
    }

    /** Remap: its length in bytes. */
    public long remapLength() {
        return remapField(Layout.REMAP_LENGTH);
    }

    private long remapField(long offset) {
        expect(UffdConstants.UFFD_EVENT_REMAP);
        return buffer.get(JAVA_LONG, at + offset);
    }

    /** Remove and unmap: the first address. */
    public long removedStart() {
        return removedField(Layout.REMOVE_START);
    }

    /** Remove and unmap: the address behind the last. */
    public long removedEnd() {
        return removedField(Layout.REMOVE_END);
    }

    private long removedField(long offset) {
        if (event != UffdConstants.UFFD_EVENT_UNMAP) {
            expect(UffdConstants.UFFD_EVENT_REMOVE);
        }
        return buffer.get(JAVA_LONG, at + offset);
    }

    private void expect(int wanted) {
        if (event != wanted) {
            throw new IllegalStateException("the message is of event " + event + ", not " + wanted);
        }
    }
}

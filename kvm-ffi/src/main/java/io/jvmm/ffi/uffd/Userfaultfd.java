// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jvmm.ffi.linux.Errno;
import io.jvmm.ffi.linux.Fd;
import io.jvmm.ffi.linux.KernelException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;
import java.util.Set;

/**
 * A descriptor through which a program serves the page faults of registered ranges of memory: of
 * its own, or of the process that has sent the descriptor.
 *
 * <p>Thread-safe, for platform threads. After the first call of a thread, and once the optimising
 * compiler (C2) has been there, no method named {@code try…} allocates.
 *
 * <p><b>Results.</b> Methods that fill pages return the bytes that are done, more than 0 and
 * possibly fewer than asked for: go on behind them, and the next call names the reason. When
 * nothing is done, the result is {@code -errno}:
 *
 * <ul>
 *   <li>{@code EEXIST}: the first page is there already. Somebody else was quicker; whoever waits
 *       may still want a {@link #tryWake}.
 *   <li>{@code EAGAIN}: the range is changing, and the message about it ({@code UFFD_EVENT_REMOVE},
 *       …) has not been read or its sender has not gone on yet. Read, try again.
 *   <li>{@code ENOENT}: the destination is not registered, or is not one mapping.
 *   <li>{@code ESRCH}: the process whose memory it was has ended.
 *   <li>{@code EINVAL}: an address or length is not a multiple of the page size, or the kind of
 *       memory does not know the operation.
 * </ul>
 *
 * <p><b>The end.</b> When the last descriptor of a userfaultfd is closed, all that were waiting go
 * on, and pages that were still missing turn into ordinary ones: zeros, or what the file holds. For
 * a guest that is silent corruption. So the descriptor must outlive every vCPU that may touch the
 * memory. A {@link #tryRead} under way and a descriptor sent elsewhere keep it open; to let waiting
 * threads go for certain, {@link #unregister}.
 */
public final class Userfaultfd implements AutoCloseable {

    // Any page: waking is without effect where nobody waits.
    private static final long SOME_PAGE = 1L << 20;
    private static final long PAGE_BYTES = 4096;

    // Arguments of one call: per thread, or two threads would share them. No lambda: the first one
    // of a program costs milliseconds.
    private static final ThreadLocal<MemorySegment> ARGUMENT =
            new ThreadLocal<>() {
                @Override
                protected MemorySegment initialValue() {
                    return Arena.ofAuto().allocate(Layout.TRANSFER_BYTES, Long.BYTES);
                }
            };

    private final Fd fd;
    private final Set<Feature> features;

    private Userfaultfd(Fd fd, Set<Feature> features) {
        this.fd = fd;
        this.features = features;
    }

    /**
     * Opens a userfaultfd for this process's memory, one that sees accesses of the kernel, and thus
     * of KVM, too. Reads wait; see {@link #setNonBlocking}.
     *
     * @param required what it must be able to do
     * @throws KernelException the process may not, or the kernel lacks a feature ({@code EINVAL});
     *     the message names the remedy
     */
    public static Userfaultfd open(Set<Feature> required) {
        Fd fd = UffdAccess.open();
        try {
            negotiate(fd, required);
            return new Userfaultfd(fd, Set.copyOf(required));
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** What this kernel's userfaultfd can do, as far as this class knows. */
    public static Set<Feature> supportedFeatures() {
        // A descriptor is negotiated once, so asking takes one of its own.
        try (Fd fd = UffdAccess.open()) {
            return Feature.of(api(fd, 0));
        }
    }

    private static void negotiate(Fd fd, Set<Feature> required) {
        try {
            api(fd, Feature.bits(required));
        } catch (KernelException e) {
            if (e.errno().equals(Errno.EINVAL)) {
                throw e.withRemedy(missing(required, supportedFeatures()));
            }
            if (e.errno().equals(Errno.EPERM)) {
                throw e.withRemedy("grant CAP_SYS_PTRACE, which EVENT_FORK needs");
            }
            throw e;
        }
    }

    static String missing(Set<Feature> required, Set<Feature> supported) {
        StringBuilder wanted = new StringBuilder("use a newer kernel, for");
        for (Feature feature : Feature.values()) {
            if (required.contains(feature) && !supported.contains(feature)) {
                wanted.append(' ').append(feature).append(" (Linux ").append(feature.since());
                wanted.append("),");
            }
        }
        wanted.setLength(wanted.length() - 1);
        return wanted.toString();
    }

    /** {@code UFFDIO_API}: turns features on and returns all that the kernel knows. */
    static long api(Fd fd, long features) {
        MemorySegment argument = ARGUMENT.get();
        argument.set(JAVA_LONG, Layout.API_VERSION, UffdRequests.UFFD_API);
        argument.set(JAVA_LONG, Layout.API_FEATURES, features);
        argument.set(JAVA_LONG, Layout.API_FEATURES + Long.BYTES, 0);
        fd.ioctl("UFFDIO_API", UffdRequests.UFFDIO_API, argument.address());
        return argument.get(JAVA_LONG, Layout.API_FEATURES);
    }

    /**
     * Takes over a userfaultfd that another process has opened, negotiated and sent ({@link
     * io.jvmm.ffi.linux.FdPassing}). It concerns that process's memory: all destinations are
     * addresses there. {@link #tryMove} is refused by it.
     *
     * @param fd closed with the result; left open when this method throws
     * @throws KernelException {@code EINVAL} if it is no userfaultfd, or not negotiated
     */
    public static Userfaultfd adopt(Fd fd) {
        UffdAccess.requireUserfaultfd(fd);
        Userfaultfd adopted = new Userfaultfd(fd, Set.of());
        // Before the negotiation the kernel refuses everything.
        if (Errno.EINVAL.is(adopted.tryWake(SOME_PAGE, PAGE_BYTES))) {
            throw new KernelException("adopt " + fd.name(), Errno.EINVAL)
                    .withRemedy("negotiate features (UFFDIO_API) before sending a userfaultfd");
        }
        return adopted;
    }

    /** The features that were asked for; none if adopted, because the kernel does not tell. */
    public Set<Feature> features() {
        return features;
    }

    /** The descriptor, to wait on it (non-blocking ones only), or to send it. */
    public Fd fd() {
        return fd;
    }

    /**
     * Whether {@link #tryRead} answers {@code EAGAIN} instead of waiting. Only then can the
     * descriptor be polled; a blocking one answers {@code POLLERR}.
     */
    public void setNonBlocking(boolean nonBlocking) {
        fd.setNonBlocking(nonBlocking);
    }

    /**
     * Reads messages, as many as there are and fit; waits for the first.
     *
     * @return how many came, at least 1; {@code -EINTR} after a signal; {@code -EAGAIN} when there
     *     is none and the descriptor does not block
     */
    public int tryRead(FaultMessages messages) {
        messages.filled(0);
        return filled(messages, fd.tryRead(messages.buffer()));
    }

    /**
     * As {@link #tryRead(FaultMessages)}, for reading again and again: what a signal interrupts is
     * begun once more. With a limit of one the kernel does not look for a second message when it
     * has the first.
     *
     * @param limit the most messages to read, 1 to the capacity
     */
    public int tryRead(FaultMessages messages, int limit) {
        if (limit < 1 || limit > messages.capacity()) {
            throw new IndexOutOfBoundsException(limit);
        }
        messages.filled(0);
        long address = messages.buffer().address();
        return filled(messages, fd.tryRepeatableRead(address, limit * Layout.MESSAGE_BYTES));
    }

    private static int filled(FaultMessages messages, long result) {
        if (result < 0) {
            return (int) result;
        }
        int count = (int) (result / Layout.MESSAGE_BYTES);
        messages.filled(count);
        return count;
    }

    /**
     * Makes faults of a range come here.
     *
     * @param address start of the range, a multiple of the page size
     * @param length bytes, a multiple of the page size
     * @return what can be done with this range
     * @throws KernelException {@code EBUSY} if it belongs to another userfaultfd; {@code EINVAL} if
     *     it is not mapped, or its kind of memory cannot be tracked so
     */
    public Set<Operation> register(long address, long length, Set<Tracking> tracking) {
        MemorySegment argument = range(address, length);
        argument.set(JAVA_LONG, Layout.REGISTER_MODE, Tracking.bits(tracking));
        argument.set(JAVA_LONG, Layout.REGISTER_OPERATIONS, 0);
        fd.ioctl("UFFDIO_REGISTER", UffdRequests.UFFDIO_REGISTER, argument.address());
        return Operation.of(argument.get(JAVA_LONG, Layout.REGISTER_OPERATIONS));
    }

    /**
     * Gives a range back to the kernel: threads that wait in it go on, with zeros or what the file
     * holds.
     *
     * @throws KernelException {@code EINVAL} if it is not mapped
     */
    public void unregister(long address, long length) {
        fd.ioctl(
                "UFFDIO_UNREGISTER",
                UffdRequests.UFFDIO_UNREGISTER,
                range(address, length).address());
    }

    /**
     * Wakes the threads that wait in a range, to look again.
     *
     * @return 0 or {@code -errno}
     */
    public int tryWake(long address, long length) {
        return fd.tryIoctl(UffdRequests.UFFDIO_WAKE, range(address, length).address());
    }

    /**
     * Fills missing pages with a copy.
     *
     * @param destination address of the first missing page
     * @param source native memory, which no other thread closes meanwhile; all of it present
     * @param offset of the first byte in the source, of any alignment
     * @param length bytes, a multiple of the page size
     * @param mode of {@code UFFDIO_COPY_MODE_*}
     * @return bytes done or {@code -errno} (see above); also {@code -EFAULT} if the source cannot
     *     be read
     */
    public long tryCopy(
            long destination, MemorySegment source, long offset, long length, int mode) {
        return transfer(UffdRequests.UFFDIO_COPY, destination, source, offset, length, mode);
    }

    /**
     * Fills missing pages of private anonymous memory with pages taken away from the source, which
     * lacks them afterwards. Whole huge pages, both sides aligned, move in one go if nothing was
     * ever mapped in the destination's 2 MiB.
     *
     * @param destination address of the first missing page
     * @param source private anonymous memory of this process, not shared with a fork and not in use
     *     for direct input or output
     * @param offset of the first page in the source; must come out at a page's start
     * @param length bytes, a multiple of the page size
     * @param mode of {@code UFFDIO_MOVE_MODE_*}
     * @return bytes done or {@code -errno} (see above); also {@code -ENOENT} if the source lacks
     *     the first page, {@code -EBUSY} if it is in use
     */
    public long tryMove(
            long destination, MemorySegment source, long offset, long length, int mode) {
        return transfer(UffdRequests.UFFDIO_MOVE, destination, source, offset, length, mode);
    }

    /** For filling pages one at a time. */
    public PageFiller pageFiller() {
        return new PageFiller(this);
    }

    /**
     * Fills missing pages with zeros.
     *
     * @param mode of {@code UFFDIO_ZEROPAGE_MODE_*}
     * @return bytes done or {@code -errno} (see above)
     */
    public long tryZeropage(long address, long length, int mode) {
        return fill(UffdRequests.UFFDIO_ZEROPAGE, address, length, mode);
    }

    /**
     * Maps pages that are in the file's cache, put there through another mapping.
     *
     * @param mode of {@code UFFDIO_CONTINUE_MODE_*}
     * @return bytes done or {@code -errno} (see above); also {@code -EFAULT} if the file lacks the
     *     first page
     */
    public long tryContinue(long address, long length, int mode) {
        return fill(UffdRequests.UFFDIO_CONTINUE, address, length, mode);
    }

    /**
     * Marks missing pages as broken: a thread that touches one gets {@code SIGBUS}, a system call
     * {@code EFAULT} or {@code EHWPOISON}. {@link #tryCopy} and {@link #tryContinue} replace a
     * mark.
     *
     * @param mode of {@code UFFDIO_POISON_MODE_*}
     * @return bytes done or {@code -errno} (see above)
     */
    public long tryPoison(long address, long length, int mode) {
        return fill(UffdRequests.UFFDIO_POISON, address, length, mode);
    }

    /**
     * Write-protects pages, or takes that away and wakes who waits.
     *
     * @param mode of {@code UFFDIO_WRITEPROTECT_MODE_*}
     * @return 0 for the whole range, or {@code -errno} (see above)
     */
    public int tryWriteProtect(long address, long length, int mode) {
        MemorySegment argument = range(address, length);
        argument.set(JAVA_LONG, Layout.WRITEPROTECT_MODE, mode);
        return fd.tryIoctl(UffdRequests.UFFDIO_WRITEPROTECT, argument.address());
    }

    private static MemorySegment range(long address, long length) {
        MemorySegment argument = ARGUMENT.get();
        argument.set(JAVA_LONG, Layout.RANGE_START, address);
        argument.set(JAVA_LONG, Layout.RANGE_LENGTH, length);
        return argument;
    }

    private long fill(long request, long address, long length, int mode) {
        MemorySegment argument = range(address, length);
        argument.set(JAVA_LONG, Layout.FILL_MODE, mode);
        argument.set(JAVA_LONG, Layout.FILL_DONE, 0);
        int result = fd.tryIoctl(request, argument.address());
        return result >= 0 ? length : part(result, argument, Layout.FILL_DONE);
    }

    private long transfer(
            long request,
            long destination,
            MemorySegment source,
            long offset,
            long length,
            int mode) {
        if (!source.isNative() || !source.scope().isAlive()) {
            throw new IllegalArgumentException("the source must be live native memory");
        }
        Objects.checkFromIndexSize(offset, length, source.byteSize());
        MemorySegment argument = ARGUMENT.get();
        argument.set(JAVA_LONG, Layout.TRANSFER_DESTINATION, destination);
        argument.set(JAVA_LONG, Layout.TRANSFER_SOURCE, source.address() + offset);
        argument.set(JAVA_LONG, Layout.TRANSFER_LENGTH, length);
        argument.set(JAVA_LONG, Layout.TRANSFER_MODE, mode);
        argument.set(JAVA_LONG, Layout.TRANSFER_DONE, 0);
        try {
            int result = fd.tryIoctl(request, argument.address());
            return result >= 0 ? length : part(result, argument, Layout.TRANSFER_DONE);
        } finally {
            Reference.reachabilityFence(source);
        }
    }

    // A part done is EAGAIN with the bytes in the structure; EAGAIN for a range that is changing
    // leaves there, as the kernel's version has it, the 0 from before or -EAGAIN.
    private static long part(int error, MemorySegment argument, long offset) {
        long done = Errno.EAGAIN.is(error) ? argument.get(JAVA_LONG, offset) : 0;
        return done > 0 ? done : error;
    }

    /** Closes this descriptor; see the class's description for what that does. */
    @Override
    public void close() {
        fd.close();
    }
}

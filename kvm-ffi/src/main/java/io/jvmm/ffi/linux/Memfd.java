// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import java.lang.foreign.Arena;

/**
 * Memory with a descriptor ({@code memfd_create(2)}), so that it can be mapped more than once and
 * handed to another process.
 *
 * <p>Its size is fixed by seals. A file that somebody may truncate would turn an access of Java
 * code into a crash of the virtual machine; this one can not be truncated, not even by who received
 * the descriptor.
 */
public final class Memfd implements AutoCloseable {

    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;

    private final Fd fd;
    private final long sizeBytes;

    private Memfd(Fd fd, long sizeBytes) {
        this.fd = fd;
        this.sizeBytes = sizeBytes;
    }

    /**
     * Creates memory of zeros.
     *
     * @param name shows up in {@code /proc/PID/maps}; at most 249 bytes
     */
    public static Memfd create(String name, long sizeBytes) {
        long result;
        try (Arena arena = Arena.ofConfined()) {
            result =
                    Linux.call(
                            Nr.MEMFD_CREATE,
                            arena.allocateFrom(name).address(),
                            MFD_CLOEXEC | MFD_ALLOW_SEALING,
                            0);
        }
        Fd fd = Fd.adopt("memfd " + name, (int) KernelException.check("memfd_create", result));
        try {
            KernelException.check("ftruncate", Linux.call(Nr.FTRUNCATE, fd.number(), sizeBytes, 0));
            KernelException.check(
                    "F_ADD_SEALS",
                    Linux.call(
                            Nr.FCNTL,
                            fd.number(),
                            F_ADD_SEALS,
                            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
            return new Memfd(fd, sizeBytes);
        } catch (KernelException e) {
            fd.close();
            throw e;
        }
    }

    /** The descriptor. It ends with this object; mappings of it live on. */
    public Fd fd() {
        return fd;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /** Maps all of it; what is written is seen by all other shared mappings. */
    public Mapping mapShared() {
        return Mapping.shared(fd, 0, sizeBytes);
    }

    /** Maps all of it; what is written stays in that mapping. */
    public Mapping mapCopyOnWrite() {
        return Mapping.copyOnWrite(fd, 0, sizeBytes);
    }

    /**
     * Gives the pages of a range back; they are zeros, and missing to userfaultfd, from then on.
     */
    public void punchHole(long offset, long length) {
        KernelException.check(
                "fallocate",
                Linux.call(
                        Nr.FALLOCATE,
                        fd.number(),
                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        offset,
                        length));
    }

    /** Whether the descriptor's size can never change, as {@link #create} makes it. */
    public static boolean isSizeSealed(Fd memory) {
        long seals = Linux.call(Nr.FCNTL, memory.number(), F_GET_SEALS, 0);
        return seals >= 0
                && (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) == (F_SEAL_SHRINK | F_SEAL_GROW);
    }

    @Override
    public void close() {
        fd.close();
    }
}

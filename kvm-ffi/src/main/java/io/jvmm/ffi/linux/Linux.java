// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The door to the kernel, with the kernel's own result convention: {@code >= 0}, or {@code -errno}.
 * Nothing here throws for what the kernel says.
 *
 * <p>Calls go through libc's {@code syscall(2)} and the numbers of {@link Nr}, because one handle
 * then serves all of them: every further handle shape costs milliseconds at start. Further shapes
 * are in nested classes, so that a program links them only when it uses them.
 *
 * <p>Handles capture {@code errno}: between the return of the call and a later read of it the
 * virtual machine may run code of its own on the thread. The one that does not is {@link
 * Repeatable}'s.
 */
final class Linux {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBC = LINKER.defaultLookup();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO = CALL_STATE.byteOffset(PathElement.groupElement("errno"));

    /** Size of the {@linkplain #scratch() scratch segment} in bytes. */
    static final long SCRATCH_BYTES = 256;

    // An anonymous class instead of withInitial: the first lambda of a program costs milliseconds.
    private static final ThreadLocal<ThreadMemory> MEMORY =
            new ThreadLocal<>() {
                @Override
                protected ThreadMemory initialValue() {
                    return new ThreadMemory();
                }
            };

    private static final MethodHandle SYSCALL =
            link(
                    "syscall",
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                            JAVA_LONG, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));

    private Linux() {}

    /**
     * What a thread needs for its calls: one each, or two threads would read each other's errno.
     */
    private static final class ThreadMemory {
        final MemorySegment callState;
        final MemorySegment scratch;

        ThreadMemory() {
            Arena arena = Arena.ofAuto();
            callState = arena.allocate(CALL_STATE);
            scratch = arena.allocate(SCRATCH_BYTES, Long.BYTES);
        }
    }

    /** Links a libc function. Handles come from here, so that none forgets to capture errno. */
    static MethodHandle link(
            String function, FunctionDescriptor type, Linker.Option... variadicFrom) {
        Linker.Option[] options = new Linker.Option[variadicFrom.length + 1];
        System.arraycopy(variadicFrom, 0, options, 1, variadicFrom.length);
        options[0] = Linker.Option.captureCallState("errno");
        return LINKER.downcallHandle(LIBC.findOrThrow(function), type, options);
    }

    /** The address of a libc function. */
    static long addressOf(String function) {
        return LIBC.findOrThrow(function).address();
    }

    /**
     * A small buffer of this thread for the arguments of one call. Its content is undefined before
     * the caller writes it and after the caller's next call of any other method of this package.
     */
    static MemorySegment scratch() {
        return MEMORY.get().scratch;
    }

    static long call(long number) {
        return call(number, 0, 0, 0, 0, 0, 0);
    }

    static long call(long number, long first, long second, long third) {
        return call(number, first, second, third, 0, 0, 0);
    }

    static long call(long number, long first, long second, long third, long fourth) {
        return call(number, first, second, third, fourth, 0, 0);
    }

    static long call(
            long number, long first, long second, long third, long fourth, long fifth, long sixth) {
        MemorySegment state = MEMORY.get().callState;
        try {
            return resultOf(
                    (long)
                            SYSCALL.invokeExact(
                                    state, number, first, second, third, fourth, fifth, sixth),
                    state);
        } catch (Throwable unreachable) {
            throw unreachable(unreachable);
        }
    }

    private static long resultOf(long returned, MemorySegment state) {
        return returned != -1 ? returned : -state.get(JAVA_INT, ERRNO);
    }

    // The kernel reports errors by value; what comes as a Throwable is our own misuse (a closed or
    // a foreign thread's segment, a heap segment), which the caller must see as it is.
    private static RuntimeException unreachable(Throwable thrown) {
        if (thrown instanceof RuntimeException misuse) {
            return misuse;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        throw new AssertionError(thrown);
    }

    /**
     * Reads and writes on a buffer whose arena somebody else could close meanwhile, such as guest
     * memory: passing it as a segment keeps the arena open until the kernel is done with it.
     */
    static final class OnBuffer {
        private static final MethodHandle HANDLE =
                link(
                        "syscall",
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG),
                        Linker.Option.firstVariadicArg(1));

        private OnBuffer() {}

        /** {@code number(fd, buffer, its size, argument)}. */
        static long call(long number, int fd, MemorySegment buffer, long argument) {
            MemorySegment state = MEMORY.get().callState;
            try {
                return resultOf(
                        (long)
                                HANDLE.invokeExact(
                                        state,
                                        number,
                                        (long) fd,
                                        buffer,
                                        buffer.byteSize(),
                                        argument),
                        state);
            } catch (Throwable unreachable) {
                throw unreachable(unreachable);
            }
        }
    }

    /**
     * Calls that may be made twice, since one that failed has changed nothing. For those that are
     * made for each page: capturing {@code errno} and looking for where to takes as long as all
     * else on the way into the kernel. So that is left to a second call, after a failure.
     */
    static final class Repeatable {
        private static final MethodHandle HANDLE =
                LINKER.downcallHandle(
                        LIBC.findOrThrow("syscall"),
                        FunctionDescriptor.of(
                                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                        Linker.Option.firstVariadicArg(1));

        private Repeatable() {}

        static long call(long number, long first, long second, long third) {
            long result;
            try {
                result = (long) HANDLE.invokeExact(number, first, second, third);
            } catch (Throwable unreachable) {
                throw unreachable(unreachable);
            }
            return result >= 0 ? result : Linux.call(number, first, second, third);
        }
    }
}

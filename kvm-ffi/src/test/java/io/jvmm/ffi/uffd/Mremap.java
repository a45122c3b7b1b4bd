// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.uffd;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** {@code mremap(2)}, which only a test wants. */
final class Mremap {

    private static final int MAYMOVE_AND_FIXED = 3;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle MREMAP =
            LINKER.downcallHandle(
                    LINKER.defaultLookup().findOrThrow("mremap"),
                    FunctionDescriptor.of(
                            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG),
                    Linker.Option.firstVariadicArg(4));

    private Mremap() {}

    /** Moves a mapping to where another one is. */
    static long onto(long from, long length, long to) {
        try {
            return (long) MREMAP.invokeExact(from, length, length, MAYMOVE_AND_FIXED, to);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}

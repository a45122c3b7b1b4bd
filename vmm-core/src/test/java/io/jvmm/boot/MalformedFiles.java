// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

import org.junit.jupiter.params.provider.Arguments;

import java.util.stream.Stream;

/** The malformed files of this package's tests, for tests of the rooms above it. */
public final class MalformedFiles {

    private MalformedFiles() {}

    /** Kernels that a guest of 16 MiB refuses: name, content, a part of the reason. */
    public static Stream<Arguments> kernels() {
        return MalformedKernelTest.malformed();
    }

    /** Initial RAM disks: name, content, a part of the reason. */
    public static Stream<Arguments> initrds() {
        return MalformedInitrdTest.malformed();
    }

    /** A kernel that loads. */
    public static byte[] soundKernel() {
        return TestKernels.bzImage().build();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a class whose tests count the threads, descriptors or memory of the test process, so that
 * no other class may run beside it.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ResourceLock(value = MeasuresProcess.PROCESS, mode = ResourceAccessMode.READ_WRITE)
public @interface MeasuresProcess {

    /** What is shared or measured. */
    String PROCESS = "the test process";
}

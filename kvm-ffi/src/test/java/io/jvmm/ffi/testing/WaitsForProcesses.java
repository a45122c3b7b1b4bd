// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a class whose tests start other processes and wait for them most of the time. It runs
 * beside the other classes of its module, but not beside those that {@linkplain MeasuresProcess
 * measure the process}.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Execution(ExecutionMode.CONCURRENT)
@ResourceLock(value = MeasuresProcess.PROCESS, mode = ResourceAccessMode.READ)
public @interface WaitsForProcesses {}

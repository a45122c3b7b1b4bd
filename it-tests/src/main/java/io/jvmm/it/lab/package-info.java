// SPDX-License-Identifier: Apache-2.0
/**
 * The lab: a machine with hardware-style KVM, emulated on any host, in which {@code vmm.jar} and
 * the integration tests run. {@link io.jvmm.it.lab.Lab} starts it, {@link io.jvmm.it.lab.LabMain}
 * is its command line.
 */
@NullMarked
package io.jvmm.it.lab;

import org.jspecify.annotations.NullMarked;

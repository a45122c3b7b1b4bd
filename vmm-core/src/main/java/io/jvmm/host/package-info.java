// SPDX-License-Identifier: Apache-2.0
/**
 * What this host's KVM can do, found out by trying it on throw-away virtual machines: names and
 * capability bits do not tell whether ring 0 is interpreted, or whose CPUID a guest sees.
 */
@org.jspecify.annotations.NullMarked
package io.jvmm.host;

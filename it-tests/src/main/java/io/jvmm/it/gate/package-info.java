// SPDX-License-Identifier: Apache-2.0
/** The closing words of {@code ./vmm test}: what ran where, and where the time went. */
@NullMarked
package io.jvmm.it.gate;

import org.jspecify.annotations.NullMarked;

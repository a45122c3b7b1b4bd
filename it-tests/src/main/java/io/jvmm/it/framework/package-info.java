// SPDX-License-Identifier: Apache-2.0
/** What tests need to run machines as users run them, and to find what these boot. */
@NullMarked
package io.jvmm.it.framework;

import org.jspecify.annotations.NullMarked;

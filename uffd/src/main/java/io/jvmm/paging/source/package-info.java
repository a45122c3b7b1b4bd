// SPDX-License-Identifier: Apache-2.0
/** Page sources: where missing guest memory comes from, in files, packed images and memory. */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging.source;

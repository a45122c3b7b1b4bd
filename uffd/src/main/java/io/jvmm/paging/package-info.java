// SPDX-License-Identifier: Apache-2.0
/**
 * Guest memory that is not there yet, as a machine and its owner see it: {@link
 * io.jvmm.paging.PageSource}, where it comes from; {@link io.jvmm.paging.Pager}, who brings it;
 * configuration, events and statistics.
 */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging;

/** Guest memory that is not there yet: where it comes from, who waits for it, how it arrives. */
@org.jspecify.annotations.NullMarked
package io.jvmm.paging;

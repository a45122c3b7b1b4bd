// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel's interfaces, typed. The only module of the product that calls native code.
 *
 * <p>{@code io.jvmm.ffi.gen.*} holds what jextract generated from the kernel's headers and is not
 * exported.
 */
@org.jspecify.annotations.NullMarked
module io.jvmm.ffi {
    requires static org.jspecify;

    exports io.jvmm.ffi.kvm;
    exports io.jvmm.ffi.linux;
    exports io.jvmm.ffi.uffd;
}

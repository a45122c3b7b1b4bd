/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/kvm.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.kvm --header-class-name kvm_h \
 *       &#64;jextract/kvm.includes jvmm_kvm.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.kvm;

/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/mman.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.mman --header-class-name mman_h \
 *       &#64;jextract/mman.includes jvmm_mman.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.mman;

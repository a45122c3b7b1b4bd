/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;asm/unistd.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.unistd --header-class-name unistd_h \
 *       &#64;jextract/unistd.includes jvmm_unistd.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.unistd;

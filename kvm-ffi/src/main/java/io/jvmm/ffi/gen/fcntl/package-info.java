/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/fcntl.h&gt;
 *   #include &lt;linux/falloc.h&gt;
 *   #include &lt;linux/memfd.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.fcntl --header-class-name fcntl_h \
 *       &#64;jextract/fcntl.includes jvmm_fcntl.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.fcntl;

/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/ioctl.h&gt;
 *   #include &lt;linux/userfaultfd.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.userfaultfd --header-class-name userfaultfd_h \
 *       &#64;jextract/userfaultfd.includes jvmm_userfaultfd.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.userfaultfd;

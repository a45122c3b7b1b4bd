/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;time.h&gt;
 *   #include &lt;sys/timerfd.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.timerfd --header-class-name timerfd_h \
 *       &#64;jextract/timerfd.includes jvmm_timerfd.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.timerfd;

/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/ioctl.h&gt;
 *   #include &lt;sys/socket.h&gt;
 *   #include &lt;linux/if.h&gt;
 *   #include &lt;linux/if_tun.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.tun --header-class-name tun_h \
 *       &#64;jextract/tun.includes jvmm_tun.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.tun;

/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;sys/socket.h&gt;
 *   #include &lt;sys/un.h&gt;
 *   #include &lt;sys/uio.h&gt;
 *   #include &lt;linux/sockios.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.socket --header-class-name socket_h \
 *       &#64;jextract/socket.includes jvmm_socket.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.socket;

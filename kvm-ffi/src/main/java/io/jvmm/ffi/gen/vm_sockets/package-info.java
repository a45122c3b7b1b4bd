/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;sys/socket.h&gt;
 *   #include &lt;linux/vm_sockets.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.vm_sockets --header-class-name vm_sockets_h \
 *       &#64;jextract/vm_sockets.includes jvmm_vm_sockets.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.vm_sockets;

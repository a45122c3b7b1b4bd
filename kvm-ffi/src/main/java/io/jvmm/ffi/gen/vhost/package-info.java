/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;linux/vhost.h&gt;
 *   #include &lt;linux/virtio_config.h&gt;
 *   #include &lt;linux/virtio_ring.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.vhost --header-class-name vhost_h \
 *       &#64;jextract/vhost.includes jvmm_vhost.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.vhost;

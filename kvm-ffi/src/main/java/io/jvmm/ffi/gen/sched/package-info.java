/**
 * Generated from Linux 7.2.13 and glibc 2.36 headers by {@code jextract 23}; never edited.
 *
 * <pre>
 *   #include &lt;sched.h&gt;
 *   #include &lt;linux/sched.h&gt;
 *   #include &lt;linux/sched/types.h&gt;
 *
 *   jextract -I $HEADERS --output src/main/java \
 *       --target-package io.jvmm.ffi.gen.sched --header-class-name sched_h \
 *       &#64;jextract/sched.includes jvmm_sched.h
 * </pre>
 */
@org.jspecify.annotations.NullUnmarked
package io.jvmm.ffi.gen.sched;

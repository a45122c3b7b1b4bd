// SPDX-License-Identifier: Apache-2.0
/**
 * Paging: guest memory that arrives while the guest runs.
 *
 * <p>Page sources, the fault service and the page server live here; the module stands between the
 * kernel's interfaces and the machine, and knows neither devices nor vCPUs.
 */
// io.jvmm.core is compiled after this module.
@SuppressWarnings("module")
@org.jspecify.annotations.NullMarked
module io.jvmm.uffd {
    requires static transitive org.jspecify;
    requires transitive io.jvmm.ffi;
    requires jdk.jfr;
    requires org.slf4j;

    exports io.jvmm.paging;
    exports io.jvmm.paging.source;
    exports io.jvmm.paging.service to
            io.jvmm.core;
    exports io.jvmm.paging.wire;
    exports io.jvmm.paging.handler;
}

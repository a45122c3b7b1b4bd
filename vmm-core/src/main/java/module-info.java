// SPDX-License-Identifier: Apache-2.0
/** The virtual machine monitor: machine, devices and boot. */
@org.jspecify.annotations.NullMarked
// The command names what it may see; it is compiled after this module.
@SuppressWarnings("module")
module io.jvmm.core {
    requires static transitive org.jspecify;
    requires io.jvmm.ffi;
    requires transitive io.jvmm.uffd;
    requires org.apache.commons.compress;
    requires org.slf4j;
    requires org.tukaani.xz;

    exports io.jvmm.boot;
    exports io.jvmm.bus;
    exports io.jvmm.host;
    exports io.jvmm.machine;
    exports io.jvmm.memory;
    exports io.jvmm.state;
    exports io.jvmm.backend to
            io.jvmm.cli;
}

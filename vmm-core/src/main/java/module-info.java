/** The virtual machine monitor: machine, devices, boot and the command. */
@org.jspecify.annotations.NullMarked
module io.jvmm.core {
    requires static transitive org.jspecify;
    requires io.jvmm.ffi;
    requires transitive io.jvmm.uffd;
    requires io.jvmm.guest;
    requires info.picocli;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires org.apache.commons.compress;
    requires org.slf4j;
    requires org.tukaani.xz;
    requires jdk.unsupported;

    exports io.jvmm.boot;
    exports io.jvmm.host;
    exports io.jvmm.machine;
    exports io.jvmm.memory;
    exports io.jvmm.state;

    // picocli fills the options in by reflection.
    opens io.jvmm.cli to
            info.picocli;
}

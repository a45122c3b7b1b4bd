/** The virtual machine monitor: machine, devices, boot and the command. */
@org.jspecify.annotations.NullMarked
module io.jvmm.core {
    requires static org.jspecify;
    requires io.jvmm.ffi;
    requires io.jvmm.uffd;
    requires io.jvmm.guest;
    requires info.picocli;
    requires ch.qos.logback.classic;
    requires org.apache.commons.compress;
    requires org.slf4j;
    requires org.tukaani.xz;
    requires jdk.unsupported;
}

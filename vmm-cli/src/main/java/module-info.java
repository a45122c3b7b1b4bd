// SPDX-License-Identifier: Apache-2.0
/** The command: {@code vmm.jar}. */
@org.jspecify.annotations.NullMarked
module io.jvmm.cli {
    requires static transitive org.jspecify;
    requires io.jvmm.core;
    requires io.jvmm.guest;
    requires info.picocli;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires org.slf4j;
    requires jdk.unsupported;

    // picocli fills the options in by reflection, and SLF4J makes the log by it.
    opens io.jvmm.cli to
            info.picocli,
            org.slf4j;
}

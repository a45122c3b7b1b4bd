// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How a Java process is started in the lab. */
final class LabJava {

    /** System property with further options for the lab's Java processes, parted by blanks. */
    static final String OPTIONS_PROPERTY = "jvmm.lab.options";

    private static final String PROGRAM = LabImage.JAVA_HOME + "/bin/java";

    private LabJava() {}

    /** The program and its options; the caller adds what it is to run. */
    static List<String> command(String... options) {
        List<String> command = new ArrayList<>();
        command.add(PROGRAM);
        command.addAll(List.of(options));
        Arrays.stream(System.getProperty(OPTIONS_PROPERTY, "").split(" "))
                .filter(option -> !option.isEmpty())
                .forEach(command::add);
        return command;
    }
}

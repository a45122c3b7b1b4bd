// SPDX-License-Identifier: Apache-2.0
package io.jvmm.entry;

import java.lang.reflect.InvocationTargetException;

/**
 * Where {@code java -jar vmm.jar} begins. Compiled for Java 8, so that an older runtime answers
 * with one clear line instead of {@code UnsupportedClassVersionError}.
 */
public final class Entry {

    private static final int NEEDED = 25;
    private static final int EXIT_NO_RUNTIME = 2;

    private Entry() {}

    /**
     * Checks the runtime, then hands over to the command.
     *
     * @param args the command line
     * @throws Throwable what the command throws
     */
    public static void main(String[] args) throws Throwable {
        int version = featureVersion(System.getProperty("java.specification.version"));
        if (version < NEEDED) {
            System.err.println(
                    "vmm: Java "
                            + NEEDED
                            + " or newer is needed, this is Java "
                            + version
                            + " ("
                            + System.getProperty("java.home")
                            + "): install a JDK "
                            + NEEDED
                            + " and start vmm.jar with its java");
            System.exit(EXIT_NO_RUNTIME);
        }
        try {
            Class.forName("io.jvmm.cli.Main")
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** "1.8" was the form up to Java 8, "9" and "25" since. */
    static int featureVersion(String specification) {
        String digits = specification.startsWith("1.") ? specification.substring(2) : specification;
        int dot = digits.indexOf('.');
        return Integer.parseInt(dot < 0 ? digits : digits.substring(0, dot));
    }
}

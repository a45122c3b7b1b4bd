// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.slf4j.ILoggerFactory;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Where the command's log goes and how much of it: lines on standard error, since standard output
 * is the guest's console.
 *
 * <p>Logback writes it where a configuration file is named ({@code -Dlogback.configurationFile}).
 * Without one it could do no more than {@link LineLogger} does, and takes a tenth of the start-up
 * time.
 */
final class LogOutput {

    private static final String PROVIDER = "slf4j.provider";
    private static final String VERBOSITY = "slf4j.internal.verbosity";
    private static final String CONFIGURATION = "logback.configurationFile";

    private LogOutput() {}

    /** Chooses what writes the log; before the first logger is made. */
    static void choose() {
        if (System.getProperty(PROVIDER) == null && System.getProperty(CONFIGURATION) == null) {
            System.setProperty(PROVIDER, LineProvider.class.getName());
            // Or SLF4J says on standard error that it was told so.
            System.setProperty(VERBOSITY, "WARN");
        }
    }

    /** Has the log begin at this level. */
    static void setLevel(Level level) {
        ILoggerFactory factory = LoggerFactory.getILoggerFactory();
        if (factory instanceof LineLogger.Factory lines) {
            lines.setLevel(level);
        } else {
            Logging.setLevel(factory, level);
        }
    }
}

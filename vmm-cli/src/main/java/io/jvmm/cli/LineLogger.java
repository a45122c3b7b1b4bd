// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import org.jspecify.annotations.Nullable;
import org.slf4j.ILoggerFactory;
import org.slf4j.Logger;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** A logger that writes {@code vmm: message} on standard error, and what was thrown behind it. */
@SuppressWarnings("serial") // never serialized, though SLF4J's loggers may be
final class LineLogger extends LegacyAbstractLogger {

    private final transient Factory factory;

    private LineLogger(Factory factory) {
        this.factory = factory;
    }

    /** One logger, whatever the name: no line shows it. */
    static final class Factory implements ILoggerFactory {

        private final LineLogger only = new LineLogger(this);
        private volatile Level level = Level.INFO;

        @Override
        public Logger getLogger(String name) {
            return only;
        }

        void setLevel(Level newLevel) {
            level = newLevel;
        }

        boolean shows(Level of) {
            return of.toInt() >= level.toInt();
        }
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String message,
            Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        String text = MessageFormatter.basicArrayFormat(message, arguments);
        // One call for a line, so that lines of several threads do not mix.
        System.err.print("vmm: ".concat(text).concat(System.lineSeparator()));
        if (thrown != null) {
            thrown.printStackTrace(System.err);
        }
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    public boolean isTraceEnabled() {
        return factory.shows(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return factory.shows(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return factory.shows(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return factory.shows(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return factory.shows(Level.ERROR);
    }
}

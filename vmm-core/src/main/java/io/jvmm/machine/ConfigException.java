// SPDX-License-Identifier: Apache-2.0
package io.jvmm.machine;

import java.util.List;

/** A configuration is not valid. Names everything that is wrong with it, not just the first. */
public final class ConfigException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final transient List<String> problems;

    ConfigException(List<String> problems) {
        super(String.join("; ", problems));
        this.problems = List.copyOf(problems);
    }

    /** What is wrong, a sentence each, with the remedy. */
    public List<String> problems() {
        return problems;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import java.nio.file.Path;

/**
 * How a task in the lab ended.
 *
 * @param exitCode the exit code of its command
 * @param results a folder with what the command left in {@link LabTask#RESULTS}
 */
record LabOutcome(int exitCode, Path results) {}

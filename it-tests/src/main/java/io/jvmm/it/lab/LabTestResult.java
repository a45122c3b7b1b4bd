// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

/**
 * The result of one test that ran in the lab.
 *
 * @param className the test class's full name
 * @param name the test's name, with the arguments of a parameterized test
 * @param status how it ended
 * @param details for anything but a pass: the reason, with the stack that the lab saw
 */
record LabTestResult(String className, String name, Status status, String details) {

    enum Status {
        PASSED,
        FAILED,
        SKIPPED
    }

    /** Class and name, as they are printed. */
    String title() {
        return className + "." + name;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.lab;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks tests that start the lab. {@code -Djvmm.lab=off} skips them, as does being in the lab; what
 * the lab lacks on this machine makes them fail.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("lab")
@DisabledIfSystemProperty(
        named = "jvmm.lab",
        matches = "off",
        disabledReason = "the lab is switched off: nothing is tested on hardware-style KVM")
@DisabledIfSystemProperty(
        named = LabTests.INSIDE_PROPERTY,
        matches = "true",
        disabledReason = "this is the lab")
@interface RequiresLab {}

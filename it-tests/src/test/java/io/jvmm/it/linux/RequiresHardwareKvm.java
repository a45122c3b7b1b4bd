package io.jvmm.it.linux;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks tests that boot a stock Linux, for which KVM must stand on hardware virtualisation. Where
 * it does not, they are skipped; the lab runs them on every host.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("linux")
@EnabledIf(
        value = "io.jvmm.it.framework.HardwareKvm#isHere",
        disabledReason = "a stock kernel needs hardware virtualisation; it is booted in the lab")
@interface RequiresHardwareKvm {}

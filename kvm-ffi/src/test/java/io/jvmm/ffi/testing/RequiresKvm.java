// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a test that runs a guest on {@code /dev/kvm}. Without the device it is skipped, saying so;
 * with {@code -Djvmm.kvm=required} the missing device is a failure.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag(RequiresKvm.TAG)
@ExtendWith(KvmCondition.class)
public @interface RequiresKvm {

    /** The JUnit tag that these tests carry. */
    String TAG = "kvm";
}

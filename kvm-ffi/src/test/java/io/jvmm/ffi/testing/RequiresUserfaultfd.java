// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.testing;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a test that serves page faults. Where this process may not have a userfaultfd it is
 * skipped, saying why; with {@code -Djvmm.kvm=required} that is a failure.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag(RequiresUserfaultfd.TAG)
@ExtendWith(UserfaultfdCondition.class)
public @interface RequiresUserfaultfd {

    /** The JUnit tag that these tests carry. */
    String TAG = "userfaultfd";
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.kvm.kvm_h;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.stream.Stream;

/** Constants and request numbers written by hand are those that jextract found in the header. */
class KvmConstantsTest {

    static Stream<Field> numbers() {
        return Stream.of(KvmConstants.class, KvmRequests.class, SyncRegs.class, GuestDebug.class)
                .flatMap(type -> Arrays.stream(type.getDeclaredFields()))
                .filter(field -> field.getName().startsWith("KVM_"));
    }

    @ParameterizedTest
    @MethodSource("numbers")
    void isTheHeaders(Field number) throws ReflectiveOperationException {
        Number expected = (Number) kvm_h.class.getMethod(number.getName()).invoke(null);
        assertThat(((Number) number.get(null)).longValue()).isEqualTo(expected.longValue());
    }

    @Test
    void noneIsLeftOut() {
        assertThat(numbers()).hasSizeGreaterThan(80);
    }
}

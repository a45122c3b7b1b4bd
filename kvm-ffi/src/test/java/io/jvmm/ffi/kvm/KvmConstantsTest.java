package io.jvmm.ffi.kvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.ffi.gen.kvm.kvm_h;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.stream.Stream;

/** The constants written by hand are those that jextract found in the kernel's header. */
class KvmConstantsTest {

    static Stream<Field> constants() {
        return Arrays.stream(KvmConstants.class.getFields())
                .filter(field -> Modifier.isStatic(field.getModifiers()));
    }

    @ParameterizedTest
    @MethodSource("constants")
    void isTheHeaders(Field constant) throws ReflectiveOperationException {
        Number expected = (Number) kvm_h.class.getMethod(constant.getName()).invoke(null);
        assertThat((long) constant.getInt(null)).isEqualTo(expected.longValue());
    }
}

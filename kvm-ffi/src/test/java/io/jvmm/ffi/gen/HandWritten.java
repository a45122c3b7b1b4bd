package io.jvmm.ffi.gen;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Compares the constants that were written by hand beside their use with the generated ones, which
 * {@link LayoutTest} compares with the C headers.
 */
public final class HandWritten {

    private HandWritten() {}

    /**
     * Asserts that each numeric constant of the classes that is called as in C has C's value.
     *
     * @return the names that C does not know, for the caller to look at
     */
    public static Set<String> constants(List<Class<?>> owners) {
        Map<String, Number> generated = GeneratedHeader.allConstants();
        Set<String> unknown = new TreeSet<>();
        for (Field field : numbersOf(owners)) {
            Number expected = generated.get(field.getName());
            if (expected == null) {
                unknown.add(field.getDeclaringClass().getSimpleName() + "." + field.getName());
            } else {
                String name = field.getDeclaringClass().getSimpleName() + "." + field.getName();
                assertThat(inC(valueOf(field), expected)).as(name).isEqualTo(expected.longValue());
            }
        }
        return unknown;
    }

    /** A value as wide as the generated one; a 32-bit flag may be kept without sign in a long. */
    private static long inC(long value, Number generated) {
        boolean narrow = generated instanceof Integer && value >>> Integer.SIZE == 0;
        return narrow ? (int) value : value;
    }

    private static List<Field> numbersOf(List<Class<?>> owners) {
        List<Field> numbers = new ArrayList<>();
        for (Class<?> owner : owners) {
            for (Field field : owner.getDeclaredFields()) {
                Class<?> type = field.getType();
                if (Modifier.isStatic(field.getModifiers())
                        && Modifier.isFinal(field.getModifiers())
                        && (type == int.class || type == long.class || type == short.class)) {
                    numbers.add(field);
                }
            }
        }
        return numbers;
    }

    private static long valueOf(Field field) {
        try {
            field.setAccessible(true);
            return field.getLong(null);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }
}

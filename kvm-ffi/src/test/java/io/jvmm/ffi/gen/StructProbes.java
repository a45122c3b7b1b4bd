package io.jvmm.ffi.gen;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.GroupLayout;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.SequenceLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The questions to the C compiler about structs, and the answers that the Java layouts give. */
final class StructProbes {

    /**
     * What Java says.
     *
     * @param value a member's offset, or a type's size
     * @param sizeBytes a member's size, or {@link #NO_SIZE}
     */
    record Expected(long value, long sizeBytes) {
        static final long NO_SIZE = -1;

        boolean isType() {
            return sizeBytes == NO_SIZE;
        }
    }

    private final List<String> probes = new ArrayList<>();
    private final Map<String, Expected> expected = new LinkedHashMap<>();

    /** Lines for {@code layout.c}. */
    List<String> probes() {
        return probes;
    }

    /** The answers by the name of the probe, as {@code struct kvm_regs.rax}. */
    Map<String, Expected> expected() {
        return expected;
    }

    /** Asks for a type's size and for all members, to the innermost. */
    void add(String type, Class<?> generated) {
        GroupLayout layout = GeneratedHeader.layoutOf(generated);
        probes.add("SIZE(" + type + ")");
        expected.put(type, new Expected(layout.byteSize(), Expected.NO_SIZE));
        members(type, "", 0, layout, generated);
    }

    private void members(
            String type, String prefix, long base, GroupLayout group, @Nullable Class<?> holder) {
        for (MemoryLayout member : group.memberLayouts()) {
            if (member instanceof PaddingLayout) {
                continue;
            }
            String name = member.name().orElseThrow();
            long offset = base + group.byteOffset(PathElement.groupElement(name));
            // A struct or union without a name: C reaches its members as if they were the outer's.
            if (name.startsWith("$anon$")) {
                members(type, prefix, offset, (GroupLayout) member, holder);
                continue;
            }
            String path = prefix + name;
            member(type, path, offset, member.byteSize());
            if (member instanceof GroupLayout nested) {
                // In packed structs jextract re-aligns the nested layouts and loses their names on
                // the way, which the nested class still has.
                Class<?> inner = nestedClass(holder, name);
                members(
                        type,
                        path + ".",
                        offset,
                        inner != null ? GeneratedHeader.layoutOf(inner) : nested,
                        inner);
            } else if (member instanceof SequenceLayout array
                    && array.elementCount() > 0
                    && array.elementLayout() instanceof GroupLayout element) {
                members(type, path + "[0].", offset, element, nestedClass(holder, name));
            }
        }
    }

    private void member(String type, String path, long offset, long sizeBytes) {
        probes.add((sizeBytes == 0 ? "TAIL(" : "MEMBER(") + type + ", " + path + ")");
        expected.put(type + "." + path, new Expected(offset, sizeBytes));
    }

    private static @Nullable Class<?> nestedClass(@Nullable Class<?> holder, String name) {
        if (holder != null) {
            for (Class<?> nested : holder.getDeclaredClasses()) {
                if (nested.getSimpleName().equals(name)) {
                    return nested;
                }
            }
        }
        return null;
    }
}

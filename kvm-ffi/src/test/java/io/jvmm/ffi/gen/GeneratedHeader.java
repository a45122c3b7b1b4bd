package io.jvmm.ffi.gen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.GroupLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * One package of generated bindings, as tests see it: its include list, and the Java values that
 * jextract made of it.
 *
 * @param name of the package and of the list
 * @param includes the {@code #include} lines
 * @param types the structs and unions that were asked for, as {@code struct kvm_regs}
 * @param constants the constants that were asked for
 */
public record GeneratedHeader(
        String name, List<String> includes, List<String> types, List<String> constants) {

    private static final Path LISTS = Path.of("jextract");
    private static final String SUFFIX = ".includes";

    /** All packages there are. */
    public static List<GeneratedHeader> all() {
        try (Stream<Path> files = Files.list(LISTS)) {
            return files.filter(file -> file.toString().endsWith(SUFFIX))
                    .sorted()
                    .map(GeneratedHeader::read)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static GeneratedHeader read(Path list) {
        try {
            List<String> lines = Files.readAllLines(list);
            String file = list.getFileName().toString();
            return new GeneratedHeader(
                    file.substring(0, file.length() - SUFFIX.length()),
                    lines.stream().filter(line -> line.startsWith("#include ")).toList(),
                    Stream.concat(
                                    named(lines, "--include-struct ").map("struct "::concat),
                                    named(lines, "--include-union ").map("union "::concat))
                            .toList(),
                    named(lines, "--include-constant ").toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<String> named(List<String> lines, String option) {
        return lines.stream()
                .filter(line -> line.startsWith(option))
                .map(line -> line.substring(option.length()));
    }

    /** The class that was generated for {@code struct NAME} or {@code union NAME}. */
    public Class<?> generated(String type) {
        return load(type.substring(type.indexOf(' ') + 1));
    }

    /** The layout in a generated class. */
    public static GroupLayout layoutOf(Class<?> generated) {
        return (GroupLayout) call(generated, "layout");
    }

    /** A constant: an {@code Integer} or a {@code Long}, as jextract has chosen. */
    public Number constant(String constant) {
        return (Number) call(load(name + "_h"), constant);
    }

    /** The constants of all packages. */
    public static Map<String, Number> allConstants() {
        Map<String, Number> values = new TreeMap<>();
        for (GeneratedHeader header : all()) {
            for (String constant : header.constants) {
                values.put(constant, header.constant(constant));
            }
        }
        return values;
    }

    /** A constant of any package, which must be there. */
    public static Number anyConstant(String constant) {
        for (GeneratedHeader header : all()) {
            if (header.constants.contains(constant)) {
                return header.constant(constant);
            }
        }
        throw new AssertionError("nothing was generated for " + constant);
    }

    private Class<?> load(String generated) {
        String qualified = GeneratedHeader.class.getPackageName() + "." + name + "." + generated;
        try {
            return Class.forName(qualified);
        } catch (ClassNotFoundException e) {
            throw new AssertionError("nothing was generated for " + qualified, e);
        }
    }

    private static Object call(Class<?> generated, String method) {
        try {
            return generated.getMethod(method).invoke(null);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(generated + " lacks " + method, e);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}

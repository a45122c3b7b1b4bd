// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The rooms of {@code docs/architecture.md}: which package may use which, and what only some may
 * do, read from the compiled classes.
 */
class RoomsTest {

    private static final String BASE = "io.jvmm.";
    private static final List<String> MODULES =
            List.of("kvm-ffi", "uffd", "guest-images", "vmm-core", "vmm-cli");

    /**
     * A room and the rooms it may use, besides itself. A package that is no room of its own belongs
     * to the room that its name begins with.
     */
    private static final Map<String, Set<String>> MAY_USE =
            Map.ofEntries(
                    Map.entry("ffi.gen", Set.of()),
                    Map.entry("ffi.linux", Set.of("ffi.gen")),
                    Map.entry("ffi.kvm", Set.of("ffi.linux", "ffi.gen")),
                    Map.entry("ffi.uffd", Set.of("ffi.linux", "ffi.gen")),
                    Map.entry("paging", Set.of("ffi.linux")),
                    Map.entry("paging.source", Set.of("paging", "ffi.linux")),
                    Map.entry("paging.service", Set.of("paging", "ffi.uffd", "ffi.linux")),
                    Map.entry("paging.wire", Set.of("paging", "ffi.linux")),
                    Map.entry(
                            "paging.handler",
                            Set.of("paging", "paging.wire", "ffi.uffd", "ffi.linux")),
                    Map.entry("guest", Set.of()),
                    Map.entry("layout", Set.of()),
                    Map.entry("memory", Set.of("layout", "ffi.linux", "paging", "paging.source")),
                    Map.entry("bus", Set.of("state")),
                    Map.entry("state", Set.of()),
                    Map.entry("device", Set.of("bus", "state", "layout")),
                    Map.entry("backend", Set.of("device", "ffi.linux")),
                    Map.entry("boot", Set.of("memory", "layout", "bus")),
                    Map.entry("emulation", Set.of("memory", "ffi.kvm", "ffi.linux")),
                    Map.entry(
                            "vcpu",
                            Set.of(
                                    "bus",
                                    "boot",
                                    "emulation",
                                    "state",
                                    "layout",
                                    "ffi.kvm",
                                    "ffi.linux")),
                    Map.entry(
                            "machine",
                            Set.of(
                                    "layout",
                                    "paging",
                                    "paging.service",
                                    "memory",
                                    "bus",
                                    "state",
                                    "device",
                                    "backend",
                                    "boot",
                                    "emulation",
                                    "vcpu",
                                    "host",
                                    "ffi.kvm",
                                    "ffi.linux")),
                    Map.entry("host", Set.of("paging", "ffi.kvm", "ffi.linux", "ffi.uffd")),
                    Map.entry(
                            "cli",
                            Set.of(
                                    "machine",
                                    "host",
                                    "boot",
                                    "memory",
                                    "backend",
                                    "paging.wire",
                                    "paging.handler",
                                    "guest",
                                    "ffi.linux")),
                    Map.entry("entry", Set.of("cli")));

    /** The command; and what jextract generates can trace, which nobody turns on. */
    private static final Set<String> MAY_PRINT = Set.of("cli", "entry", "ffi.gen");

    @Test
    void importsPointOneWay() {
        Set<String> wrong = new TreeSet<>();
        for (ClassModel type : classes()) {
            String from = room(name(type.thisClass()));
            assertThat(MAY_USE).as("the room of %s", name(type.thisClass())).containsKey(from);
            for (String used : usedClasses(type)) {
                String to = room(used);
                if (!to.equals(from) && !MAY_USE.get(from).contains(to)) {
                    wrong.add(name(type.thisClass()) + " uses " + used);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void onlyTheCommandPrintsAndExits() {
        Set<String> wrong = new TreeSet<>();
        for (ClassModel type : classes()) {
            String room = room(name(type.thisClass()));
            if (!MAY_PRINT.contains(room)) {
                for (String member : usedMembers(type)) {
                    if (Set.of(
                                    "java.lang.System.out",
                                    "java.lang.System.err",
                                    "java.lang.System.exit")
                            .contains(member)) {
                        wrong.add(name(type.thisClass()) + " uses " + member);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    /** Devices and loaders are tested without KVM because they cannot even name it. */
    @Test
    void devicesNeverSeeTheKernel() {
        for (String room : List.of("bus", "device", "boot", "state", "layout")) {
            assertThat(MAY_USE.get(room)).noneMatch(used -> used.startsWith("ffi"));
        }
    }

    private static List<ClassModel> classes() {
        Path root = Path.of(System.getProperty("jvmm.root", ".."));
        List<ClassModel> all =
                MODULES.stream()
                        .map(module -> root.resolve(module).resolve("target/classes"))
                        .flatMap(RoomsTest::classFiles)
                        .map(RoomsTest::parse)
                        .toList();
        assertThat(all).hasSizeGreaterThan(100);
        return all;
    }

    private static Stream<Path> classFiles(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files
                    .filter(file -> file.toString().endsWith(".class"))
                    .filter(file -> !file.endsWith("module-info.class"))
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ClassModel parse(Path file) {
        try {
            return ClassFile.of().parse(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> usedClasses(ClassModel type) {
        return StreamSupport.stream(type.constantPool().spliterator(), false)
                .filter(ClassEntry.class::isInstance)
                .map(entry -> name((ClassEntry) entry))
                .filter(name -> name.startsWith(BASE))
                .collect(Collectors.toSet());
    }

    private static Set<String> usedMembers(ClassModel type) {
        return StreamSupport.stream(type.constantPool().spliterator(), false)
                .filter(MemberRefEntry.class::isInstance)
                .map(MemberRefEntry.class::cast)
                .map(member -> name(member.owner()) + "." + member.name().stringValue())
                .collect(Collectors.toSet());
    }

    private static String name(ClassEntry entry) {
        String internal = entry.asInternalName();
        // An array's entry is a descriptor: [Lio/jvmm/Name;
        String element = internal.replaceFirst("^\\[+L?", "");
        return element.replace(';', ' ').strip().replace('/', '.');
    }

    /** The room that a class lies in: the one whose name covers the most of its package's. */
    private static String room(String className) {
        String path = className.substring(BASE.length());
        String room = path.substring(0, path.lastIndexOf('.'));
        while (!MAY_USE.containsKey(room) && room.contains(".")) {
            room = room.substring(0, room.lastIndexOf('.'));
        }
        return room;
    }
}

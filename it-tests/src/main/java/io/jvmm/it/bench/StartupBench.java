// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.bench;

import io.jvmm.it.framework.VmmJar;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How long {@code ./vmm} takes from its start to its end around a guest that only powers off, and
 * for its help and version. Beside it run an empty Java program with the same options, which is
 * what the runtime takes, and QEMU's microvm with the same guest, where QEMU is installed. All run
 * in turns; the time of the processor is printed beside that of the clock, since another load on
 * the machine changes it less.
 */
public final class StartupBench {

    /** Its name. */
    public static final String NAME = "startup";

    private static final int ROUNDS = 9;
    private static final String QEMU = "qemu-system-x86_64";
    private static final String EMPTY_SOURCE =
            "public class Empty { public static void main(String[] args) {} }";

    /** Prints real, user and system seconds as the last line of standard error. */
    private static final String TIMED =
            "TIMEFORMAT='%3R %3U %3S'; { time \"$@\" </dev/null >/dev/null 2>/dev/null; }";

    /** What one run took, in seconds. */
    private record Run(double wall, double cpu) {}

    private final PrintStream out;
    private final Map<String, List<String>> commands = new LinkedHashMap<>();

    private StartupBench(PrintStream out) {
        this.out = out;
    }

    /** {@code [ROUNDS]}: how often each command runs. */
    static void run(String... args) throws IOException, InterruptedException {
        run(System.out, args);
    }

    static void run(PrintStream out, String... args) throws IOException, InterruptedException {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : ROUNDS;
        Path folder = Files.createTempDirectory("startup");
        try {
            new StartupBench(out).measure(folder, rounds);
        } finally {
            try (Stream<Path> files = Files.walk(folder)) {
                files.sorted((a, b) -> b.compareTo(a)).forEach(file -> file.toFile().delete());
            }
        }
    }

    private void measure(Path folder, int rounds) throws IOException, InterruptedException {
        prepare(folder);
        Map<String, List<Run>> runs = new LinkedHashMap<>();
        for (Map.Entry<String, List<String>> command : commands.entrySet()) {
            Run _ = time(command.getValue()); // fills caches, makes the class-data archive
            runs.put(command.getKey(), new ArrayList<>());
        }
        for (int i = 0; i < rounds; i++) {
            for (Map.Entry<String, List<String>> command : commands.entrySet()) {
                runs.get(command.getKey()).add(time(command.getValue()));
            }
        }
        print(runs, rounds);
    }

    private void prepare(Path folder) throws IOException, InterruptedException {
        Path guest = Files.write(folder.resolve("guest.elf"), StartupGuest.elf());
        Path launcher = launcher();
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        boolean kvm =
                Files.isReadable(Path.of("/dev/kvm")) && Files.isWritable(Path.of("/dev/kvm"));
        if (kvm) {
            commands.put("guest", List.of(launcher.toString(), "-q", "-k", guest.toString()));
        } else {
            out.println("no /dev/kvm here: no guest is run");
        }
        commands.put("version", List.of(launcher.toString(), "--version"));
        commands.put("help", List.of(launcher.toString(), "--help"));
        commands.put("empty", emptyJava(folder, java));
        if (kvm && isInstalled()) {
            commands.put("qemu", qemu(guest));
        }
    }

    private static Path launcher() {
        return Stream.iterate(VmmJar.locate(), path -> path != null, Path::getParent)
                .map(path -> path.resolve("vmm"))
                .filter(Files::isRegularFile)
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no launcher above the jar"));
    }

    /** With the launcher's options and an archive of its own. */
    private static List<String> emptyJava(Path folder, String java)
            throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("Empty.java"), EMPTY_SOURCE);
        Path javac = Path.of(java).resolveSibling("javac");
        check(List.of(javac.toString(), "-d", folder.toString(), source.toString()));
        return List.of(
                java,
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Xshare:auto",
                "-cp",
                folder.toString(),
                "Empty");
    }

    private static List<String> qemu(Path guest) {
        return List.of(
                QEMU,
                "-M",
                "microvm,acpi=off",
                "-accel",
                "kvm",
                "-cpu",
                "host,-arch-capabilities",
                "-nodefaults",
                "-display",
                "none",
                "-m",
                "512",
                "-no-reboot",
                "-device",
                "isa-debug-exit,iobase=0x604,iosize=0x04",
                "-kernel",
                guest.toString());
    }

    private static boolean isInstalled() throws IOException, InterruptedException {
        return new ProcessBuilder("sh", "-c", "command -v " + QEMU)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }

    private static void check(List<String> command) throws IOException, InterruptedException {
        if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
            throw new IllegalStateException(command + " failed");
        }
    }

    private static Run time(List<String> command) throws IOException, InterruptedException {
        List<String> timed = new ArrayList<>(List.of("bash", "-c", TIMED, "bash"));
        timed.addAll(command);
        Process bash = new ProcessBuilder(timed).start();
        String errors = new String(bash.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = bash.waitFor();
        boolean ended = code == 0 || command.getFirst().equals(QEMU);
        String[] seconds = errors.lines().reduce("", (_, last) -> last).strip().split(" ", -1);
        if (!ended || seconds.length != 3) {
            throw new IllegalStateException(
                    "%s ended with %d: %s".formatted(command, code, errors));
        }
        return new Run(
                Double.parseDouble(seconds[0]),
                Double.parseDouble(seconds[1]) + Double.parseDouble(seconds[2]));
    }

    private void print(Map<String, List<Run>> runs, int rounds) {
        out.printf("from start to end, medians of %d, seconds%n%n", rounds);
        out.printf("%-10s %8s %10s%n", "", "clock", "processor");
        runs.forEach((name, each) ->
                out.printf(
                        Locale.ROOT,
                        "%-10s %8.3f %10.3f%n",
                        name,
                        median(each.stream().mapToDouble(Run::wall).toArray()),
                        median(each.stream().mapToDouble(Run::cpu).toArray())));
        out.println();
        String first = runs.keySet().iterator().next();
        runs.forEach((name, each) -> {
            if (!name.equals(first)) {
                out.printf(
                        Locale.ROOT,
                        "RATIO startup.%s-to-%s %.3f%n",
                        first,
                        name,
                        medianRatio(runs.get(first), each));
            }
        });
    }

    /** The median of the ratios of runs that were made beside each other. */
    private static double medianRatio(List<Run> of, List<Run> to) {
        double[] ratios = new double[of.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = of.get(i).wall() / to.get(i).wall();
        }
        return median(ratios);
    }

    private static double median(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

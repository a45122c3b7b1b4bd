// SPDX-License-Identifier: Apache-2.0
package io.jvmm.it.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What {@code /proc} tells about a process: its threads, descriptors and mappings. */
final class ProcessView {

    private final Path proc;

    private ProcessView(String pid) {
        this.proc = Path.of("/proc", pid);
    }

    static ProcessView of(long pid) {
        return new ProcessView(Long.toString(pid));
    }

    static ProcessView ofThisOne() {
        return new ProcessView("self");
    }

    /** Names of the threads, at most 15 characters each; none when the process is gone. */
    List<String> threads() {
        List<String> names = new ArrayList<>();
        for (Path task : entries("task")) {
            names.add(read(task.resolve("comm")).strip());
        }
        return names;
    }

    /** The threads of the process whose names begin so. */
    List<String> threads(String prefix) {
        return threads().stream().filter(name -> name.startsWith(prefix)).toList();
    }

    /** Processor time that the threads whose names begin so have used, in clock ticks. */
    long processorTime(String prefix) {
        long ticks = 0;
        for (Path task : entries("task")) {
            if (read(task.resolve("comm")).startsWith(prefix)) {
                // Behind the name in parentheses, which may hold blanks: utime, stime are 12, 13.
                String stat = read(task.resolve("stat"));
                if (!stat.isEmpty()) {
                    List<String> fields =
                            List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
                    ticks += Long.parseLong(fields.get(11)) + Long.parseLong(fields.get(12));
                }
            }
        }
        return ticks;
    }

    /** Whether a signal has stopped it. */
    boolean isStopped() {
        return read(proc.resolve("status")).contains("State:\tT");
    }

    /** Whether a thread of it waits in this function of the kernel. */
    boolean waitsIn(String function) {
        return entries("task").stream()
                .anyMatch(task -> read(task.resolve("wchan")).strip().equals(function));
    }

    /** What the descriptors refer to, by number. */
    Map<Integer, String> descriptors() {
        Map<Integer, String> found = new TreeMap<>();
        for (Path fd : entries("fd")) {
            try {
                String target = Files.readSymbolicLink(fd).toString();
                // The folder that is being read right now is no descriptor that stays.
                if (!target.matches("/proc/[0-9]+/(fd|task).*")) {
                    found.put(Integer.valueOf(fd.getFileName().toString()), target);
                }
            } catch (NoSuchFileException e) {
                // closed meanwhile
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    /** The lines of its memory map. */
    List<String> mappings() {
        return read(proc.resolve("maps")).lines().toList();
    }

    /** Size of all its mappings together, in bytes. */
    long mappedBytes() {
        long sum = 0;
        for (String line : mappings()) {
            int dash = line.indexOf('-');
            long from = Long.parseUnsignedLong(line.substring(0, dash), 16);
            long to = Long.parseUnsignedLong(line.substring(dash + 1, line.indexOf(' ')), 16);
            sum += to - from;
        }
        return sum;
    }

    private List<Path> entries(String folder) {
        try (Stream<Path> entries = Files.list(proc.resolve(folder))) {
            return entries.toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Empty when the thread or process is gone. */
    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}

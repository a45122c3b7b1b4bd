// SPDX-License-Identifier: Apache-2.0
package io.jvmm.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** CPUs and ranges of them between commas, sets of those between colons. */
final class CpuSetsConverter implements ITypeConverter<KickOptions.CpuSets> {

    private static final Pattern RANGE = Pattern.compile("([0-9]{1,4})(?:-([0-9]{1,4}))?");

    @Override
    public KickOptions.CpuSets convert(String text) {
        List<Set<Integer>> sets = new ArrayList<>();
        for (String set : text.split(":", -1)) {
            sets.add(cpus(set, text));
        }
        return new KickOptions.CpuSets(sets);
    }

    private static Set<Integer> cpus(String set, String text) {
        Set<Integer> cpus = new TreeSet<>();
        for (String part : set.split(",", -1)) {
            Matcher range = RANGE.matcher(part);
            int first = range.matches() ? Integer.parseInt(range.group(1)) : 1;
            int last = 0;
            if (range.matches()) {
                last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            }
            if (first > last) {
                throw new TypeConversionException(
                        "'%s' is no set of CPUs; write 0-3,8, or 0:1 for each vCPU"
                                .formatted(text));
            }
            for (int cpu = first; cpu <= last; cpu++) {
                cpus.add(cpu);
            }
        }
        return cpus;
    }
}

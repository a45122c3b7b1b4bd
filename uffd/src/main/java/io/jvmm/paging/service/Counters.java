// SPDX-License-Identifier: Apache-2.0
package io.jvmm.paging.service;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;

/** A counter per constant of an enum. Without locks, without allocation. */
// Nothing is kept beyond the process; and a map's way to a constant is longer than the counting.
@SuppressWarnings("EnumOrdinal")
final class Counters<E extends Enum<E>> {

    private final Class<E> type;
    private final AtomicLongArray counts;

    Counters(Class<E> type) {
        this.type = type;
        counts = new AtomicLongArray(type.getEnumConstants().length);
    }

    void add(E kind, long count) {
        counts.getAndAdd(kind.ordinal(), count);
    }

    Map<E, Long> snapshot() {
        Map<E, Long> snapshot = new EnumMap<>(type);
        for (E kind : type.getEnumConstants()) {
            snapshot.put(kind, counts.get(kind.ordinal()));
        }
        return snapshot;
    }
}

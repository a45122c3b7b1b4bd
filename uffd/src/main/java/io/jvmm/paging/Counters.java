package io.jvmm.paging;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/** A counter per constant of an enum. Without locks, without allocation. */
final class Counters<E extends Enum<E>> {

    private final Class<E> type;
    private final Map<E, AtomicLong> counts;

    Counters(Class<E> type) {
        this.type = type;
        counts = new EnumMap<>(type);
        for (E kind : type.getEnumConstants()) {
            counts.put(kind, new AtomicLong());
        }
    }

    void add(E kind, long count) {
        Objects.requireNonNull(counts.get(kind)).getAndAdd(count);
    }

    Map<E, Long> snapshot() {
        Map<E, Long> snapshot = new EnumMap<>(type);
        counts.forEach((kind, count) -> snapshot.put(kind, count.get()));
        return snapshot;
    }
}

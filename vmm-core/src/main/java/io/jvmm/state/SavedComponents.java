// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The saved components of one machine while it is restored: each is taken once, and {@link #finish}
 * refuses what nobody took.
 *
 * <p>For one thread.
 */
public final class SavedComponents {

    private record Name(String kind, int instance) {}

    private final Map<Name, Saved> components = new LinkedHashMap<>();

    /**
     * Lays the components out.
     *
     * @throws StateException if two have the same kind and instance
     */
    public SavedComponents(Collection<Saved> saved) {
        for (Saved component : saved) {
            Name name = new Name(component.kind(), component.instance());
            if (components.putIfAbsent(name, component) != null) {
                throw new StateException("saved state of %s is there twice".formatted(component));
            }
        }
    }

    /** {@return whether a component is there and not taken yet} */
    public boolean has(StateCodec<?> codec, int instance) {
        return components.containsKey(new Name(codec.kind(), instance));
    }

    /**
     * Takes the state of a component.
     *
     * @throws StateException if it is not there, or cannot be {@linkplain Saved#decode read}
     */
    public <S> S take(StateCodec<S> codec, int instance) {
        Saved component = components.remove(new Name(codec.kind(), instance));
        if (component == null) {
            throw new StateException(
                    "saved state of %s/%d is missing".formatted(codec.kind(), instance));
        }
        return component.decode(codec);
    }

    /**
     * Ends the restoring.
     *
     * @throws StateException if a component was not taken: it would be lost
     */
    public void finish() {
        if (!components.isEmpty()) {
            throw new StateException(
                    components.values().stream()
                            .map(Saved::toString)
                            .collect(
                                    Collectors.joining(
                                            ", ", "this machine has no place for saved ", "")));
        }
    }
}

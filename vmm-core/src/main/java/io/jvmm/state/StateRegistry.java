// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The components of which a machine's state consists, and the order in which that state is captured
 * and taken over. Each component and each step names what comes before it; the order follows from
 * that, and otherwise is that of registration.
 *
 * <p>Restoring reads all components first and only then takes the first step, so that a damaged
 * record changes nothing.
 *
 * <p>For one thread.
 */
public final class StateRegistry {

    private final Map<String, Component<?>> components = new LinkedHashMap<>();
    private final Map<String, Step> steps = new LinkedHashMap<>();
    private final Map<String, String> notSavable = new LinkedHashMap<>();

    /** Creates a registry of nothing. */
    public StateRegistry() {}

    /** A part of the state: one record. */
    public static final class Component<S> {

        private final StateCodec<S> codec;
        private final int instance;
        private final Supplier<S> capture;
        private Set<String> after = Set.of();
        private boolean required = true;
        private @Nullable S state;

        private Component(StateCodec<S> codec, int instance, Supplier<S> capture) {
            this.codec = codec;
            this.instance = instance;
            this.capture = capture;
        }

        /** Is captured after these components. */
        public Component<S> capturedAfter(String... names) {
            after = Set.of(names);
            return this;
        }

        /** May be missing from what is restored. */
        public Component<S> optional() {
            required = false;
            return this;
        }

        /** {@return whether there is a state to be taken over} */
        public boolean isThere() {
            return state != null;
        }

        /**
         * Gives the state that was read, to steps.
         *
         * @throws IllegalStateException there is none
         */
        public S state() {
            S read = state;
            if (read == null) {
                throw new IllegalStateException("no state of %s was read".formatted(codec.kind()));
            }
            return read;
        }

        private Saved save() {
            return Saved.of(codec, instance, capture.get());
        }

        private void read(SavedComponents saved) {
            if (required || saved.has(codec, instance)) {
                state = saved.take(codec, instance);
            }
        }
    }

    private record Step(Set<String> after, Runnable action) {}

    /**
     * Adds a component.
     *
     * @param name among the components of this registry
     * @param instance among those of its kind, from 0
     * @param capture reads the state when a machine is saved
     * @throws IllegalArgumentException if there is one of this name
     */
    public <S> Component<S> component(
            String name, StateCodec<S> codec, int instance, Supplier<S> capture) {
        Component<S> component = new Component<>(codec, instance, capture);
        requireNew(name, components.putIfAbsent(name, component) == null);
        return component;
    }

    /**
     * Adds a component to a registry that only restores.
     *
     * @param name among the components of this registry
     * @param instance among those of its kind, from 0
     * @throws IllegalArgumentException if there is one of this name
     */
    public <S> Component<S> component(String name, StateCodec<S> codec, int instance) {
        return component(
                name,
                codec,
                instance,
                () -> {
                    throw new IllegalStateException("this registry does not know how to capture");
                });
    }

    /**
     * Notes that a component cannot be saved; then nothing can.
     *
     * @param reason why
     */
    public void notSavable(String name, String reason) {
        requireNew(name, notSavable.putIfAbsent(name, reason) == null);
    }

    /**
     * Adds a step of restoring.
     *
     * @param name among the steps of this registry
     * @param after names of the steps that come before it
     * @throws IllegalArgumentException if there is one of this name
     */
    public void step(String name, Set<String> after, Runnable action) {
        requireNew(name, steps.putIfAbsent(name, new Step(Set.copyOf(after), action)) == null);
    }

    private static void requireNew(String name, boolean isNew) {
        if (!isNew) {
            throw new IllegalArgumentException("there are two of \"%s\"".formatted(name));
        }
    }

    /**
     * Captures all components.
     *
     * @throws StateException some cannot be saved; the message says which and why
     */
    public List<Saved> capture() {
        if (!notSavable.isEmpty()) {
            throw new StateException(
                    notSavable.entrySet().stream()
                            .map(each -> "%s (%s)".formatted(each.getKey(), each.getValue()))
                            .collect(
                                    Collectors.joining(", ", "the state cannot be saved of ", "")));
        }
        List<Saved> saved = new ArrayList<>();
        for (Component<?> component : ordered(components, component -> component.after)) {
            saved.add(component.save());
        }
        return saved;
    }

    /**
     * Reads all components, then takes all steps.
     *
     * @throws StateException a required component is missing, or one cannot be read; no step was
     *     taken
     */
    public void restore(SavedComponents saved) {
        for (Component<?> component : components.values()) {
            component.read(saved);
        }
        for (Step step : ordered(steps, Step::after)) {
            step.action().run();
        }
    }

    private static <T> List<T> ordered(Map<String, T> entries, Function<T, Set<String>> after) {
        Set<String> done = new LinkedHashSet<>();
        List<T> order = new ArrayList<>();
        for (String name : entries.keySet()) {
            place(name, entries, after, done, new LinkedHashSet<>(), order);
        }
        return order;
    }

    private static <T> void place(
            String name,
            Map<String, T> entries,
            Function<T, Set<String>> after,
            Set<String> done,
            Set<String> path,
            List<T> order) {
        if (done.contains(name)) {
            return;
        }
        T entry = entries.get(name);
        if (entry == null) {
            throw new IllegalStateException("there is no \"%s\" to come after".formatted(name));
        }
        if (!path.add(name)) {
            throw new IllegalStateException("each comes after the other: " + path);
        }
        // Sorted, so that the order does not change from run to run.
        after.apply(entry).stream()
                .sorted()
                .forEach(before -> place(before, entries, after, done, path, order));
        path.remove(name);
        done.add(name);
        order.add(entry);
    }
}

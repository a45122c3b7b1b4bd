// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.util.Objects;
import java.util.function.Supplier;

/** What is saved of a component. */
public sealed interface ComponentState {

    /** Nothing, since the component has no state that a guest could miss. */
    record Nothing() implements ComponentState {}

    /**
     * The component has state that cannot be saved, so neither can its machine.
     *
     * @param reason why; a clause for a message, such as "its back end is another process"
     */
    record NotSavable(String reason) implements ComponentState {
        /** Checks the reason. */
        public NotSavable {
            if (reason.isBlank()) {
                throw new IllegalArgumentException("no reason why state cannot be saved");
            }
        }
    }

    /**
     * A record.
     *
     * @param codec how it travels
     * @param required whether a machine that is restored must have it; if not, and it is missing,
     *     the component stays as it is after power-on
     * @param capture reads it; the machine stands still
     * @param apply takes it over
     * @param <S> the record that holds the state
     */
    record Kept<S>(StateCodec<S> codec, boolean required, Supplier<S> capture, Applier<S> apply)
            implements ComponentState {
        /** Checks the parts. */
        public Kept {
            Objects.requireNonNull(codec, "codec");
            Objects.requireNonNull(capture, "capture");
            Objects.requireNonNull(apply, "apply");
        }

        /** {@return the same, without which a machine can be restored too} */
        public Kept<S> optional() {
            return new Kept<>(codec, false, capture, apply);
        }
    }

    /**
     * Takes a state over.
     *
     * @param <S> the record that holds the state
     */
    @FunctionalInterface
    interface Applier<S> {

        /**
         * Takes a state over.
         *
         * @param state to go on from
         * @param passed nanoseconds since it was captured that the guest is to see
         */
        void apply(S state, long passed);
    }

    /** {@return the state of a component that has none} */
    static ComponentState nothing() {
        return new Nothing();
    }

    /** {@return the state of a component that keeps its machine from being saved} */
    static ComponentState notSavable(String reason) {
        return new NotSavable(reason);
    }

    /** {@return a record without which a machine cannot be restored} */
    static <S> Kept<S> required(StateCodec<S> codec, Supplier<S> capture, Applier<S> apply) {
        return new Kept<>(codec, true, capture, apply);
    }
}

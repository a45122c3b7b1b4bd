// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

import java.util.regex.Pattern;

/**
 * The saved state of one component in its travelling form.
 *
 * @param kind of component
 * @param instance among those of its kind, from 0
 * @param version of the payload
 * @param payload as the kind's {@link StateCodec} wrote it; at most {@link #MAX_PAYLOAD} bytes
 */
public record Saved(String kind, int instance, int version, Bytes payload) {

    /** The largest payload in bytes. Guest memory is not saved here. */
    public static final int MAX_PAYLOAD = 16 << 20;

    static final int MAX_KIND = 48;

    private static final Pattern KIND = Pattern.compile("[a-z0-9][a-z0-9.-]{0,47}");

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Saved {
        if (!KIND.matcher(kind).matches()) {
            throw new IllegalArgumentException("\"%s\" is no kind of component".formatted(kind));
        }
        if (instance < 0 || version < 1) {
            throw new IllegalArgumentException(
                    "%s: instance %d, version %d".formatted(kind, instance, version));
        }
        if (payload.length() > MAX_PAYLOAD) {
            throw new IllegalArgumentException(
                    "%s: a payload of %s exceeds %d".formatted(kind, payload, MAX_PAYLOAD));
        }
    }

    /**
     * Saves a state.
     *
     * @param codec of its kind
     * @param instance among those of its kind, from 0
     * @param state to save
     * @return the travelling form
     */
    public static <S> Saved of(StateCodec<S> codec, int instance, S state) {
        StateWriter writer = new StateWriter();
        codec.write(state, writer);
        return new Saved(codec.kind(), instance, codec.version(), writer.toBytes());
    }

    /**
     * Reads the state.
     *
     * @param codec of its kind
     * @return the state
     * @throws StateException if this is of another kind, of a version that the codec does not know,
     *     or if the payload is not one state and nothing else
     */
    public <S> S decode(StateCodec<S> codec) {
        if (!kind.equals(codec.kind())) {
            throw new StateException(
                    "saved state is of kind %s where %s is due".formatted(kind, codec.kind()));
        }
        if (version < codec.oldestVersion() || version > codec.version()) {
            throw new StateException(
                    "saved state of %s has version %d; this program reads %d to %d"
                            .formatted(this, version, codec.oldestVersion(), codec.version()));
        }
        StateReader reader = new StateReader("saved state of " + this, payload);
        S state;
        try {
            state = codec.read(version, reader);
        } catch (IllegalArgumentException e) {
            throw new StateException(
                    "saved state of %s cannot be: %s".formatted(this, e.getMessage()), e);
        }
        reader.finish();
        return state;
    }

    /** {@return kind and instance} */
    @Override
    public String toString() {
        return kind + "/" + instance;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.state;

/** A small state for the tests, whose second version added a value. */
record PairState(int first, int second) {

    static final StateCodec<PairState> CODEC = codec(2, 1);

    PairState {
        if (first > second) {
            throw new IllegalArgumentException("%d exceeds %d".formatted(first, second));
        }
    }

    static StateCodec<PairState> codec(int version, int oldest) {
        return new StateCodec<>() {
            @Override
            public String kind() {
                return "pair";
            }

            @Override
            public int version() {
                return version;
            }

            @Override
            public int oldestVersion() {
                return oldest;
            }

            @Override
            public void write(PairState state, StateWriter out) {
                out.i32(state.first()).i32(state.second());
            }

            @Override
            public PairState read(int of, StateReader in) {
                int first = in.i32();
                return new PairState(first, of == 1 ? first : in.i32());
            }
        };
    }
}

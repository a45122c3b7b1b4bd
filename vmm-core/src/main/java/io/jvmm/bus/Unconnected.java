// SPDX-License-Identifier: Apache-2.0
package io.jvmm.bus;

/** The wire that ends nowhere. */
enum Unconnected implements IrqLine {
    LINE;

    @Override
    public void raise() {}

    @Override
    public void lower() {}
}

package io.jvmm.machine;

import io.jvmm.bus.IrqLine;
import io.jvmm.ffi.kvm.KvmIrqLine;
import io.jvmm.ffi.kvm.KvmVm;
import io.jvmm.ffi.linux.KernelException;

import org.jspecify.annotations.Nullable;

/**
 * The wire from a device to an interrupt input of whichever virtual machine there is: a reset puts
 * another one in its place, and devices stay. With none, it ends nowhere.
 */
final class GsiLine implements IrqLine {

    private final int gsi;
    private volatile @Nullable KvmIrqLine line;

    GsiLine(int gsi) {
        this.gsi = gsi;
    }

    void connect(KvmVm vm) {
        line = vm.irqLine(gsi);
    }

    void disconnect() {
        line = null;
    }

    @Override
    public void raise() {
        set(true);
    }

    @Override
    public void lower() {
        set(false);
    }

    private void set(boolean active) {
        KvmIrqLine to = line;
        if (to == null) {
            return;
        }
        try {
            to.set(active);
        } catch (KernelException e) {
            // Who presses a button of a machine that is being closed is not to blame.
            if (to.equals(line)) {
                throw e;
            }
        }
    }
}

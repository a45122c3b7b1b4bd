// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot.firmware;

import static org.assertj.core.api.Assertions.assertThat;

import io.jvmm.memory.GuestMemory;
import io.jvmm.memory.MemoryRegion;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The first MiB of a guest, read as a kernel reads it. */
final class FirmwareMemory implements AutoCloseable {

    private final Arena arena = Arena.ofConfined();

    final GuestMemory memory =
            new GuestMemory(List.of(new MemoryRegion(0, arena.allocate(1 << 20, 4096))));

    byte[] bytes(long gpa, int length) {
        byte[] bytes = new byte[length];
        memory.copyOut(gpa, bytes);
        return bytes;
    }

    String text(long gpa, int length) {
        return new String(bytes(gpa, length), StandardCharsets.US_ASCII);
    }

    void assertSumIsZero(long gpa, int length) {
        int sum = 0;
        for (byte b : bytes(gpa, length)) {
            sum += b;
        }
        assertThat(sum & 0xFF).as("checksum of [0x%x, +%d)", gpa, length).isZero();
    }

    /** An ACPI table: checks its signature and checksum and returns its bytes. */
    byte[] acpiTable(long gpa, String signature) {
        assertThat(text(gpa, 4)).isEqualTo(signature);
        int length = (int) memory.readU32(gpa + 4);
        assertSumIsZero(gpa, length);
        return bytes(gpa, length);
    }

    @Override
    public void close() {
        arena.close();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.jvmm.guest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/**
 * The bare-metal guests: small programs without an operating system, each of which does one thing
 * that a test, a benchmark or a demonstration wants from a guest.
 *
 * <p>Their sources are in {@code src/main/asm}; the assembled bytes are committed as resources, so
 * neither a build nor a run needs an assembler. {@code assemble.sh} regenerates them.
 */
public enum Payload {
    /**
     * The bundled guest: greets on COM1, reports memory, vCPUs, timer interrupts and the time per
     * exit, and powers off.
     */
    HELLO(Kind.LONG_ELF, "greets, reports what it found, powers off"),
    /** Writes to {@link #TEST_PORT} for ever, in real mode. */
    REAL_PORTS(Kind.REAL_MODE, "port writes without end"),
    /** One HLT with interrupts off, in real mode. */
    REAL_HLT(Kind.REAL_MODE, "a single HLT"),
    /** Says 'H' on {@link #TEST_PORT}, then halts again and again, in real mode. */
    REAL_HALT_LOOP(Kind.REAL_MODE, "halts again and again"),
    /** One line on COM1 by REP OUTSB, then power-off, in real mode. */
    REAL_OUTS(Kind.REAL_MODE, "string output, power-off"),
    /** 16 bytes in by REP INSB and out again by REP OUTSB, then power-off, in real mode. */
    REAL_INS(Kind.REAL_MODE, "string input, echoed, power-off"),
    /** Writes to {@link #TEST_PORT} for ever, in ring 0. */
    RING0_PORTS(Kind.LONG_ELF, "port writes without end"),
    /** Writes to {@link #TEST_PORT} for ever, in ring 3. */
    RING3_PORTS(Kind.LONG_ELF, "port writes without end"),
    /** Says 'S' on {@link #TEST_PORT}, then spins without an exit, in ring 0. */
    RING0_SPIN(Kind.LONG_ELF, "spins without an exit"),
    /** Says 'S' on {@link #TEST_PORT}, then spins without an exit, in ring 3. */
    RING3_SPIN(Kind.LONG_ELF, "spins without an exit"),
    /** Reads and writes at {@link #TEST_MMIO} in every size, then writes for ever, in ring 0. */
    RING0_MMIO(Kind.LONG_ELF, "device memory accesses of every size, then writes without end"),
    /** Reads and writes at {@link #TEST_MMIO} in every size, then writes for ever, in ring 3. */
    RING3_MMIO(Kind.LONG_ELF, "device memory accesses of every size, then writes without end"),
    /** Says 'H' on {@link #TEST_PORT}, then halts with interrupts off, in ring 0. */
    RING0_HLT(Kind.LONG_ELF, "halts with interrupts off"),
    /** Checks or writes a pattern in pages of memory on up to 64 vCPUs, in ring 3. */
    PAGES(Kind.LONG_ELF, "goes through memory page by page"),
    /** Gives each of up to 64 vCPUs a role in which it checks itself for ever. */
    STRESS(Kind.LONG_ELF, "computes, halts, uses devices and memory, and checks itself"),
    /** Computes a checksum on up to 64 vCPUs, in ring 3, by all kinds of registers. */
    CHECKSUM(Kind.LONG_ELF, "computes a checksum by all kinds of registers"),
    /**
     * Sends numbered lines on COM1 by interrupts, with ticks, clocks and a value that depends on
     * all that came before, in ring 0.
     */
    WITNESS(Kind.LONG_ELF, "sends lines that show whatever it lost"),
    /**
     * Checks a range of memory again and again and says on COM1 how it goes, in ring 3, or in ring
     * 0 if the command line begins with {@code ring0}.
     */
    LAZY(Kind.LONG_ELF, "checks pages that may be missing"),
    /**
     * Checks every word from 32 MiB to the end of memory again and again, in the order that its
     * command line tells, and says on COM1 how it goes, in ring 3.
     */
    VERIFY(Kind.LONG_ELF, "checks every word of its memory"),
    /** Says 'R' on COM1, then waits for the power button's interrupt and powers off. */
    POWER_BUTTON(Kind.LONG_ELF, "powers off when the power button is pressed"),
    /** Powers off through ACPI. */
    END_POWER_OFF(Kind.LONG_ELF, "powers off"),
    /** Resets through port 0xcf9. */
    END_RESET_PORT(Kind.LONG_ELF, "resets through port 0xcf9"),
    /** Resets through the keyboard controller. */
    END_RESET_I8042(Kind.LONG_ELF, "resets through the keyboard controller"),
    /** Reports a panic to the pvpanic device. */
    END_PANIC(Kind.LONG_ELF, "reports a panic"),
    /** Shuts its vCPU down by a triple fault. */
    END_TRIPLE_FAULT(Kind.LONG_ELF, "takes a triple fault");

    /** The port by which a payload talks to the test that runs it. */
    public static final int TEST_PORT = 0x500;

    /** Guest-physical address of device memory (2 MiB long) that the test answers. */
    public static final long TEST_MMIO = 0xe000_0000L;

    /** Guest-physical address where a {@link Kind#REAL_MODE} payload is loaded and entered. */
    public static final int REAL_MODE_ENTRY = 0x1000;

    /** How a payload is loaded and entered. */
    public enum Kind {
        /**
         * A flat image for {@link #REAL_MODE_ENTRY}, entered there in real mode with {@code CS} =
         * 0.
         */
        REAL_MODE(".bin"),
        /** An ELF64 executable for 1 MiB, entered by Linux's 64-bit boot protocol. */
        LONG_ELF(".elf");

        private final String suffix;

        Kind(String suffix) {
            this.suffix = suffix;
        }
    }

    private final Kind kind;
    private final String description;

    Payload(Kind kind, String description) {
        this.kind = kind;
        this.description = description;
    }

    /** Looks a payload up by its {@link #id()}. */
    public static Optional<Payload> byId(String id) {
        return Arrays.stream(values()).filter(payload -> payload.id().equals(id)).findFirst();
    }

    /** The name as it is typed, which is also the name of the source: {@code ring0-ports}. */
    public String id() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The name of the image among the resources of this package: {@code ring0-ports.elf}. */
    public String fileName() {
        return id() + kind.suffix;
    }

    /** How the payload is loaded and entered. */
    public Kind kind() {
        return kind;
    }

    /** What the payload does, in a few words. */
    public String description() {
        return description;
    }

    /** The image, a copy for the caller. */
    public byte[] bytes() {
        try (InputStream image = Payload.class.getResourceAsStream(fileName())) {
            if (image == null) {
                throw new IllegalStateException(fileName() + " is not among the resources");
            }
            return image.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(fileName(), e);
        }
    }
}

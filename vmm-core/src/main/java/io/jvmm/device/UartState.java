// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

import io.jvmm.state.StateCodec;

import java.util.List;

/**
 * The state of a {@link Uart16550} as data. There is no character on its way out: the transmitter
 * is always empty, so that a port cannot be saved in the middle of sending and wait for ever for
 * the end of it.
 *
 * @param ier interrupt enable, bits 0–3
 * @param fcr FIFO control: bit 0 enabled, bits 6–7 trigger level
 * @param lcr line control
 * @param mcr modem control, bits 0–4
 * @param scr scratch
 * @param divisor baud rate divisor, 16 bits
 * @param lineErrors LSR bits 1–4 not read yet
 * @param modemLines MSR bits 4–7 as the other end drives them
 * @param modemDeltas MSR bits 0–3 not read yet
 * @param transmitterInterrupt whether "transmitter empty" waits for its acknowledgement
 * @param breakWaiting whether a break waits for room in the FIFO
 * @param received characters not read yet, oldest first: byte in bits 0–7, LSR error bits 2–4 in
 *     bits 10–12; at most 16, at most 1 with the FIFOs off
 */
public record UartState(
        int ier,
        int fcr,
        int lcr,
        int mcr,
        int scr,
        int divisor,
        int lineErrors,
        int modemLines,
        int modemDeltas,
        boolean transmitterInterrupt,
        boolean breakWaiting,
        List<Integer> received) {

    /** How it travels. */
    public static final StateCodec<UartState> CODEC = new UartCodec();

    /** The state after power-on: 9600 baud in the divisor, the other end ready and connected. */
    public static final UartState POWER_ON =
            new UartState(
                    0,
                    0,
                    0,
                    0,
                    0,
                    12,
                    0,
                    Uart16550.MSR_DCD | Uart16550.MSR_DSR | Uart16550.MSR_CTS,
                    0,
                    false,
                    false,
                    List.of());

    /**
     * Checks that a port can be in this state.
     *
     * @throws IllegalArgumentException if a value has bits that its register has not
     */
    public UartState {
        received = List.copyOf(received);
        Bits.require("ier", ier, Uart16550.IER_MASK);
        Bits.require("fcr", fcr, Uart16550.FCR_ENABLE | Uart16550.FCR_TRIGGER);
        Bits.require("lcr", lcr, 0xFF);
        Bits.require("mcr", mcr, Uart16550.MCR_MASK);
        Bits.require("scr", scr, 0xFF);
        Bits.require("divisor", divisor, 0xFFFF);
        Bits.require("lineErrors", lineErrors, Uart16550.CHARACTER_ERRORS | Uart16550.LSR_OE);
        Bits.require("modemLines", modemLines, Uart16550.MSR_LINES);
        Bits.require("modemDeltas", modemDeltas, 0x0F);
        for (int character : received) {
            Bits.require("received", character, (Uart16550.CHARACTER_ERRORS << 8) | 0xFF);
        }
        int capacity = (fcr & Uart16550.FCR_ENABLE) != 0 ? ReceiveFifo.DEPTH : 1;
        if (received.size() > capacity) {
            throw new IllegalArgumentException(
                    "%d characters in a receiver for %d".formatted(received.size(), capacity));
        }
    }
}

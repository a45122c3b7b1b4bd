// SPDX-License-Identifier: Apache-2.0
package io.jvmm.device;

/**
 * The register machine of a 16550A serial port (National Semiconductor PC16550D data sheet).
 *
 * <p>It is pure: no lock, no clock, no interrupt line, no host. One thread at a time uses it;
 * {@link SerialPort} is the shell that gives it the rest.
 *
 * <p>Where it is simpler than the chip, for reasons of being a program:
 *
 * <ul>
 *   <li>A character is sent in no time. The transmitter is always empty; the interrupt "transmitter
 *       empty" follows each write, and each enabling, as a driver expects.
 *   <li>The receiver's time-out ("characters are waiting and nothing came for a while") holds as
 *       soon as fewer characters wait than the trigger level asks for: there is no line whose
 *       silence could be timed, and no driver gains by waiting.
 *   <li>Baud rate, word length and parity are stored and change nothing. A guest that never set the
 *       word length still means its eight bits.
 *   <li>The interrupt output is not gated by OUT2 as it is on a PC's card.
 *   <li>In loopback the host's characters wait, where a real line would lose them.
 * </ul>
 */
public final class Uart16550 {

    /** The number of byte registers. */
    public static final int REGISTERS = 8;

    /** What {@link #write} returns when no character left the port. */
    public static final int NOTHING = -1;

    // Offsets. Two registers share one: read and write, or by LCR_DLAB.
    static final int RBR = 0;
    static final int THR = 0;
    static final int DLL = 0;
    static final int IER = 1;
    static final int DLM = 1;
    static final int IIR = 2;
    static final int FCR = 2;
    static final int LCR = 3;
    static final int MCR = 4;
    static final int LSR = 5;
    static final int MSR = 6;
    static final int SCR = 7;

    static final int IER_RDA = 0x01; // received data available
    static final int IER_THRE = 0x02; // transmitter holding register empty
    static final int IER_RLS = 0x04; // receiver line status
    static final int IER_MS = 0x08; // modem status
    static final int IER_MASK = 0x0F; // the rest reads as 0: drivers tell newer chips by it

    static final int IIR_MODEM = 0x00;
    static final int IIR_NONE = 0x01;
    static final int IIR_THRE = 0x02;
    static final int IIR_RDA = 0x04;
    static final int IIR_RLS = 0x06;
    static final int IIR_TIMEOUT = 0x0C;
    static final int IIR_FIFO = 0xC0; // both bits: working FIFOs, thus a 16550A

    static final int FCR_ENABLE = 0x01;
    static final int FCR_CLEAR_RECEIVER = 0x02;
    static final int FCR_TRIGGER = 0xC0;

    static final int LCR_DLAB = 0x80; // divisor latch access

    static final int MCR_DTR = 0x01;
    static final int MCR_RTS = 0x02;
    static final int MCR_OUT1 = 0x04;
    static final int MCR_OUT2 = 0x08;
    static final int MCR_LOOP = 0x10;
    static final int MCR_MASK = 0x1F;

    static final int LSR_DR = 0x01; // data ready
    static final int LSR_OE = 0x02; // overrun
    static final int LSR_PE = 0x04; // parity
    static final int LSR_FE = 0x08; // framing
    static final int LSR_BI = 0x10; // break
    static final int LSR_THRE = 0x20;
    static final int LSR_TEMT = 0x40; // transmitter empty, shift register included
    static final int LSR_FIFO_ERROR = 0x80;
    static final int CHARACTER_ERRORS = LSR_PE | LSR_FE | LSR_BI;

    static final int MSR_DCTS = 0x01; // D…: changed since MSR was read
    static final int MSR_DDSR = 0x02;
    static final int MSR_TERI = 0x04; // the ring indicator's trailing edge only
    static final int MSR_DDCD = 0x08;
    static final int MSR_CTS = 0x10;
    static final int MSR_DSR = 0x20;
    static final int MSR_RI = 0x40;
    static final int MSR_DCD = 0x80;
    static final int MSR_LINES = 0xF0;

    private static final int[] TRIGGER_LEVELS = {1, 4, 8, 14};

    /**
     * So many looks at an empty receiver are polling. Linux looks once for each character it sends,
     * and twice or three times while it sets the port up.
     */
    private static final int POLLS = 8;

    private final ReceiveFifo fifo = new ReceiveFifo();
    private int ier;
    private int fcr; // only the bits that last: FCR_ENABLE and FCR_TRIGGER
    private int lcr;
    private int mcr;
    private int scr;
    private int divisor;
    private int lineErrors; // LSR bits OE, PE, FE, BI that wait for a read of LSR
    private int modemLines; // what the host drives: MSR bits 4–7
    private int modemDeltas; // MSR bits 0–3
    private boolean transmitterInterrupt;
    private boolean breakWaiting; // a break that came while the FIFO was full

    // Not part of the chip, nor of its state: what the host's sender goes by.
    private int polls;
    private int dropped;

    /** Creates a port as it is after power-on, with the cable plugged in at the other end. */
    public Uart16550() {
        restore(UartState.POWER_ON);
    }

    /**
     * Reads a register. Reading has effects: RBR takes a character, IIR, LSR and MSR acknowledge.
     *
     * @param offset 0 to 7; anything else reads as 0xFF
     * @return 0 to 255
     */
    public int read(int offset) {
        return switch (offset) {
            case RBR -> divisorAccess() ? divisor & 0xFF : takeCharacter();
            case IER -> divisorAccess() ? divisor >>> 8 : ier;
            case IIR -> identifyInterrupt();
            case LCR -> lcr;
            case MCR -> mcr;
            case LSR -> takeLineStatus();
            case MSR -> takeModemStatus();
            case SCR -> scr;
            default -> 0xFF;
        };
    }

    /**
     * Writes a register.
     *
     * @param offset 0 to 7; writes to LSR, MSR and beyond are ignored
     * @param value of which the low eight bits count
     * @return the character that left the port, 0 to 255, or {@link #NOTHING}
     */
    public int write(int offset, int value) {
        int octet = value & 0xFF;
        switch (offset) {
            case THR -> {
                if (!divisorAccess()) {
                    return transmit(octet);
                }
                divisor = (divisor & 0xFF00) | octet;
            }
            case IER -> {
                if (divisorAccess()) {
                    divisor = (divisor & 0xFF) | (octet << 8);
                } else {
                    enableInterrupts(octet & IER_MASK);
                }
            }
            case FCR -> controlFifos(octet);
            case LCR -> lcr = octet;
            case MCR -> changeModem(octet & MCR_MASK, modemLines);
            case SCR -> scr = octet;
            default -> {}
        }
        return NOTHING;
    }

    /** {@return whether the chip's interrupt output is high} */
    public boolean interruptRequested() {
        return pendingInterrupt() != IIR_NONE;
    }

    /**
     * Takes characters from the line, as many as there is room for. None is ever lost here: what is
     * not taken is offered again when {@link #room} allows.
     *
     * @return how many were taken, from the front
     */
    public int receive(byte[] bytes, int offset, int length) {
        int accepted = Math.min(length, room());
        for (int i = 0; i < accepted; i++) {
            arriveFromLine(ReceiveFifo.character(bytes[offset + i], 0));
        }
        return accepted;
    }

    /**
     * Says whether the guest takes what arrives: it has the receiver interrupt it, or polls the
     * line status. A sender that can wait does so until then. A driver that sets the port up clears
     * the receiver several times, and reads it without looking whether there is a character.
     */
    public boolean listens() {
        return (ier & IER_RDA) != 0 || polls >= POLLS;
    }

    /**
     * How many characters of {@link #receive} the guest has cleared from the receiver unread since
     * the last {@link #takeDropped}: always the last ones that were received.
     */
    public int dropped() {
        return dropped;
    }

    /** {@return {@link #dropped}, which is 0 from then on} */
    public int takeDropped() {
        int count = dropped;
        dropped = 0;
        return count;
    }

    /** {@return how many characters {@link #receive} would take now} */
    public int room() {
        return loopback() || breakWaiting ? 0 : fifo.room();
    }

    /** {@return whether half of the receiver is free, so that offering more is worth a wake-up} */
    public boolean wantsMore() {
        return room() >= (fifo.capacity() + 1) / 2;
    }

    /**
     * Receives a break. If the receiver is full, it waits there ahead of all further characters;
     * breaks that come while one waits are one break.
     */
    public void receiveBreak() {
        breakWaiting = true;
        admitBreak();
    }

    /**
     * Sets the modem lines that the other end drives.
     *
     * @param lines bits 4 to 7 as in MSR: CTS, DSR, RI, DCD
     */
    public void setModemLines(int lines) {
        changeModem(mcr, lines & MSR_LINES);
    }

    /** {@return the state, complete; taking it has no effect} */
    public UartState state() {
        return new UartState(
                ier,
                fcr,
                lcr,
                mcr,
                scr,
                divisor,
                lineErrors,
                modemLines,
                modemDeltas,
                transmitterInterrupt,
                breakWaiting,
                fifo.contents());
    }

    /** Becomes the port whose state this is. */
    public void restore(UartState state) {
        ier = state.ier();
        fcr = state.fcr();
        lcr = state.lcr();
        mcr = state.mcr();
        scr = state.scr();
        divisor = state.divisor();
        lineErrors = state.lineErrors();
        modemLines = state.modemLines();
        modemDeltas = state.modemDeltas();
        transmitterInterrupt = state.transmitterInterrupt();
        breakWaiting = state.breakWaiting();
        fifo.reset(fifosEnabled() ? ReceiveFifo.DEPTH : 1);
        state.received().forEach(fifo::push);
        polls = 0;
        dropped = 0;
    }

    private boolean divisorAccess() {
        return (lcr & LCR_DLAB) != 0;
    }

    private boolean fifosEnabled() {
        return (fcr & FCR_ENABLE) != 0;
    }

    private boolean loopback() {
        return (mcr & MCR_LOOP) != 0;
    }

    private int transmit(int octet) {
        transmitterInterrupt = true;
        // The look before it was for the transmitter.
        polls = polls < POLLS ? Math.max(polls - 1, 0) : polls;
        if (!loopback()) {
            return octet;
        }
        if (fifo.room() == 0) {
            // The character in the shift register is overwritten; those in the FIFO stay.
            lineErrors |= LSR_OE;
        } else {
            arrive(ReceiveFifo.character(octet, 0));
        }
        return NOTHING;
    }

    private void enableInterrupts(int newIer) {
        if ((newIer & ~ier & IER_THRE) != 0) {
            // Enabling it while the transmitter is empty, as it always is, asks for it again, even
            // if it was acknowledged. Linux tests for that and calls a chip without it buggy.
            transmitterInterrupt = true;
        }
        ier = newIer;
    }

    private void controlFifos(int octet) {
        boolean enable = (octet & FCR_ENABLE) != 0;
        boolean switched = enable != fifosEnabled();
        // The other bits are not programmed unless this one is set in the same write.
        fcr = enable ? octet & (FCR_ENABLE | FCR_TRIGGER) : 0;
        if (switched || (enable && (octet & FCR_CLEAR_RECEIVER) != 0)) {
            dropped += fifo.fromLine();
            polls = 0;
            fifo.reset(fifosEnabled() ? ReceiveFifo.DEPTH : 1);
            lineErrors &= ~CHARACTER_ERRORS;
            admitBreak();
        }
    }

    private void arriveFromLine(int character) {
        fifo.pushFromLine(character);
        showErrorsOfFirst();
    }

    private void arrive(int character) {
        fifo.push(character);
        showErrorsOfFirst();
    }

    private void showErrorsOfFirst() {
        if (fifo.count() == 1) {
            lineErrors |= fifo.takeHeadErrors();
        }
    }

    private void admitBreak() {
        if (breakWaiting && !loopback() && fifo.room() > 0) {
            breakWaiting = false;
            arrive(ReceiveFifo.character(0, LSR_BI));
        }
    }

    private int takeCharacter() {
        if (fifo.count() == 0) {
            polls = 0; // a read that expects nothing: a driver empties the receiver
            return 0;
        }
        int character = fifo.pop();
        if (fifo.count() > 0) {
            // The line status shows the errors of the character that is next to be read.
            lineErrors |= fifo.takeHeadErrors();
        }
        admitBreak();
        return character & 0xFF;
    }

    private int takeLineStatus() {
        int status = LSR_THRE | LSR_TEMT | lineErrors;
        if (fifo.count() > 0) {
            status |= LSR_DR;
        } else if (polls < POLLS) {
            polls++;
        }
        if (fifosEnabled() && ((lineErrors & CHARACTER_ERRORS) != 0 || fifo.holdsErrors())) {
            status |= LSR_FIFO_ERROR;
        }
        lineErrors = 0;
        return status;
    }

    private int pendingInterrupt() {
        if ((ier & IER_RLS) != 0 && lineErrors != 0) {
            return IIR_RLS;
        }
        if ((ier & IER_RDA) != 0 && fifo.count() > 0) {
            return fifo.count() >= triggerLevel() ? IIR_RDA : IIR_TIMEOUT;
        }
        if ((ier & IER_THRE) != 0 && transmitterInterrupt) {
            return IIR_THRE;
        }
        if ((ier & IER_MS) != 0 && modemDeltas != 0) {
            return IIR_MODEM;
        }
        return IIR_NONE;
    }

    private int triggerLevel() {
        return fifosEnabled() ? TRIGGER_LEVELS[fcr >>> 6] : 1;
    }

    private int identifyInterrupt() {
        int pending = pendingInterrupt();
        if (pending == IIR_THRE) {
            transmitterInterrupt = false; // acknowledged, but only if it was the one shown
        }
        return fifosEnabled() ? pending | IIR_FIFO : pending;
    }

    private int modemStatusLines() {
        if (!loopback()) {
            return modemLines;
        }
        return ((mcr & MCR_RTS) != 0 ? MSR_CTS : 0)
                | ((mcr & MCR_DTR) != 0 ? MSR_DSR : 0)
                | ((mcr & MCR_OUT1) != 0 ? MSR_RI : 0)
                | ((mcr & MCR_OUT2) != 0 ? MSR_DCD : 0);
    }

    private void changeModem(int newMcr, int newLines) {
        int before = modemStatusLines();
        mcr = newMcr;
        modemLines = newLines;
        int after = modemStatusLines();
        int changed = (before ^ after) & (MSR_CTS | MSR_DSR | MSR_DCD);
        int ended = before & ~after & MSR_RI;
        modemDeltas |= (changed | ended) >>> 4;
        admitBreak();
    }

    private int takeModemStatus() {
        int status = modemStatusLines() | modemDeltas;
        modemDeltas = 0;
        return status;
    }
}

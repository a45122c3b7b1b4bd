package io.jvmm.machine;

/** A machine could not be made, or could not do what it was told; the message names the remedy. */
public final class MachineException extends RuntimeException {

    private static final long serialVersionUID = 1;

    public MachineException(String message) {
        super(message);
    }

    public MachineException(String message, Throwable cause) {
        super(message, cause);
    }
}

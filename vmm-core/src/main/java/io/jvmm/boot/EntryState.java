// SPDX-License-Identifier: Apache-2.0
package io.jvmm.boot;

/**
 * The state in which the boot processor is entered. Interrupts are off; registers not named are
 * zero. Where there is a descriptor table, the segments are flat with the selectors of {@link Gdt}.
 */
public sealed interface EntryState {

    /**
     * 64-bit mode, paging on, with the first 4 GiB mapped one to one.
     *
     * @param rip where execution begins
     * @param rsi the zero page of the Linux boot protocol
     * @param cr3 the page tables
     * @param gdtBase the descriptor table
     * @param gdtLimit its size in bytes, less one
     * @param rsp a stack that nothing else uses, {@link io.jvmm.layout.GuestLayout#BOOT_STACK_SIZE}
     *     bytes downwards
     */
    record LongMode(long rip, long rsi, long cr3, long gdtBase, int gdtLimit, long rsp)
            implements EntryState {}

    /**
     * 32-bit protected mode, paging off.
     *
     * @param eip where execution begins
     * @param esi the zero page of the Linux boot protocol, or 0
     * @param ebx {@code hvm_start_info} of the PVH boot protocol, or 0
     * @param gdtBase the descriptor table
     * @param gdtLimit its size in bytes, less one
     * @param esp a stack as in {@link LongMode}
     */
    record Protected32(long eip, long esi, long ebx, long gdtBase, int gdtLimit, long esp)
            implements EntryState {}

    /**
     * Real mode, as after a reset; for payloads that were put into memory as they are.
     *
     * @param cs code segment; its base is 16 times the selector
     * @param ip offset in it
     */
    record RealMode(int cs, int ip) implements EntryState {}
}

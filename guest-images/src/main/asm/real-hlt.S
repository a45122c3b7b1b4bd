# SPDX-License-Identifier: Apache-2.0
# Real mode: one HLT with interrupts off, the shortest program there is. With the interrupt
# controllers in the kernel the vCPU sleeps there for good; without them KVM_RUN returns
# KVM_EXIT_HLT. If anything wakes it, it says so on TEST_PORT.
# Used by: tests of the exit loop and of kicks that reach a halted vCPU.

.include "real-mode.inc"

    cli
    hlt
    mov     dx, TEST_PORT
    out     dx, al
    stand_still

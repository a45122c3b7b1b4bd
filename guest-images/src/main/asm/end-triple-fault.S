# SPDX-License-Identifier: Apache-2.0
# Long mode: an undefined instruction with an empty IDT. The fault has no handler, nor has
# the double fault that follows: the vCPU shuts down (KVM_EXIT_SHUTDOWN).
# Used by: tests of the exit code for a triple fault.

.include "long-mode.inc"

.globl entry
entry:
    lidt    [rip + no_idt]
    ud2

no_idt:
    .word   0
    .quad   0

# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: tells TEST_PORT once that it is up (0x53, 'S'), then spins without ever
# leaving the guest. r15 counts the rounds.
# Used by: tests and the benchmark of kicks that reach a running vCPU.

.include "long-mode.inc"

.globl entry
entry:
    xor     r15d, r15d
    mov     dx, TEST_PORT
    mov     al, 'S'
    out     dx, al
again:
    inc     r15
    jmp     again

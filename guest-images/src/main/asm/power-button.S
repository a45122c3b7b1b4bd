# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: says 'R' on COM1, then halts until the power button interrupts it through
# ACPI's system control interrupt; then says 'B' and powers off.
# Used by: tests of a shutdown that the host asks for.

.include "long-mode.inc"
.equ DEVICE_VECTOR, 0x29        # the system control interrupt's: line 1 of the second 8259
.equ MAP_USER, 0
.include "mapping.inc"
.include "apic.inc"
.include "pic.inc"

.equ PM1A_STATUS,   0x600
.equ PM1A_ENABLE,   0x602
.equ PWRBTN,        0x100

.globl entry
entry:
    long_mode_stack
    xor     edi, edi
    call    map
    mov     edi, APIC_BASE
    call    map
    lea     rax, [rip + pml4]
    mov     cr3, rax
    call    set_up_interrupts
    call    set_up_apic
    set_up_pics 0xfb, 0xfd      # line 9, by way of the cascade at line 2
    mov     edx, PM1A_ENABLE
    mov     eax, PWRBTN
    out     dx, ax
    mov     edx, COM1
    mov     al, 'R'
    out     dx, al
1:  sti
    hlt
    jmp     1b

device_interrupt:
    mov     edx, PM1A_STATUS
    in      ax, dx
    test    eax, PWRBTN
    jz      exception
    mov     eax, PWRBTN         # written back, it is acknowledged
    out     dx, ax
    mov     edx, COM1
    mov     al, 'B'
    out     dx, al
    power_off

timer_interrupt:
out_of_tables:
exception:
    mov     dx, PVPANIC
    mov     al, 1
    out     dx, al
    stand_still

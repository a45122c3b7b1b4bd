# SPDX-License-Identifier: Apache-2.0
# The bundled guest, which ./vmm runs when it is given no kernel. It greets on COM1, looks at
# the machine it woke up in as a kernel would, starts all processors, counts some timer
# interrupts, times an exit, sums it all up in one line, and powers off.
# It takes a few ten milliseconds, also on hosts that interpret ring 0.
# Used by: the bare ./vmm; tests of memory size, vCPU count, timer and power-off.

.include "long-mode.inc"
.equ MAP_USER, 0
.include "mapping.inc"
.include "apic.inc"
.include "pic.inc"
.include "hello/console.inc"
.include "hello/handlers.inc"
.include "hello/timer.inc"
.include "hello/clock.inc"
.include "hello/memory.inc"
.include "hello/acpi.inc"
.include "hello/smp.inc"
.include "hello/exits.inc"
.include "hello/report.inc"

.globl entry
entry:
    cld
    long_mode_stack
    mov     r15, rsi            # the zero page, for good

    xor     edi, edi            # this image, and all that firmware leaves below 1 MiB
    call    map
    mov     rdi, r15
    call    map
    mov     edi, [r15 + BOOT_COMMAND_LINE]
    call    map
    mov     edi, APIC_BASE
    call    map
    lea     rax, [rip + pml4]
    mov     cr3, rax
    lgdt    [rip + gdt_pointer]
    call    set_up_interrupts
    call    report_greeting

    call    inspect_memory
    call    report_memory

    call    read_acpi
    call    set_up_apic
    call    start_ticks
    call    count_ticks
    call    set_up_clock
    call    start_processors
    call    report_processors
    call    report_timer

    call    time_exits
    call    report_exits
    call    report_command_line
    call    report_summary

    mov     edx, [rip + pm1a_port]
    mov     eax, SLEEP_S5
    out     dx, ax
    stand_still

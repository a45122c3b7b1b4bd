# SPDX-License-Identifier: Apache-2.0
# Long mode, ring 0: sends a line on COM1 per timer tick, for ever, by interrupts, one byte
# after the other. A line is five numbers of sixteen hexadecimal digits: its number; ticks of
# the PIT so far; the time stamp counter; kvmclock in nanoseconds (0 where there is none); and
# a value that depends on all lines before, on registers and on memory:
#   word[n mod 512] += value; value = rol(value, 13) + word[n mod 512]     (all 0, value 1)
# Whoever reads the lines sees a byte, an interrupt, a register or a word of memory that was
# lost, and time that went back. PIT, 8259 and serial port must all go on for it to go on.
# Used by: tests of pause, of saved and restored machines.

.include "long-mode.inc"
.equ DEVICE_VECTOR, 0x24        # the serial port's: line 4 of the first 8259
.equ MAP_USER, 0
.include "mapping.inc"
.include "apic.inc"
.include "pic.inc"

.equ PIT_CHANNEL0,  0x40
.equ PIT_COMMAND,   0x43
.equ PIT_DIVISOR,   11932       # of 1 193 182 Hz: a tick each 10 ms
.equ COM1_IER,      COM1 + 1
.equ COM1_IIR,      COM1 + 2
.equ IER_THRE,      2

.equ KVM_LEAF,      0x40000000
.equ KVM_SIGNATURE, 0x4b4d564b  # "KVMK", in ebx
.equ KVM_CLOCK2,    3           # bit in eax of KVM_LEAF + 1
.equ MSR_SYSTEM_TIME, 0x4b564d01
.equ CLOCK_TSC,     8           # struct pvclock_vcpu_time_info
.equ CLOCK_NS,      16
.equ CLOCK_MUL,     24
.equ CLOCK_SHIFT,   28

.equ NUMBERS,       5
.equ LINE,          NUMBERS * 17 # each with what follows it
.equ WORDS,         512

.bss
.balign 64
clock_page: .skip 64
words:      .skip WORDS * 8
line:       .skip LINE
.balign 8
tx_next:    .skip 8             # what of the line is to be sent
tx_end:     .skip 8
ticks:      .skip 8
seen_ticks: .skip 8
.text

.globl entry
entry:
    cld
    long_mode_stack
    xor     edi, edi
    call    map
    mov     edi, APIC_BASE
    call    map
    lea     rax, [rip + pml4]
    mov     cr3, rax
    call    set_up_interrupts
    call    set_up_apic
    call    set_up_clock
    set_up_pics 0xee, 0xff      # lines 0 and 4
    write_port PIT_COMMAND, 0x34        # channel 0, both bytes, rate generator
    write_port PIT_CHANNEL0, PIT_DIVISOR & 255
    write_port PIT_CHANNEL0, PIT_DIVISOR >> 8
    mov     edx, COM1_IER
    mov     al, IER_THRE
    out     dx, al
    xor     r14d, r14d          # number of the line
    mov     r13d, 1             # the value

again:
1:  sti
    hlt
    cli
    mov     rax, [rip + ticks]
    cmp     rax, [rip + seen_ticks]
    je      1b
    mov     rcx, [rip + tx_next]
    cmp     rcx, [rip + tx_end]
    jne     1b
    mov     [rip + seen_ticks], rax
    lea     rdi, [rip + line]
    mov     rax, r14
    call    number
    mov     rax, [rip + seen_ticks]
    call    number
    rdtsc
    shl     rdx, 32
    or      rax, rdx
    call    number
    call    read_clock
    call    number
    mov     rax, r13
    call    number
    mov     byte ptr [rdi - 1], 10
    mov     [rip + tx_end], rdi
    lea     rsi, [rip + line]
    lea     rax, [rsi + 1]
    mov     [rip + tx_next], rax
    mov     edx, COM1
    outsb                       # the others follow by interrupts

    mov     rax, r14
    and     eax, WORDS - 1
    lea     rcx, [rip + words]
    add     [rcx + rax * 8], r13
    rol     r13, 13
    add     r13, [rcx + rax * 8]
    inc     r14
    jmp     again

# Appends rax and a blank at rdi. Clobbers rax, rcx, rdx.
number:
    mov     ecx, 16
1:  rol     rax, 4
    mov     dl, al
    and     dl, 15
    cmp     dl, 10
    jb      2f
    add     dl, 'a' - '0' - 10
2:  add     dl, '0'
    mov     [rdi], dl
    inc     rdi
    dec     ecx
    jnz     1b
    mov     byte ptr [rdi], ' '
    inc     rdi
    ret

# Switches kvmclock on where there is one. Clobbers rax to rdx.
set_up_clock:
    mov     eax, KVM_LEAF
    cpuid
    cmp     ebx, KVM_SIGNATURE
    jne     1f
    mov     eax, KVM_LEAF + 1
    cpuid
    bt      eax, KVM_CLOCK2
    jnc     1f
    lea     rax, [rip + clock_page + 1] # bit 0 switches it on
    xor     edx, edx
    mov     ecx, MSR_SYSTEM_TIME
    wrmsr
1:  ret

# Gives kvmclock's nanoseconds in rax. Clobbers rcx, rdx, rsi, r8.
read_clock:
    lea     rsi, [rip + clock_page]
1:  mov     r8d, [rsi]          # odd while it is written, another one afterwards
    rdtsc
    shl     rdx, 32
    or      rax, rdx
    sub     rax, [rsi + CLOCK_TSC]
    mov     cl, [rsi + CLOCK_SHIFT]
    test    cl, cl
    js      2f
    shl     rax, cl
    jmp     3f
2:  neg     cl
    shr     rax, cl
3:  mov     edx, [rsi + CLOCK_MUL]
    mul     rdx
    shrd    rax, rdx, 32
    add     rax, [rsi + CLOCK_NS]
    test    r8d, 1
    jnz     1b
    cmp     r8d, [rsi]
    jne     1b
    ret

timer_interrupt:
    push    rax
    inc     qword ptr [rip + ticks]
    write_port PIC1_COMMAND, PIC_EOI
    pop     rax
    iretq

device_interrupt:
    push    rax
    push    rdx
    push    rsi
    mov     edx, COM1_IIR       # acknowledges
    in      al, dx
    mov     rsi, [rip + tx_next]
    cmp     rsi, [rip + tx_end]
    je      1f
    mov     edx, COM1
    outsb
    mov     [rip + tx_next], rsi
1:  write_port PIC1_COMMAND, PIC_EOI
    pop     rsi
    pop     rdx
    pop     rax
    iretq

out_of_tables:
exception:
    mov     dx, PVPANIC
    mov     al, 1
    out     dx, al
    stand_still

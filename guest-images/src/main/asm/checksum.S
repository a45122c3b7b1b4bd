# SPDX-License-Identifier: Apache-2.0
# Ring 3, up to 64 vCPUs with a timer interrupt every millisecond: each computes a checksum,
# 64 bits wide, in rounds; a round sends it through general registers, AVX (SSE where the
# processor has no AVX, with the same result), x87, and string instructions on the echo
# register. One wrong bit in any of them, at any moment, and the rest of the rounds are wrong.
# In Java: PayloadChecksum.
#
# Parameters (32-bit reads of TEST_PORT): number of vCPUs. Then every vCPU reports UP, and asks
# after each round whether to go on: 0 ends it. It then reports DONE five times: bits 0 to 21,
# 22 to 43 and 44 to 63 of the checksum; the number of rounds; the number of timer interrupts,
# both modulo 2^22.
# Used by: tests of pause and saved state.

.include "long-mode.inc"
.include "workers/frame.inc"

.equ STEPS,         8000        # of every computation of a round
.equ GOLDEN,        0x9e3779b97f4a7c15
.equ ECHO_PORTS,    0x700       # four ports for each worker
.equ STRING_LENGTH, 16
.equ LANE_MASK,     0xfff       # so small that all sums fit into 32 bits

.equ CHECKSUM,      BLOCK_VARIABLES         # 64 bits
.equ ROUNDS,        BLOCK_VARIABLES + 8     # 64 bits
.equ LANES,         BLOCK_VARIABLES + 0x10  # four times 64 bits
.equ TERM,          BLOCK_VARIABLES + 0x30  # 64 bits

.data
.balign 32
ones:       .double 1, 1, 1, 1
.text

# Takes \value (not rax) into the checksum in rax. Clobbers nothing else; r15 is GOLDEN.
.macro fold value
    xor     rax, \value
    rol     rax, 29
    imul    rax, r15
.endm

# Before any worker runs.
read_parameters:
    call    parameter
    mov     [rip + workers], eax
    ret

worker_main:
    tell    REPORT_UP, 0
    lea     eax, [rbx + 1]
    mov     rdx, GOLDEN
    imul    rax, rdx
    mov     [rbp + CHECKSUM], rax
    call    start_timer
    lea     rax, [rip + user]
    mov     edx, RFLAGS_ON
    jmp     to_ring3

user:
    call    general
    call    vectors
    call    x87
    call    strings
    inc     qword ptr [rbp + ROUNDS]
    call    parameter
    test    eax, eax
    jnz     user
    mov     rcx, [rbp + CHECKSUM]
    call    done
    mov     rcx, [rbp + CHECKSUM]
    shr     rcx, 22
    call    done
    mov     rcx, [rbp + CHECKSUM]
    shr     rcx, 44
    call    done
    mov     rcx, [rbp + ROUNDS]
    call    done
    mov     ecx, [rbp + WORKER_TICKS]
    call    done
1:  pause
    jmp     1b

done:
    mov     eax, REPORT_DONE
    jmp     report

# Eight registers, each of which is added to its neighbour and turned, round and round.
general:
    mov     rax, [rbp + CHECKSUM]
    mov     rdx, GOLDEN
.irp register, r8, r9, r10, r11, r12, r13, r14, r15
    mov     \register, rax
    imul    rax, rdx
.endr
    mov     ecx, STEPS
1:
.macro step register, neighbour
    add     \register, \neighbour
    rol     \register, 7
.endm
    step    r8,  r9
    step    r9,  r10
    step    r10, r11
    step    r11, r12
    step    r12, r13
    step    r13, r14
    step    r14, r15
    step    r15, r8
    dec     ecx
    jnz     1b
    mov     rdi, r15
    mov     r15, rdx
.irp register, r8, r9, r10, r11, r12, r13, r14, rdi
    fold    \register
.endr
    mov     [rbp + CHECKSUM], rax
    ret

# Four lanes, of four pieces of the checksum; in each, seven sums of numbers that rise by one.
vectors:
    mov     rax, [rbp + CHECKSUM]
    mov     r15, GOLDEN
    mov     rdx, rax
    xor     ecx, ecx
1:  mov     esi, edx
    and     esi, LANE_MASK
    cvtsi2sd xmm0, esi
    movsd   [rbp + LANES + rcx * 8], xmm0
    shr     rdx, 16
    inc     ecx
    cmp     ecx, 4
    jb      1b
    cmp     byte ptr [rip + avx], 0
    jne     2f
    lea     rdi, [rbp + LANES]
    call    sum_two
    lea     rdi, [rbp + LANES + 16]
    call    sum_two
    jmp     3f
2:  call    sum_four
3:  xor     ecx, ecx
4:  cvttsd2si rdx, [rbp + LANES + rcx * 8]
    fold    rdx
    inc     ecx
    cmp     ecx, 4
    jb      4b
    mov     [rbp + CHECKSUM], rax
    ret

# Registers 0 to 6 are the sums, 7 to 13 what is added, 15 is one. Clobbers ecx and those.
sum_four:
    vmovapd ymm15, [rip + ones]
    vmovupd ymm7, [rbp + LANES]
    vaddpd  ymm8, ymm7, ymm15
    vaddpd  ymm9, ymm8, ymm15
    vaddpd  ymm10, ymm9, ymm15
    vaddpd  ymm11, ymm10, ymm15
    vaddpd  ymm12, ymm11, ymm15
    vaddpd  ymm13, ymm12, ymm15
.irp n, 0, 1, 2, 3, 4, 5, 6
    vxorpd  ymm\n, ymm\n, ymm\n
.endr
    mov     ecx, STEPS
1:  vaddpd  ymm0, ymm0, ymm7
    vaddpd  ymm1, ymm1, ymm8
    vaddpd  ymm2, ymm2, ymm9
    vaddpd  ymm3, ymm3, ymm10
    vaddpd  ymm4, ymm4, ymm11
    vaddpd  ymm5, ymm5, ymm12
    vaddpd  ymm6, ymm6, ymm13
.irp n, 7, 8, 9, 10, 11, 12, 13
    vaddpd  ymm\n, ymm\n, ymm15
.endr
    dec     ecx
    jnz     1b
.irp n, 1, 2, 3, 4, 5, 6
    vaddpd  ymm0, ymm0, ymm\n
.endr
    vmovupd [rbp + LANES], ymm0
    vzeroupper
    ret

# The same for the two lanes at rdi.
sum_two:
    movapd  xmm15, [rip + ones]
    movupd  xmm7, [rdi]
.irp n, 8, 9, 10, 11, 12, 13
    movapd  xmm\n, xmm7
    addpd   xmm\n, xmm15
    movapd  xmm7, xmm\n
.endr
    movupd  xmm7, [rdi]
.irp n, 0, 1, 2, 3, 4, 5, 6
    xorpd   xmm\n, xmm\n
.endr
    mov     ecx, STEPS
1:  addpd   xmm0, xmm7
    addpd   xmm1, xmm8
    addpd   xmm2, xmm9
    addpd   xmm3, xmm10
    addpd   xmm4, xmm11
    addpd   xmm5, xmm12
    addpd   xmm6, xmm13
.irp n, 7, 8, 9, 10, 11, 12, 13
    addpd   xmm\n, xmm15
.endr
    dec     ecx
    jnz     1b
.irp n, 1, 2, 3, 4, 5, 6
    addpd   xmm0, xmm\n
.endr
    movupd  [rdi], xmm0
    ret

# A full stack: seven bytes of the checksum, and above them the sum of STEPS to 1, to each of
# which a piece of the checksum is added.
x87:
    mov     rax, [rbp + CHECKSUM]
    mov     r15, GOLDEN
    fninit
    mov     rdx, rax
    mov     ecx, 7
1:  movzx   esi, dl
    mov     [rbp + TERM], rsi
    fild    qword ptr [rbp + TERM]
    shr     rdx, 8
    dec     ecx
    jnz     1b
    fldz
    movzx   edx, ax
    mov     ecx, STEPS
2:  lea     esi, [rdx + rcx]
    mov     [rbp + TERM], esi
    fiadd   dword ptr [rbp + TERM]
    dec     ecx
    jnz     2b
    mov     ecx, 8
3:  fistp   qword ptr [rbp + TERM]
    mov     rdx, [rbp + TERM]
    fold    rdx
    dec     ecx
    jnz     3b
    mov     [rbp + CHECKSUM], rax
    ret

# Writes words to the echo register by one instruction, and reads as many by another.
strings:
    mov     rax, [rbp + CHECKSUM]
    mov     r15, GOLDEN
    lea     rdi, [rbp + BLOCK_BUFFER]
    mov     ecx, STRING_LENGTH
1:  imul    rax, r15
    add     rax, rcx
    mov     rdx, rax
    shr     rdx, 32
    mov     [rdi], edx
    add     rdi, 4
    dec     ecx
    jnz     1b
    lea     edx, [ECHO_PORTS + rbx * 4]
    lea     rsi, [rbp + BLOCK_BUFFER]
    mov     ecx, STRING_LENGTH
    rep outsd
    lea     rdi, [rbp + BLOCK_BUFFER]
    mov     ecx, STRING_LENGTH
    rep insd
    lea     rsi, [rbp + BLOCK_BUFFER]
    mov     ecx, STRING_LENGTH
2:  mov     edx, [rsi]
    fold    rdx
    add     rsi, 4
    dec     ecx
    jnz     2b
    mov     [rbp + CHECKSUM], rax
    ret

// SPDX-License-Identifier: Apache-2.0
/*
 * Prints what the C compiler makes of a set of headers: one line per probe, a name and numbers.
 *
 * The test writes two files beside its copy of this one. headers.inc has the #include lines.
 * probes.inc has one probe per line and nothing else, so that the line number of a compiler error
 * names the probe that these headers do not know.
 */
#define _GNU_SOURCE 1
#include "headers.inc"
#include <stddef.h>
#include <stdio.h>

/* A constant's value. Unsigned constants of 64 bits come out negative; the reader knows the width. */
#define CONSTANT(name) printf("%s %lld\n", #name, (long long)(name));

/* A type's size. */
#define SIZE(type) printf("%s %zu\n", #type, sizeof(type));

/* A member's offset and size. */
#define MEMBER(type, path)                                                                         \
    printf("%s.%s %zu %zu\n", #type, #path, offsetof(type, path), sizeof(((type *)0)->path));

/* The offset of an array without a length, at the end of its struct. */
#define TAIL(type, path) printf("%s.%s %zu\n", #type, #path, offsetof(type, path));

int main(void)
{
#include "probes.inc"
    return 0;
}

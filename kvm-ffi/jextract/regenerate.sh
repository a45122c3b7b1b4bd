#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the packages io.jvmm.ffi.gen.*: struct layouts and constants of the kernel and of libc.
#
#   JEXTRACT=/path/to/jextract HEADERS=/path/to/linux-headers ./regenerate.sh
#
# JEXTRACT is the user's jextract (openjdk/jextract). HEADERS is a folder with linux/kvm.h and asm/kvm.h,
# such as fetch-headers.sh prints. The kernel's headers come from there, those of libc from this machine.
#
# Each NAME.includes becomes the package io.jvmm.ffi.gen.NAME. Its "#include" lines are the headers to
# read (and comments to jextract, which takes the same file as its arguments), the others say which
# structs and constants to keep. Functions are never kept: jextract can not capture errno.
set -eu

: "${JEXTRACT:?path to the jextract command}"
: "${HEADERS:?folder with the kernel headers: linux/kvm.h, asm/kvm.h}"

here=$(cd "$(dirname "$0")" && pwd)
sources=$(cd "$here/../src/main/java" && pwd)
target=$sources/io/jvmm/ffi/gen

if [ ! -f "$HEADERS/linux/kvm.h" ] || [ ! -f "$HEADERS/asm/kvm.h" ]; then
    echo "$0: no linux/kvm.h and asm/kvm.h in $HEADERS" >&2
    exit 1
fi
HEADERS=$(cd "$HEADERS" && pwd)

version_part() {
    sed -n "s/^#define LINUX_VERSION_$1 //p" "$HEADERS/linux/version.h"
}
kernel=$(version_part MAJOR).$(version_part PATCHLEVEL).$(version_part SUBLEVEL)
libc=$(printf '#include <features.h>\n__GLIBC__.__GLIBC_MINOR__\n' | cc -E -P - | tail -n 1 | tr -d ' ')
tool=$("$JEXTRACT" --version 2>&1 | head -n 1)

rm -rf "$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for list in "$here"/*.includes; do
    name=$(basename "$list" .includes)
    # The header must not be called like one that it includes.
    header=$work/jvmm_$name.h
    { echo '#define _GNU_SOURCE 1'; grep '^#include ' "$list"; } >"$header"

    "$JEXTRACT" -I "$HEADERS" --output "$sources" --target-package "io.jvmm.ffi.gen.$name" \
        --header-class-name "${name}_h" "@$list" "$header" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; exit 1; }
    # Everything else that the headers hold is skipped on purpose; what was asked for must be there.
    if grep -i 'error' "$work/log" >&2; then exit 1; fi
    sed -n 's/^--include-[a-z]* //p' "$list" | while read -r symbol; do
        if ! grep -rqE "(class|[a-z]+) $symbol(\(\)| \{)" "$target/$name"; then
            echo "$0: $name: jextract gave no $symbol" >&2
            exit 1
        fi
    done

    {
        echo '/**'
        echo " * Generated from Linux $kernel and glibc $libc headers by {@code $tool}; never edited."
        echo ' *'
        echo ' * <pre>'
        sed -n 's/^#include <\(.*\)>/ *   #include \&lt;\1\&gt;/p' "$list"
        echo ' *'
        echo ' *   jextract -I $HEADERS --output src/main/java \'
        echo " *       --target-package io.jvmm.ffi.gen.$name --header-class-name ${name}_h \\"
        echo " *       &#64;jextract/$name.includes jvmm_$name.h"
        echo ' * </pre>'
        echo ' */'
        echo '@org.jspecify.annotations.NullUnmarked'
        echo "package io.jvmm.ffi.gen.$name;"
    } >"$target/$name/package-info.java"
done

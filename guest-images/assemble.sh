#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Assembles every payload of src/main/asm with GNU binutils.
#
#   ./assemble.sh            regenerates the committed images in src/main/resources
#   ./assemble.sh FOLDER     writes them to FOLDER instead
#
# real-*.S becomes a flat real-mode image for address 0x1000 (.bin); every other source
# becomes an ELF64 executable for 1 MiB (.elf), whose headers stand in long-mode.inc. The
# result depends on the sources alone: no time, path or version gets into it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sources=$here/src/main/asm
out=${1:-$here/src/main/resources/io/jvmm/guest}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in as ld; do
    command -v "$tool" >/dev/null || {
        echo "assemble.sh: no '$tool': install binutils" >&2
        exit 1
    }
done

mkdir -p "$out"
for source in "$sources"/*.S; do
    name=$(basename "$source" .S)
    case $name in
        real-*) base=0x1000 image=$name.bin ;;
        *) base=0x100000 image=$name.elf ;;
    esac
    as --64 --fatal-warnings -mx86-used-note=no -I "$sources" -o "$work/$name.o" "$source"
    ld -m elf_x86_64 --oformat binary --defsym "BASE=$base" -T "$sources/payload.ld" \
        -e image_start -o "$work/$image" "$work/$name.o"
    cat "$work/$image" >"$out/$image" # not mv: ld marks its output executable
done

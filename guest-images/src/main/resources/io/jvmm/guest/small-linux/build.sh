#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the small Linux: build.sh SOURCE.tar.xz CONFIG TARGET PATCH...
#
# Makes the folder TARGET with bzImage, the full config, and a file "release" with what uname -r
# will print. Works inside TARGET only. On failure the reason is on standard error.
set -euo pipefail
source=$1 config=$2 target=$3
shift 3

need=()
for pair in make:make cc:gcc ld:binutils flex:flex bison:bison bc:bc lz4:lz4 patch:patch xz:xz-utils perl:perl; do
    command -v "${pair%%:*}" >/dev/null || need+=("${pair#*:}")
done
# objtool, which the kernel's build makes for itself, reads object files through it
echo '#include <libelf.h>' | cc -E - >/dev/null 2>&1 || need+=(libelf-dev)
if [ ${#need[@]} -gt 0 ]; then
    echo "to build the small Linux, install: ${need[*]}" >&2
    exit 1
fi

tree=$target/source object=$target/object
mkdir -p "$tree" "$object"
# graphics drivers are a third of the source, and nothing here compiles them
tar -xJf "$source" -C "$tree" --strip-components=1 --exclude='*/drivers/gpu/drm/*.[ch]'
for patch in "$@"; do
    patch --silent -d "$tree" -p1 <"$patch" >&2
done

# the same bytes whoever builds it, and wherever
export KBUILD_BUILD_USER=jvmm KBUILD_BUILD_HOST=jvmm KBUILD_BUILD_TIMESTAMP='Thu Jan 1 00:00:00 UTC 1970'
# the caller's own settings of make are not for this one
unset MAKEFLAGS MFLAGS
kernel_make() { make -s -C "$tree" O="$object" -j"$(nproc)" "$@"; }

kernel_make KCONFIG_ALLCONFIG="$(realpath "$config")" allnoconfig >"$target/log" 2>&1 || {
    tail -n 20 "$target/log" >&2
    exit 1
}
# Kconfig drops a line in silence when what it depends on is not there
lost=()
while IFS= read -r line; do
    case $line in
        CONFIG_*) grep -qxF -e "$line" "$object/.config" || lost+=("$line") ;;
        '# CONFIG_'*' is not set')
            option=${line#\# }
            option=${option%% *}
            ! grep -q "^$option=" "$object/.config" || lost+=("$line")
            ;;
    esac
done <"$config"
if [ ${#lost[@]} -gt 0 ]; then
    printf 'this kernel does not take the line: %s\n' "${lost[@]}" >&2
    exit 1
fi

kernel_make bzImage >"$target/log" 2>&1 || {
    grep -E -m 5 'error|Error' "$target/log" >&2 || tail -n 20 "$target/log" >&2
    exit 1
}
kernel_make kernelrelease >"$target/release"
cp "$object/arch/x86/boot/bzImage" "$target/bzImage"
cp "$object/.config" "$target/config"
rm -rf "$tree" "$object" "$target/log"

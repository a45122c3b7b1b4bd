#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the kernel's user headers (Debian package linux-libc-dev) of a newer release into a folder,
# without touching the packages or the package lists of this machine.
#
#   fetch-headers.sh CACHE_DIR
#
# prints the header root, CACHE_DIR/linux-<version>: it holds linux/kvm.h and asm/kvm.h. A second run
# finds the cached copy and needs no network.
#
# The release comes from $SUITE (default: sid). Its archive is the Debian mirror that this machine's own
# apt sources name, so a proxy or a local mirror keeps working. $VERSION (default: 7.2) is the start of
# the package version that is asked for.
set -eu

SUITE=${SUITE:-sid}
VERSION=${VERSION:-7.2}

if [ $# -ne 1 ]; then
    echo "usage: $0 CACHE_DIR" >&2
    exit 2
fi
mkdir -p "$1"
cache=$(cd "$1" && pwd)

for root in "$cache/linux-$VERSION"*; do
    if [ -f "$root/linux/kvm.h" ] && [ -f "$root/asm/kvm.h" ]; then
        echo "$root"
        exit 0
    fi
done

# The first archive with a plain "main" of this distribution, from either form of apt source.
mirror=$(apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(COMPONENT)|$(SUITE)' 2>/dev/null |
    awk -F'|' '$2 == "Debian" && $3 == "main" && $4 !~ /security/ { print $1; exit }')
if [ -z "$mirror" ]; then
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        awk '/^URIs:/ { for (i = 2; i <= NF; i++) print $i }
             /^deb /  { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; break } }' |
        awk '/\/debian\/?$/ { print; exit }')
fi
if [ -z "$mirror" ]; then
    echo "$0: the apt sources of this machine name no Debian archive" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
# apt drops its privileges to download and must still be able to write here.
chmod 755 "$work"
chown -R _apt "$work/lists" "$work/cache" 2>/dev/null || true

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror $SUITE main" >"$work/sources.list"

private_apt() {
    apt-get -qq \
        -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o Acquire::Languages=none -o APT::Architecture=amd64 "$@"
}

private_apt update >&2
(cd "$work" && private_apt -o APT::Sandbox::User=root download linux-libc-dev >&2)
deb=$(ls "$work"/linux-libc-dev_*.deb)
found=$(dpkg-deb -f "$deb" Version)
case $found in
"$VERSION"*) ;;
*)
    echo "$0: $SUITE has linux-libc-dev $found, not $VERSION" >&2
    exit 1
    ;;
esac

dpkg-deb -x "$deb" "$work/unpacked"
# Newer packages keep each architecture's asm folder apart, behind links into the installed tree;
# older ones put it into a folder named for the architecture.
mkdir "$work/root"
for folder in linux asm-generic; do
    cp -R "$work/unpacked/usr/include/$folder" "$work/root/"
done
for asm in "$work/unpacked/usr/lib/linux/uapi/x86/asm" "$work/unpacked/usr/include/x86_64-linux-gnu/asm"; do
    if [ -f "$asm/kvm.h" ]; then
        cp -R "$asm" "$work/root/asm"
        break
    fi
done
if [ ! -f "$work/root/asm/kvm.h" ]; then
    echo "$0: linux-libc-dev $found has no asm/kvm.h for x86-64" >&2
    exit 1
fi
root=$cache/linux-$(printf %s "$found" | tr -c 'A-Za-z0-9.\n-' '_')
rm -rf "$root"
mv "$work/root" "$root"
echo "$root"

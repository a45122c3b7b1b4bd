#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First program of the Linux guest: mounts what programs expect, says that the
# guest is up, and keeps a shell on the serial console.
export PATH=/bin HOME=/root TERM=vt100 PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
modules=/lib/modules/$(uname -r)
for module in $(cat "$modules/order" 2>/dev/null); do
    insmod "$modules/$module"
done
echo "jvmm-guest: up, Linux $(uname -r), $(nproc) CPUs, $(awk '/^MemTotal/ { print $2 }' /proc/meminfo) KiB"
while true; do
    # a session of its own, so that the terminal's Ctrl-C reaches what runs in it
    setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
done

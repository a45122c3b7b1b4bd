#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# First program of the lab: brings up /dev/kvm, runs /lab/command on the console,
# and sends what it left in /lab/results, its exit code included, over the second
# serial port as a tar archive. A lab that ends without one has failed.
export PATH=/bin:/jre/bin HOME=/root TERM=vt100 PS1='lab# '
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /lab/results
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
ifconfig lo 127.0.0.1 up
modules=/lib/modules/$(uname -r)
for module in $(cat "$modules/order" 2>/dev/null); do
    insmod "$modules/$module" || echo "lab: cannot load $module"
done
# The emulator now and then forgets an interrupt (docs/lab.md). If that was the local timer's
# and nothing else comes, an idle CPU sleeps for ever. As long as an alarm is set, Linux has the
# HPET interrupt 64 times a second, and the local APIC offers again what is pending.
alarm=/sys/class/rtc/rtc0/wakealarm
if [ -w "$alarm" ]; then
    echo +86000 >"$alarm"
fi
# raw, or the terminal's line discipline would change the archive's bytes
stty -F /dev/ttyS1 raw -echo

end() {
    # no kernel message may land on the user's terminal any more
    echo 0 >/proc/sys/kernel/printk
    reboot -f
}

. /lab/settings
if [ -n "$DEADLINE_SECONDS" ]; then
    (
        sleep "$DEADLINE_SECONDS"
        echo "lab: not done after $DEADLINE_SECONDS seconds; stacks of the Java processes:"
        killall -QUIT java
        sleep 5
        end
    ) &
fi

if [ -c /dev/kvm ]; then
    cd /root
    setsid -c sh /lab/command </dev/ttyS0 >/dev/ttyS0 2>&1
    echo $? >/lab/results/exit
    tar -c -C /lab/results . >/dev/ttyS1
else
    echo "lab: its kernel has no /dev/kvm"
fi
end

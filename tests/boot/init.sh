#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# PID 1's way into the little VM: file systems of its own, then the real systemd. init.sh ROOT;
# started by vm.sh in new network, mount, pid, uts, ipc and cgroup namespaces.
set -eu
root=$1

mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t bpf bpf "$root/sys/fs/bpf"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
# not the machine's /dev: journald would put its socket there
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
	IFS=: read -r name major minor <<< "$node"
	mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
hostname bgboot

cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=bgboot PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init

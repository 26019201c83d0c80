# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A little VM: a Debian in a directory with the real systemd as PID 1, in namespaces and a cgroup of
# its own, joined to an 'internet' namespace by one link. Sourced by run.sh.
#
# BOOT_DIR: everything of it, in /var/tmp. BOOT_BASE (if given): a Debian made before by boot_make.

boot_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
boot_me=$BASHPID
boot_cgroup=$(findmnt -nt cgroup2 -o TARGET | head -1)/bgboot-$$
boot_inet=bginet-$$ boot_host=bghost-$$ boot_vm='' boot_time=0
BOOT_DIR=/var/tmp/bgboot-$$
BOOT_ROOT=$BOOT_DIR/root

wait_for() { # WHAT SECONDS CMD...
	local what=$1 until=$((SECONDS + $2))
	shift 2
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $until ] || { echo "     waited in vain: $what" >&2; return 1; }
		sleep 0.1 # poll
	done
}

boot_packages() { # of Debian's own names; curl is there for its library
	echo systemd systemd-sysv dbus docker.io iptables iproute2 procps busybox-static \
		libbpf1 libyaml-0-2 libjansson4 libmnl0 curl | tr ' ' ,
}

boot_make() { # DIR: a fresh Debian of this machine's release, for which the binary was linked
	local suite
	# shellcheck disable=SC1091
	suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
	debootstrap --variant=minbase --include="$(boot_packages)" "$suite" "$1" \
		${BOOT_MIRROR:+"$BOOT_MIRROR"} > "$BOOT_DIR/debootstrap.log" 2>&1
}

boot_empty_cgroup() { # kill what is in it, then remove it from the leaves up
	local n=0
	[ -d "$boot_cgroup" ] || return 0
	while grep -q 'populated 1' "$boot_cgroup/cgroup.events" && [ $((n += 1)) -lt 100 ]; do
		echo 1 2> /dev/null > "$boot_cgroup/cgroup.kill" ||
			find "$boot_cgroup" -name cgroup.procs -exec sh -c 'kill -9 $(cat "$1")' _ {} \;
		sleep 0.1 # poll
	done
	find "$boot_cgroup" -depth -type d -exec rmdir {} + 2> /dev/null
}

boot_clean() {
	[ "$BASHPID" = "$boot_me" ] || return
	boot_empty_cgroup
	ip netns del "$boot_host" 2> /dev/null
	ip netns del "$boot_inet" 2> /dev/null
	rm -rf --one-file-system "$BOOT_DIR"
}

boot_up() { # power on; returns when systemd says that it is done
	ip netns del "$boot_host" 2> /dev/null
	ip netns del "$boot_inet" 2> /dev/null
	ip netns add "$boot_inet" && ip netns add "$boot_host" || return
	ip link add up0 netns "$boot_host" type veth peer name h0 netns "$boot_inet" || return
	ip -n "$boot_inet" link set lo up
	ip -n "$boot_inet" addr add 198.51.100.1/24 dev h0
	ip -n "$boot_inet" link set h0 up
	ip -n "$boot_host" link set lo up
	ip -n "$boot_host" addr add 198.51.100.10/24 dev up0
	ip -n "$boot_host" link set up0 up
	ip -n "$boot_host" route add default via 198.51.100.1
	ip netns exec "$boot_inet" iptables -A INPUT -p tcp --dport 4444
	ip netns exec "$boot_inet" iptables -A INPUT -p tcp --dport 4445
	mkdir -p "$boot_cgroup" || return
	# shellcheck disable=SC2034 # for the tests
	boot_time=$(date +%s.%6N)
	(
		echo $BASHPID > "$boot_cgroup/cgroup.procs"
		exec ip netns exec "$boot_host" unshare --mount --pid --fork --kill-child --uts \
			--ipc --cgroup "$boot_here/init.sh" "$BOOT_ROOT"
	) < /dev/null > "$BOOT_DIR/console.log" 2>&1 &
	boot_vm=$!
	disown "$boot_vm" # no word of the shell when it is killed
	wait_for "systemd" 30 boot_is_up || { tail -5 "$BOOT_DIR/console.log" >&2; return 1; }
	vm systemctl is-system-running --wait > /dev/null 2>&1
	return 0
}

boot_is_up() { # D-Bus answers
	vm systemctl is-system-running --wait 2>&1 | grep -qE '^(running|degraded)$'
}

vm() { # CMD...: in the little VM
	local init
	init=$(pgrep -P "$boot_vm" | head -1)
	[ -n "$init" ] || return 1
	(cd / && exec nsenter -t "$init" -m -p -n -u -i -C env -i HOME=/root TERM=dumb \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@")
}

boot_down() { # systemd's own power off, in the order of its units
	vm systemctl poweroff > /dev/null 2>&1
	wait_for "power off" 60 boot_is_off || return
	boot_vm=
	boot_empty_cgroup
}

boot_is_off() {
	! kill -0 "$boot_vm" 2> /dev/null
}

outside() { # PORT: packets to it that the internet has seen
	ip netns exec "$boot_inet" iptables -nvxL INPUT | awk -v p="dpt:$1" '$0 ~ p { print $1 }'
}

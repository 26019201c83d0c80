#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016 # what is quoted is for another shell
#
# Proves the laboratory itself: it can see a leak, two stand side by side, and nothing of it is left
# however it ends. Last line: `N passed, N failed, N skipped`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/each.sh
. "$here/each.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A lab that says where it is, then does what the test wants. $1: commands after `lab_up`.
script() {
	cat > "$work/script" <<- END
		set -u
		. "$here/lab.sh"
		lab_up
		lab_guard_cgroup "/bgcheck-\$\$"
		for place in internet vpn host; do
			stat -Lc %i /proc/\$(lab_pid \$place)/ns/{net,mnt}
		done > "\$1.ns"
		echo "\$LAB \$LAB_CG \$LAB_CGROOT\$LAB_GUARD_CGROUP" > "\$1"
		$1
	END
}

fail() {
	echo "     $*" >&2
	touch "$work/failed"
}

# Nothing is left of the lab that wrote FILE: state, cgroups, namespaces, mounts.
nothing_left() { # FILE
	local lab cgroup guard ns
	read -r lab cgroup guard < "$1" || return 1
	[ ! -e "$lab" ] && [ ! -e "$cgroup" ] && [ ! -e "$guard" ] || return 1
	! grep -qF "$lab" /proc/self/mounts || return 1
	while read -r ns; do
		! find /proc/[0-9]*/ns -lname "*\[$ns\]" 2> /dev/null | grep -q . || return 1
	done < "$1.ns"
}

# The watcher needs a second to notice, the engine's containers a moment to die.
soon_nothing_left() { # FILE
	local deadline=$((SECONDS + 30))
	until nothing_left "$1"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.1 # poll
	done
}

leak_is_seen() { # [GENERATION]
	script '
		[[ $(lab_docker version -f "{{.Server.Version}}") = "${LAB_DOCKER_GENERATION:-}"* ]] ||
			lab_die "not the engine that was asked for"
		lab_vpn_up
		lab_capture_start one
		lab_app inside -- sleep infinity
		[ "$(lab_docker exec inside curl -s -m 5 "http://$LAB_WEB/")" = "src=$LAB_VPN_EXIT" ] ||
			lab_die "app does not leave through the tunnel"
		lab_capture_stop one || exit 1
		[ -z "$(lab_leaks one)" ] || lab_die "a leak without a leak: $(lab_leaks one)"
		[ -n "$(lab_packets one host "udp port $LAB_VPN_PORT")" ] || lab_die "no tunnel seen"
		lab_capture_start two
		[ "$(lab_docker run --rm lab-app curl -s -m 5 "http://$LAB_WEB/")" = "src=$LAB_HOST_ADDR" ] ||
			lab_die "bridge does not leave through the host"
		lab_capture_stop two || exit 1
		[ -n "$(lab_leaks two)" ] || lab_die "a leak was not seen"
		lab_docker exec gateway kill -9 "$(lab_docker exec gateway pidof wireguard-go)"
		lab_wait "the tunnel again" 20 lab_tunnel_works || exit 1'
	LAB_DOCKER_GENERATION=${1:-} bash "$work/script" "$work/a" || fail "exit code $?"
	nothing_left "$work/a" || fail "something is left"
}

test_leak_is_seen() {
	leak_is_seen "${LAB_DOCKER_GENERATION:-}"
}

# The engines of other generations come from Debian's mirror, which may be out of reach.
generation() { # GENERATION
	if ! bash -uc 'LAB_DIR=$0; . "$0/engines.sh"; lab_engine_get "$1"' "$here" "$1" \
		2> "$work/said"; then
		echo "no engine of generation $1: $(tail -n 1 "$work/said")" > "$work/skipped"
		return
	fi
	leak_is_seen "$1"
}

test_generation_26() {
	generation 26
}

test_generation_28() {
	generation 28
}

test_two_at_once() {
	script 'lab_vpn_up; lab_app inside -- sleep infinity
		[ "$(lab_docker exec inside curl -s -m 5 "http://$LAB_WEB/")" = "src=$LAB_VPN_EXIT" ]'
	bash "$work/script" "$work/a" &
	LAB_NET_VPN=172.29.7 LAB_NET_INET=192.0.2 bash "$work/script" "$work/b" ||
		fail "second: exit code $?"
	wait $! || fail "first: exit code $?"
	nothing_left "$work/a" || fail "something is left of the first"
	nothing_left "$work/b" || fail "something is left of the second"
}

test_killed() {
	script 'lab_vpn_up; lab_app inside -- sleep infinity; kill -9 $$'
	{ bash "$work/script" "$work/a"; } 2> /dev/null && fail "not killed"
	soon_nothing_left "$work/a" || fail "something is left"
}

test_terminated() {
	script 'lab_app inside -- sleep infinity; kill -TERM $$'
	bash "$work/script" "$work/a" > /dev/null 2>&1
	[ $? = 143 ] || fail "exit code is not 143"
	nothing_left "$work/a" || fail "something is left"
}

test_fails_early() {
	mkdir -p "$work/bin" "$work/tmp"
	printf '#!/bin/sh\nexit 1\n' > "$work/bin/wireguard-go"
	chmod +x "$work/bin/wireguard-go"
	script :
	TMPDIR=$work/tmp PATH=$work/bin:$PATH bash "$work/script" "$work/a" 2> /dev/null &&
		fail "a lab without a VPN server was said to be up"
	[ ! -e "$work/a" ] || fail "went on after a failure"
	[ -z "$(ls "$work/tmp")" ] || fail "something is left"
}

# The reaper kills what is in the guard's cgroup: it must never be one that others use.
test_foreign_cgroup_refused() {
	local root own pid
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	own=bgcheck-own.$$
	mkdir "$root/$own"
	sh -c "echo \$\$ > '$root/$own/cgroup.procs'; exec tail -f /dev/null" &
	pid=$!
	script "grep -q '^populated 1' '$root/$own/cgroup.events' || exit 9
		lab_guard_cgroup /$own"
	bash "$work/script" "$work/a" 2> "$work/said"
	[ $? = 1 ] || fail "accepted"
	grep -q 'has processes already' "$work/said" || fail "said: $(cat "$work/said")"
	kill "$pid" || fail "the process in it was killed"
	wait "$pid" 2> /dev/null
	rmdir "$root/$own"
	nothing_left "$work/a" || fail "something is left"
}

# shellcheck disable=SC2034 # for each_test
marks=$work
each_before() {
	rm -rf "$work"/[ab] "$work"/[ab].ns
}
each_test "$@"

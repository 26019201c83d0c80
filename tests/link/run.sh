#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The uplink guard and the link seal with real packets: run.sh [NAME...]   (BUILD, BPFGUARD)
#
#   app .10      peer .20     gw .2        other (app's second network)
#     |            |           | vpn0         |
#   ==a==========p===========g=== brvpn     ==o=== brother     in ns host, which routes
#                             gw up0 .2
#                              |
#                            =u====== brup 172.31.0.0/24 === host === inet (203.0.113.1, 198.51.100.7)
#
# What is sent carries a mark; `capture` sees what arrives at inet, gw, peer and other, which is
# behind the filters. A denial is proved twice: its counter moves, and the mark is not seen although
# a later allowed packet on the same way is; with the filters off the same packet is seen.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 2
BUILD=${BUILD:-build}
BPFGUARD=$(realpath -e "${BPFGUARD:-$BUILD/bpfguard}") || exit 1
frames=$(realpath -m "$BUILD")/link-tests/frames linkctl=$(realpath -m "$BUILD")/link-tests/linkctl
LIVE=$(realpath -m "$BUILD")/live
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
	echo "skip: needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
# shellcheck source=tests/live/build.sh
here=$PWD/tests/live . tests/live/build.sh

NS=bglink$$ W=$(mktemp -d "/tmp/bglink-$$.XXXXXX") || exit 1
export BPFGUARD_PINS=/sys/fs/bpf/bglink-$$ BPFGUARD_RUN=$W/run BPFGUARD_LOG=$W/log
export BPFGUARD_DOCKER=$W/no-docker.sock
CGROOT=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
CG=$CGROOT/bglink-$$
pids=() passed=0 failed=0 bad='' marks=0 mark=''

cleanup() {
	trap - EXIT
	local n
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null
	[ ! -d "$BPFGUARD_PINS" ] || "$BPFGUARD" unload --yes > /dev/null 2>&1
	for n in host app peer gw other inet; do
		[ ! -e "/run/netns/$NS-$n" ] || ip netns delete "$NS-$n"
	done
	[ ! -d "$CG" ] || rmdir "$CG"
	rm -rf "$W"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# shellcheck source=tests/link/lib.sh
. tests/link/lib.sh

# ---- the tests ----
test_frames() {
	"$frames" > "$W/frames" 2>&1 || fail "$(tail -n 3 "$W/frames")"
}

test_endpoint_passes() {
	allow inet udp gw 203.0.113.1 51820
	allow inet udp gw 2001:db8::1 51820
	allow inet udp gw 203.0.113.1 51820 size=4000 # fragments
	allow inet udp gw 203.0.113.1 51820 size=12000 gso=1200
}

test_uplink_elsewhere() { deny 27 inet udp gw 198.51.100.7 9; }
test_uplink_other_port() { deny 27 inet udp gw 203.0.113.1 53; }
test_uplink_ip6() { deny 27 inet udp gw 2001:db8::1 9; }
test_uplink_fragments() { deny 27 inet udp gw 198.51.100.7 9 size=4000; }
test_uplink_gso() { deny 27 inet udp gw 198.51.100.7 9 size=12000 gso=1200; }
test_uplink_on_link() {
	in_ns gw ping -c 1 -W 2 172.31.0.1 > /dev/null || fail "the host's side of the uplink"
	in_ns gw ip neigh flush dev up0
	in_ns gw ping -c 1 -W 2 fd31::1 > /dev/null || fail "by IPv6"
}

# To the endpoint itself: only that it was forwarded is wrong with it.
test_forwarded() { deny 22 inet udp app 203.0.113.1 51820; }
test_forwarded_ip6() { deny 22 inet udp app 2001:db8::1 51820; }
test_forwarded_masquerade() {
	in_ns gw iptables -t nat -A POSTROUTING -o up0 -j MASQUERADE
	deny 22 inet udp app 203.0.113.1 51820
	in_ns gw iptables -t nat -F
}

# The gateway's own filter is not there (a restart, an escape): the host's side holds.
test_bridge_alone() {
	unseal
	seal
	ctl detach 0 uplink "$GWNS" "$(index gw up0)" || fail detach
	new_mark
	local old
	old=$(ctl count 27)
	udp app 198.51.100.7 9
	udp gw 198.51.100.7 9
	await 3 counter_over 27 $((old + 1)) || fail "not counted"
	flush
	! seen inet || fail LEAK
	places attach
}

test_peers() {
	allow peer udp app 172.30.0.20 9
	allow gw udp app 172.30.0.2 9
	allow peer udp gw 172.30.0.20 9
	allow peer udp app fd30::20 9
	allow peer udp app 172.30.0.20 9 size=5000
	in_ns app ip neigh flush dev eth0
	in_ns app ping -c 1 -W 2 172.30.0.2 > /dev/null || fail "the gateway does not answer"
	in_ns app ping -c 1 -W 2 fd30::2 > /dev/null || fail "the gateway's IPv6 does not answer"
}

test_packet_socket() { deny 29 inet raw eth0 "$(mac host brvpn)" 198.51.100.7; }

neighbour() {
	in_ns app ip neigh replace 172.30.0.2 lladdr "$(mac host brvpn)" dev eth0
	udp app 198.51.100.7 9
	in_ns app ip neigh delete 172.30.0.2 dev eth0
}
test_forged_neighbour() { deny 29 inet neighbour; }

# The bridge's own filter is the second line: the port's is taken away.
test_seal_bridge_alone() {
	unseal
	seal
	ctl detach 0 seal_port - "$(index host va)" || fail detach
	local old
	old=$(ctl count 28)
	new_mark
	raw eth0 "$(mac host brvpn)" 198.51.100.7
	await 3 counter_over 28 "$old" || fail "not counted"
	flush
	! seen inet || fail LEAK
	places attach
}

test_other_network() { deny 31 other udp app 172.32.0.30 9; }

has_entry() {
	in_ns peer ip neigh show 172.30.0.2 dev eth0 | grep -q "$(mac app eth0)"
}

spoof() {
	in_ns app "$linkctl" arp eth0 "$(mac app eth0)" "$(mac peer eth0)" 2 172.30.0.2 172.30.0.20
}

test_arp_spoof() {
	local old
	unseal
	in_ns peer ping -c 1 -W 2 172.30.0.2 > /dev/null
	in_ns peer sysctl -qw net.ipv4.neigh.eth0.locktime=0
	spoof
	await 3 has_entry || fail "control: the spoofed answer is not believed"
	seal
	in_ns peer ip neigh flush dev eth0
	in_ns peer ping -c 1 -W 2 172.30.0.2 > /dev/null || fail "no way to the gateway"
	old=$(ctl count 30)
	spoof
	await 3 counter_over 30 "$old" || fail "not counted"
	flush
	! has_entry || fail "the spoofed answer is believed"
}

trailer() {
	in_ns app "$linkctl" arp eth0 "$(mac app eth0)" ff:ff:ff:ff:ff:ff 1 172.30.0.10 \
		172.30.0.2 "$mark"
}
test_arp_trailer() { deny 32 peer trailer; }

other_source() {
	in_ns app "$linkctl" send eth0 02:00:00:00:00:99 "$(mac peer eth0)" 172.30.0.10 \
		172.30.0.20 9 "$mark"
}
test_source_mac() { deny 30 peer other_source; }

# The kernel takes the tag out of the frame before a filter sees it: it stands beside.
tagged() {
	in_ns app "$linkctl" send eth0 "$(mac app eth0)" "$(mac peer eth0)" 172.30.0.10 \
		172.30.0.20 9 "$mark" 5
}
test_vlan() { deny 32 peer tagged; }

test_status() {
	unseal
	seal
	ctl places > "$W/places"
	grep -q '^vpn uplink 1/1 up0:' "$W/places" && grep -q '^vpn seal_port 4/4' "$W/places" &&
		grep -q '^enforced 1' "$W/places" || fail "$(< "$W/places")"
	in_ns host ip link add vt type veth peer name vt2
	ctl attach 0 seal_port - "$(index host vt)" || fail "attach"
	in_ns host ip link delete vt
	places attach
	ctl places | grep -q '^vpn seal_port 4/4' || fail "a device that went is remembered"
}

checked() { # 1 for each place
	[ "$(places check | sort -u)" = "$1" ]
}

test_attach_again() {
	local one two
	one=$(filters)
	places attach || fail "attach again"
	two=$(filters)
	[ "$one" = "$two" ] || fail "attaching again changed something: $two"
	checked 1 || fail "check says $(places check)"
}

test_qdisc_deleted() {
	local d
	for d in brvpn brup va vp vg vao; do
		in_ns host tc qdisc del dev $d clsact 2> /dev/null
	done
	in_ns gw tc qdisc del dev up0 clsact 2> /dev/null
	if [ -z "${BPFGUARD_NO_TCX:-}" ]; then
		checked 1 || fail "tcx does not survive"
	else
		checked 0 || fail "the check does not see that the filters went"
		! ctl places | grep -q '^enforced 1' || fail "status does not say so"
	fi
	places attach
	checked 1 || fail "not put right"
	flush
}

# A load that died between the pin and the device: another program is pinned than the one that runs.
test_other_program_pinned() {
	local at
	unseal
	seal
	at=$(index host va)
	mv "$BPFGUARD_PINS/tc/0-vpn/seal_bridge" "$BPFGUARD_PINS/tc/0-vpn/seal_port" || fail mv
	[ "$(ctl check 0 seal_port - "$at")" = 0 ] || fail "the check does not see it"
	ctl attach 0 seal_port - "$at" || fail attach
	[ "$(ctl check 0 seal_port - "$at")" = 1 ] || fail "not put right"
	unseal
	seal
}

test_other_namespace_and_back() {
	places detach || fail detach
	checked 0 || fail "still there"
	places attach
	checked 1 || fail "not back"
	! ctl attach 0 uplink "$GWNS" 4711 2> /dev/null || fail "a device that is not there"
}

# While programs and policy are swapped, nothing that is refused gets through.
test_reload() {
	local i n spoilt bytes
	bytes=$(bpftool -j map show pinned "$BPFGUARD_PINS/maps/bg_manifest" | jq .bytes_value)
	read -r -a spoilt <<< "$(printf "%0$((2 * bytes))d" 0 | sed 's/../& /g')" # struct bg_manifest
	unseal
	seal
	new_mark
	# nsenter itself and no function: the number must be the program's
	nsenter --net="/run/netns/$NS-app" -- "$LIVE/probe" -k "$mark" flood 203.0.113.1 51820 \
		1000000000 > /dev/null 2>&1 &
	local flood=$!
	pids+=("$flood")
	for i in 1 2 3 4 5 6; do
		policy enforce
		sed -i "s/172.30.0.0\/24/172.30.0.0\/24, 10.9.$i.0\/24/" "$W/policy.yaml"
		guard reload -p "$W/policy.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"
		# as of another build: all programs are loaded anew
		bpftool map update pinned "$BPFGUARD_PINS/maps/bg_manifest" key hex 00 00 00 00 \
			value hex "${spoilt[@]}" 2> /dev/null ||
			fail "cannot spoil the manifest"
		guard load -p "$W/policy.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"
		checked 1 || fail "not attached after a load"
	done
	kill "$flood" 2> /dev/null
	wait "$flood" 2> /dev/null
	n=$(ctl count 22)
	[ "$n" -gt 100 ] || fail "only $n packets tried"
	flush
	! seen inet || fail "LEAK while reloading"
	echo "   $n packets refused under 12 loads"
}

test_pause() {
	unseal
	seal
	ctl pause 0 60000
	allow inet udp gw 198.51.100.7 9
	allow inet udp app 198.51.100.7 9
	[ "$(ctl count 7)" -gt 0 ] || fail "a pause is not counted"
	ctl pause 0 0
	new_mark
	udp gw 198.51.100.7 9
	flush
	! seen inet || fail "LEAK: the pause does not end"
}

# A filter behind ours, which drops all and counts it as 28.
test_others_filter_runs() {
	local old
	in_ns host tc qdisc add dev vp clsact 2> /dev/null
	in_ns host tc filter add dev vp ingress prio 9 bpf da object-pinned \
		"$BPFGUARD_PINS/tc/0-vpn/seal_bridge" || fail "tc filter add"
	old=$(ctl count 28)
	new_mark
	udp peer 172.30.0.10 9
	await 3 counter_over 28 "$old" || fail "another's filter behind ours does not run"
	in_ns host tc filter del dev vp ingress prio 9
}

test_unload_leaves_nothing() {
	unseal
	[ ! -e "$BPFGUARD_PINS" ] || fail "pins stay: $(find "$BPFGUARD_PINS")"
	new_mark
	udp app 198.51.100.7 9
	await 3 seen inet || fail "something is still refused"
	seal
}

# A filter in a namespace that no path leads to any more refuses nothing after unload.
test_unreachable_is_released() {
	[ -n "${BPFGUARD_NO_TCX:-}" ] || return 0
	mkdir "$BPFGUARD_PINS/tc/0-vpn/filters/uplink-1-1"
	local id
	id=$(bpftool -j map show pinned "$BPFGUARD_PINS/maps/bg_pause" | jq .id)
	in_ns gw tc qdisc add dev lo clsact
	in_ns gw tc filter add dev lo egress bpf da object-pinned "$BPFGUARD_PINS/tc/0-vpn/uplink"
	unseal
	bpftool map lookup id "$id" key hex 00 00 00 00 | grep -q 'ff ff ff ff ff ff ff ff\|18446744073709551615' ||
		fail "not released: $(bpftool map lookup id "$id" key hex 00 00 00 00)"
	in_ns gw tc qdisc del dev lo clsact
	seal
	deny 27 inet udp gw 198.51.100.7 9
}

wanted=("$@")
run_one() { # NAME
	bad=''
	if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $1 "* ]]; then
		return
	fi
	[ -d "$BPFGUARD_PINS" ] || seal
	"test_$1"
	if [ -n "$bad" ]; then
		echo "FAIL $1${BPFGUARD_NO_TCX:+ (clsact)}: $bad"
		failed=$((failed + 1))
	else
		echo "ok $1${BPFGUARD_NO_TCX:+ (clsact)}"
		passed=$((passed + 1))
	fi
}

world || {
	echo "run.sh: cannot build the network" >&2
	exit 1
}
while read -r name; do
	run_one "$name"
done < <(sed -n 's/^test_\([a-z0-9_]*\)().*/\1/p' tests/link/run.sh)
[ ! -d "$BPFGUARD_PINS" ] || unseal
export BPFGUARD_NO_TCX=1
while read -r name; do
	[ "$name" = frames ] || run_one "$name"
done < <(sed -n 's/^test_\([a-z0-9_]*\)().*/\1/p' tests/link/run.sh)
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]

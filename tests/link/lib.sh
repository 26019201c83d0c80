# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of the link stand on: the places, the maps as a monitor writes them, and how a
# refusal is proved. Sourced by run.sh.

fail() {
	[ -n "$bad" ] || bad=$*
}

in_ns() { # NAME CMD...
	nsenter --net="/run/netns/$NS-$1" -- "${@:2}"
}

ctl() { # as the monitor: in the host's namespace
	in_ns host "$linkctl" "$@"
}

guard() {
	in_ns host "$BPFGUARD" "$@"
}

await() { # SECONDS CMD...
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -r -t 0.01 -u "$IDLE" || :
	done
}

index() { # NS DEVICE
	in_ns "$1" ip -o link show dev "$2" | cut -d : -f 1
}

mac() { # NS DEVICE
	in_ns "$1" ip -o link show dev "$2" | sed 's/.*ether \([^ ]*\).*/\1/'
}

wire() { # NS DEVICE HOST-DEVICE BRIDGE NUMBER
	in_ns host ip link add "$3" type veth peer name "$2" address "02:00:00:00:00:$5" \
		netns "$NS-$1"
	in_ns host ip link set "$3" master "$4" up
	in_ns "$1" ip link set "$2" up
}

world() {
	local n b
	mkdir -p "$W/run" "$W/log"
	mkfifo "$W/idle"
	exec {IDLE}<> "$W/idle"
	for n in host app peer gw other inet; do
		ip netns add "$NS-$n"
		in_ns "$n" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
			net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0
		in_ns "$n" ip link set lo up
	done
	for b in brvpn brup brother; do
		in_ns host ip link add $b type bridge mcast_snooping 0
		in_ns host ip link set $b up
	done
	wire app eth0 va brvpn 10
	wire peer eth0 vp brvpn 20
	wire gw vpn0 vg brvpn 02
	wire gw up0 vu brup 03
	wire app eth1 vao brother 11
	wire other eth0 vo brother 30
	in_ns host ip -batch - <<- END
		address add 172.30.0.1/24 dev brvpn
		address add 172.31.0.1/24 dev brup
		address add fd31::1/64 dev brup nodad
		link add vhi type veth peer name eth0 netns $NS-inet
		address add 203.0.113.254/24 dev vhi
		address add 2001:db8::fe/64 dev vhi nodad
		link set vhi up
	END
	in_ns inet ip -batch - <<- END
		address add 203.0.113.1/24 dev eth0
		address add 2001:db8::1/64 dev eth0 nodad
		link set eth0 up
		address add 198.51.100.7/32 dev lo
		route add default via 203.0.113.254
		route add default via 2001:db8::fe
	END
	in_ns host ip route add 198.51.100.0/24 via 203.0.113.1
	in_ns gw ip -batch - <<- END
		address add 172.30.0.2/24 dev vpn0
		address add fd30::2/64 dev vpn0 nodad
		address add 172.31.0.2/24 dev up0
		address add fd31::2/64 dev up0 nodad
		route add default via 172.31.0.1
		route add default via fd31::1
	END
	for n in "app 10" "peer 20"; do
		in_ns "${n% *}" ip -batch - <<- END
			address add 172.30.0.${n#* }/24 dev eth0
			address add fd30::${n#* }/64 dev eth0 nodad
			route add default via 172.30.0.2
			route add default via fd30::2
		END
	done
	in_ns app ip address add 172.32.0.10/24 dev eth1
	in_ns other ip address add 172.32.0.30/24 dev eth0
	for n in host gw; do
		in_ns $n sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
	: > "$W/seen"
	coproc CAP { exec "$LIVE/capture" "$W/seen" "inet=/run/netns/$NS-inet" \
		"gw=/run/netns/$NS-gw" "peer=/run/netns/$NS-peer" "other=/run/netns/$NS-other" 2>&1; }
	# shellcheck disable=SC2153
	pids+=("$CAP_PID")
	read -r -t 10 -u "${CAP[0]}" line && [ "$line" = ready ] || exit 1
}

policy() { # MODE
	cat > "$W/policy.yaml" <<- END
		version: 1
		guards:
		  - name: vpn
		    cgroup: ${CG#"$CGROOT"}
		    mode: $1
		    gateway: {address: [172.30.0.2, "fd30::2"], netns: /run/netns/$NS-gw}
		    local: [172.30.0.0/24, "fd30::/64"]
		    kill_switch: {lease: off}
	END
}

GWNS=/run/netns/$NS-gw
places() { # attach|check|detach: all of them
	ctl "$1" 0 uplink "$GWNS" "$(index gw up0)" && ctl "$1" 0 uplink_bridge - \
		"$(index host brup)" && ctl "$1" 0 seal_bridge - "$(index host brvpn)" &&
		for p in va vp vg vao; do
			ctl "$1" 0 seal_port - "$(index host $p)" || return 1
		done
}

maps() {
	local p
	ctl uplink 0 4,17,203.0.113.1,51820 4,6,203.0.113.1,7 6,17,2001:db8::1,51820 \
		172.31.0.0/24 fd31::/64
	ctl port "$(index host va)" 0 1 "$(mac app eth0)"
	ctl port "$(index host vp)" 0 1 "$(mac peer eth0)"
	ctl port "$(index host vg)" 0 3 "$(mac gw vpn0)"
	ctl port "$(index host vao)" 0 0 "$(mac app eth1)"
	for p in "app eth0" "peer eth0" "gw vpn0"; do
		# shellcheck disable=SC2086
		ctl mac 0 "$(mac $p)"
	done
}

seal() {
	policy enforce
	guard load -p "$W/policy.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"
	maps
	places attach || fail "cannot attach"
}

unseal() {
	guard unload --yes > /dev/null || fail "unload"
	await 5 no_filter || fail "filters stay: $(filters)"
}

filters() {
	local d
	for d in brvpn brup va vp vg vao; do
		in_ns host tc filter show dev $d ingress
	done
	in_ns gw tc filter show dev up0 egress
	in_ns host bpftool net show 2> /dev/null | grep bg_
	in_ns gw bpftool net show 2> /dev/null | grep bg_
}

no_filter() {
	[ -z "$(filters)" ]
}

seen() { # PLACE
	grep -q "^$1 .* $mark\$" "$W/seen"
}

new_mark() {
	mark=m$((++marks))p$$
}

counter_over() { # REASON OLD
	[ "$(ctl count "$1")" -gt "$2" ]
}

# ---- what is sent ----
udp() { # NS ADDRESS PORT WORDS...
	in_ns "$1" "$LIVE/probe" -k "$mark" udp "${@:2}" > /dev/null 2>&1
}

raw() { # DEVICE DST-MAC TO: an AF_PACKET frame of app
	in_ns app "$linkctl" send "$1" "$(mac app "$1")" "$2" 172.30.0.10 "$3" 9 "$mark"
}

# Packets behind those that must not be seen, on each of the ways.
flush() {
	local was=$mark
	new_mark
	udp gw 203.0.113.1 51820
	await 3 seen inet || fail "the endpoint is not reached"
	new_mark
	udp app 172.30.0.20 9
	await 3 seen peer || fail "the peer is not reached"
	mark=$was
}

deny() { # REASON PLACE CMD...: seen at PLACE without filters, with them counted and nowhere
	local old reason=$1 place=$2
	shift 2
	unseal
	new_mark
	"$@"
	await 3 seen "$place" || fail "control: $* is not seen at $place without the filters"
	seal
	flush
	new_mark
	old=$(ctl count "$reason")
	"$@"
	await 3 counter_over "$reason" "$old" || fail "$*: not counted as reason $reason"
	flush
	! seen "$place" || fail "LEAK: $*"
}

allow() { # PLACE CMD...
	new_mark
	"${@:2}"
	await 3 seen "$1" || fail "${*:2} is not seen at $1"
}

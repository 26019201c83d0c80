#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The smoke test, inside the virtual machine: does the guard load, hold, report and go on this
# kernel? Prints `ok NAME` or `FAIL NAME: why`, the sum, and what the verifier says (@v lines).
#
#    app (guarded)   this namespace (bpfguard load)
#    eth0 .10          up0 .5
#      |                |
#   ===+================+======+==============+===  br0 (in sw)   172.30.0.0/24  fd30::/64
#                              |              |
#                          gw .2 .3        rogue .1
#
# gw and rogue both answer for the internet (198.51.100.0/24, 8.8.8.8, 2001:db8::/32): a packet that
# gets to the rogue has leaked with success.
set -u
top=/bpfguard
LIVE=$top/build/live
bpfguard=$top/build/bpfguard
# shellcheck source=tests/vm/report.sh
. "$top/tests/vm/report.sh"
export BPFGUARD_PINS=/sys/fs/bpf/bg BPFGUARD_RUN=/tmp/run BPFGUARD_LOG=/tmp/log
CG=/sys/fs/cgroup/bgvm W=/tmp/vm
mkdir -p "$W" "$BPFGUARD_RUN" "$BPFGUARD_LOG"
T4=198.51.100.7 T6=2001:db8::7
out='' mark='' marks=0

in_ns() { # NAME CMD...
	nsenter --net="/run/netns/$1" -- "${@:2}"
}

wire() { # NAME HOST-NUMBER
	ip -batch - <<- END
		netns add $1
		link add $1 netns sw type veth peer name eth0 netns $1
		netns exec sw ip link set $1 master br0 up
	END
	in_ns "$1" ip -batch - <<- END
		link set lo up
		address add 172.30.0.$2/24 dev eth0
		address add fd30::$2/64 dev eth0 nodad
		link set eth0 up
	END
}

internet() { # NAME
	in_ns "$1" ip -batch - <<- END
		route add local 198.51.100.0/24 dev lo
		route add local 8.8.8.8 dev lo
		route add local 2001:db8::/32 dev lo
	END
	in_ns "$1" sysctl -qw net.ipv6.ip_nonlocal_bind=1
}

network() {
	ip netns add sw
	in_ns sw sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	in_ns sw ip link add br0 up type bridge mcast_snooping 0
	wire app 10
	wire gw 2
	wire rogue 1
	in_ns gw ip -batch - <<- END
		address add 172.30.0.3/24 dev eth0
		address add fd30::3/64 dev eth0 nodad
	END
	internet gw
	internet rogue
	ip -batch - <<- END
		link add up0 type veth peer name host netns sw
		netns exec sw ip link set host master br0 up
		address add 172.30.0.5/24 dev up0
		link set up0 up
		route add default via 172.30.0.2
	END
	route_via 2
}

route_via() { # HOST-NUMBER
	in_ns app ip route replace default via "172.30.0.$1"
	in_ns app ip -6 route replace default via "fd30::$1"
}

helper() { # CMD...: returns when it says that it is ready
	local fd line=''
	exec {fd}< <(exec "$@" 2>&1)
	read -r -t 20 -u "$fd" line
	[ "$line" = ready ] || fail "$1 does not start: $line"
}

# ---- a program inside, and what became of its packets ----
probe() { # COMM ARGS...: in app; PLACE= (empty) is this namespace
	mark=m$((++marks))
	out=$("$LIVE/probe" -c "$CG" ${PLACE+${PLACE:+-n "/run/netns/$PLACE"}} -N "$1" -k "$mark" \
		"${@:2}" 2>&1)
}

inside() {
	PLACE=app probe "$@"
}

in_host() {
	PLACE='' probe "$@"
}

get() { # KEY: its value in $out
	[[ " $out " =~ [[:space:]]$1=([^[:space:]]*) ]] && echo "${BASH_REMATCH[1]}"
}

result() { # KEY=VALUE...
	local want
	for want in "$@"; do
		[[ " $out " = *" $want "* ]] || fail "wanted $want, got: $out"
	done
}

# Lines of the capture that carry the last mark, or are a TCP packet to port $1.
seen() { # PLACE [PORT]
	grep -E "^$1 .* ($mark|(ipv4|ipv6) 6 .* ${2:-none} [^ ]+)\$" "$W/seen" > /dev/null
}

barriers_are() { # TOKEN
	[ "$(grep -c " barrier .* $1\$" "$W/seen")" -ge 2 ]
}

# Frames behind what was sent: when they are seen, so is what came before them.
barrier() { # [here]
	local token=b$((++marks))
	if [ "${1:-}" = here ]; then
		"$LIVE/probe" -k "$token" barrier up0
	else
		"$LIVE/probe" -n /run/netns/app -k "$token" barrier eth0
	fi
	eventually barriers_are "$token"
}

nothing_at() { # PLACE PORT [here]
	barrier "${3:-}"
	! seen "$1" "$2" || fail "LEAK: seen at $1"
}

# EHOSTUNREACH at once; on 5.10, which cannot do that, ETIMEDOUT after about a second.
connect_refused() {
	local ms
	ms=$(get ms)
	case $(uname -r) in
	5.*)
		result call=connect errno=ETIMEDOUT
		[ "$ms" -lt 2500 ] || fail "took $ms ms"
		;;
	*)
		result call=connect errno=EHOSTUNREACH
		[ "$ms" -lt 500 ] || fail "took $ms ms"
		;;
	esac
}

event() { # JQ-CONDITION...
	local expr=true c
	for c; do
		expr+=" and ($c)"
	done
	"$bpfguard" log --json > "$W/events" 2> "$W/log.err" || fail "log: $(< "$W/log.err")"
	jq -es "any(.[]; $expr)" "$W/events" > /dev/null ||
		fail "no event with $*: $(jq -c '[.reason,.hook,.comm,.next_hop]' "$W/events" | tr '\n' ' ')"
}

detached() {
	[[ "$(bpftool cgroup show "$CG")" != *bg_* ]]
}

cat > "$W/policy.yaml" << 'END'
version: 1
guards:
  - name: vpn
    cgroup: /bgvm
    gateway: {address: [172.30.0.2, "fd30::2"]}
    local: [172.30.0.0/24, "fd30::/64"]
    dns: {mode: gateway, server: [172.30.0.3, "fd30::3"]}
    kill_switch: {lease: off}
END

# ---- the checks ----
check load
"$bpfguard" load -p "$W/policy.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"

check status
"$bpfguard" status --json > "$W/status" || fail "status ends with $?"
passes jq -e '.status == "enforced"' "$W/status"
passes jq -e '[.guards[0].hooks[] | select(.attached)] | length == 11' "$W/status"

check network
network
: > "$W/seen"
helper "$LIVE/capture" "$W/seen" gw=/run/netns/gw rogue=/run/netns/rogue
helper "$LIVE/server" gw /run/netns/gw "$W/queries"
helper "$LIVE/server" rogue /run/netns/rogue "$W/queries"

for t in udp:$T4 udp:$T6 tcp:$T4 tcp:$T6; do
	[[ $t = *::* ]] && v=6 || v=4
	check "allowed_${t%%:*}$v"
	inside vm-allowed "${t%%:*}" "${t#*:}" 7 echo
	result errno=OK
	eventually seen gw
	nothing_at rogue none
done

check dns_captured
inside vm-dns dns 8.8.8.8 53 captured.example
result errno=OK from=8.8.8.8:53 answer=10.53.0.1
passes grep -q '^gw udp 172.30.0.3 captured.example' "$W/queries"

route_via 1
check refused_udp4
inside vm-udp4 udp $T4 9
result errno=EPERM
nothing_at rogue none
event '.reason == "next_hop"' '.hook == "egress"' '.comm == "vm-udp4"' \
	'.next_hop == "172.30.0.1"' ".dst == \"$T4\"" ".tgid == $(get pid)"

check refused_udp6
inside vm-udp6 udp $T6 9
result errno=EPERM
nothing_at rogue none
event '.reason == "next_hop"' '.comm == "vm-udp6"' '.next_hop == "fd30::1"'

for t in $T4 $T6; do
	[ $t = $T6 ] && v=6 || v=4
	check refused_tcp$v
	: > "$W/seen"
	inside vm-tcp$v tcp $t 7
	connect_refused
	nothing_at rogue 7
	event '.reason == "next_hop"' ".comm == \"vm-tcp$v\"" '.proto == "tcp"' '.dport == 7'
done

check dns_captured_on_a_wrong_route
inside vm-dns dns 8.8.8.8 53 wrong.example
result errno=OK answer=10.53.0.1
passes grep -q '^gw udp 172.30.0.3 wrong.example' "$W/queries"
! grep '^rogue ' "$W/queries" || fail "LEAK: the rogue was asked"

check host_namespace
in_host vm-host udp $T4 9
result errno=EPERM
nothing_at gw none here
event '.reason == "host_namespace"' '.comm == "vm-host"'

check raw_socket
inside vm-raw socket 2 3 1
result call=socket errno=EPERM
event '.reason == "raw_socket"' '.hook == "sock_create"' '.comm == "vm-raw"'

check counted
"$bpfguard" status --json > "$W/status" || fail "status ends with $?"
passes jq -e '.guards[0].denied | .next_hop >= 4 and .host_namespace >= 1 and .raw_socket >= 1' \
	"$W/status"

check unload
passes "$bpfguard" unload --yes
eventually detached
"$bpfguard" status > "$W/status"
[ $? = 2 ] || fail "status is not 2 after unload"

# Without the guard each of these must leak: that proves that the checks above see what they deny.
check control_udp4
inside vm-udp4 udp $T4 9
eventually seen rogue

check control_udp6
inside vm-udp6 udp $T6 9
eventually seen rogue

check control_tcp4
: > "$W/seen"
inside vm-tcp4 tcp $T4 7
result errno=OK
mark=none # the connection itself, without what it carried
eventually seen rogue 7

check control_dns
inside vm-dns dns 8.8.8.8 53 control.example
result answer=10.53.0.3
passes grep -q '^rogue udp 8.8.8.8 control.example' "$W/queries"

check control_host_namespace
in_host vm-host udp $T4 9
eventually seen gw

check control_raw_socket
inside vm-raw socket 2 3 1
result call=socket errno=OK

# shellcheck source=tests/vm/lsm.sh
. "$top/tests/vm/lsm.sh"

# shellcheck source=tests/vm/tunnel.sh
. "$top/tests/vm/tunnel.sh"

check verifier
for object in "$top"/build/*.bpf.o; do
	"$top/build/verify" "$object" >> "$W/verified" 2> "$W/refused" || {
		fail "the verifier refuses $object"
		tail -n 40 "$W/refused" | sed 's/^/    /'
	}
done
[ "$(wc -l < "$W/verified")" -ge 31 ] || fail "fewer than 31 programs"
sed 's/^/@v\t/' "$W/verified"
finish

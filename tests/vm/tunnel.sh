# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# The link's programs, the monitor and a tunnel of the kernel's own WireGuard; after the checks of
# job.sh, in the same machine, sourced by it.
#
#   wapp (guarded) 172.31.0.10     wgw eth1 .2, wg0 10.99.0.2, eth0 198.51.100.2     wsrv .99, wg0 .1
#         |                          |                          |                       |
#   ======+==== vpnbr (in whost) ====+                          +==== upbr (in whost) ==+
#
# The server answers for 203.0.113.80 in the tunnel and out of it.
WG=$W/wg
mkdir -p "$WG"

wired() { # NAME HOST-DEVICE DEVICE BRIDGE
	in_ns whost ip link add "$2" type veth peer name "$3" netns "$1"
	in_ns whost ip link set "$2" master "$4" up
}

tunnel_places() {
	local n
	for n in whost wgw wapp wsrv; do
		ip netns add $n
		in_ns $n ip link set lo up
	done
	in_ns whost sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	in_ns whost ip link add vpnbr up type bridge mcast_snooping 0
	in_ns whost ip link add upbr up type bridge mcast_snooping 0
	wired wgw upg eth0 upbr
	wired wgw vpg eth1 vpnbr
	wired wapp vpa eth0 vpnbr
	wired wsrv ups eth0 upbr
	in_ns wgw sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
	in_ns wgw ip -batch - <<- END
		address add 198.51.100.2/24 dev eth0
		address add 172.31.0.2/24 dev eth1
		link set eth0 up
		link set eth1 up
		route add default via 198.51.100.99 metric 100
	END
	in_ns wapp ip -batch - <<- END
		address add 172.31.0.10/24 dev eth0
		link set eth0 up
		route add default via 172.31.0.2
	END
	in_ns wsrv ip -batch - <<- END
		address add 198.51.100.99/24 dev eth0
		address add 203.0.113.80/32 dev lo
		link set eth0 up
		route add 172.31.0.0/24 via 198.51.100.2
	END
	mkdir -p /sys/fs/cgroup/bgwg
}

# 10.99.0.1 at the server, the endpoint is 198.51.100.99:51820
tunnel_server() {
	(umask 077 && wg genkey > "$WG/server" && wg genkey > "$WG/client")
	in_ns wsrv ip link add wg0 type wireguard || return
	in_ns wsrv wg set wg0 private-key "$WG/server" listen-port 51820 \
		peer "$(wg pubkey < "$WG/client")" allowed-ips 10.99.0.2/32,172.31.0.0/24
	in_ns wsrv ip -batch - <<- END
		address add 10.99.0.1/24 dev wg0
		link set wg0 up
		route replace 172.31.0.0/24 dev wg0
	END
}

tunnel_client() {
	in_ns wgw ip link add wg0 type wireguard || return
	in_ns wgw wg set wg0 private-key "$WG/client" peer "$(wg pubkey < "$WG/server")" \
		endpoint 198.51.100.99:51820 allowed-ips 0.0.0.0/0
	in_ns wgw ip -batch - <<- END
		address add 10.99.0.2/24 dev wg0
		link set wg0 up
		route add default dev wg0 metric 1
	END
}

export BPFGUARD_STATE=/tmp/state BPFGUARD_DOCKER=/tmp/no-docker.sock
guard() {
	in_ns whost "$bpfguard" "$@"
}

monitor_json() { # JQ-CONDITION
	jq -e "$1" "$BPFGUARD_RUN/monitor.json" > /dev/null 2>&1
}

state_is() {
	monitor_json ".guards[0].state == \"$1\""
}

denied_more() { # REASON THAN
	[ "$(denied "$1")" -gt "$2" ]
}

denied() { # REASON
	guard status --json | jq -r ".guards[0].denied.$1 // 0"
}

# One echo from the app's namespace: in the guard's cgroup, or past it.
guarded_echo() {
	"$LIVE/probe" -c /sys/fs/cgroup/bgwg -n /run/netns/wapp -k "$mark" udp 203.0.113.80 7 echo \
		> "$W/echo" 2>&1
	grep -q 'errno=OK' "$W/echo"
}

forwarded() {
	mark=m$((++marks))
	in_ns wapp "$LIVE/probe" -k "$mark" udp 203.0.113.80 9 > /dev/null 2>&1
}

seen_in_clear() {
	grep -q "^wsrv .* 17 172.31.0.10 203.0.113.80 .* $mark\$" "$W/seen-wg"
}

cat > "$W/wg.yaml" << 'END'
version: 1
guards:
  - name: vpn
    cgroup: /bgwg
    gateway: {address: [172.31.0.2], netns: /run/netns/wgw}
    local: [172.31.0.0/24]
    dns: {mode: strict}
    kill_switch:
      lease: 5s
      probe: {icmp: [203.0.113.80], every: 1s}
END

check link_places
tunnel_places
: > "$W/seen-wg"
helper "$LIVE/capture" "$W/seen-wg" wsrv=/run/netns/wsrv
forwarded
eventually seen_in_clear # nothing is loaded: the capture sees what must not be

check link_load
guard load -p "$W/wg.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"
in_ns whost "$bpfguard" monitor > "$W/monitor" 2>&1 &
for p in '"uplink" and .device == "eth0"' '"uplink_bridge" and .device == "upbr"' \
	'"seal_bridge" and .device == "vpnbr"' '"seal_port" and .device == "vpa"'; do
	eventually monitor_json "any(.guards[0].programs[]; .attached and .program == $p)"
done

check link_backend
case $(uname -r) in
5.* | 6.[0-5].*)
	in_ns wgw tc filter show dev eth0 egress | grep -q bg_uplink_out || fail "no clsact filter"
	;;
*)
	! in_ns wgw tc filter show dev eth0 egress | grep . || fail "a filter, where tcx is"
	find "$BPFGUARD_PINS/tc" -path '*/links/uplink-*' | grep -q . || fail "no link"
	;;
esac

check link_forwarded_refused
was=$(denied forwarded_uplink)
forwarded
eventually denied_more forwarded_uplink "$was"
! seen_in_clear || fail "LEAK: it reached the server in clear"

check wireguard_up
if ! modprobe wireguard; then
	fail "no wireguard module"
fi
state_is connecting || fail "not closed before there is a tunnel"
tunnel_server || fail "no device at the server"
helper "$LIVE/server" wsrv /run/netns/wsrv "$W/queries-wg"
tunnel_client || fail "no device in the gateway"
eventually state_is up

check wireguard_endpoint
eventually monitor_json '.guards[0].endpoints[0] |
	.endpoint == "198.51.100.99:51820/udp" and (.source | test("wireguard"))'
eventually monitor_json '.guards[0].tunnels[0].kind == "wireguard"'
[ "$(in_ns wgw wg show wg0 latest-handshakes | awk '{ print $2 }')" -gt 0 ] || fail "no handshake"

check wireguard_carries
mark=m$((++marks))
eventually guarded_echo
! seen_in_clear || fail "LEAK: in clear beside the tunnel"
was=$(denied uplink_elsewhere)
in_ns wgw "$LIVE/probe" -k none udp 198.51.100.99 51820 > /dev/null 2>&1
[ "$(denied uplink_elsewhere)" = "$was" ] || fail "the endpoint is refused"

check wireguard_elsewhere_refused
in_ns wgw ip route add 203.0.114.1 via 198.51.100.99
in_ns wgw "$LIVE/probe" -k none udp 203.0.114.1 51820 > /dev/null 2>&1
eventually denied_more uplink_elsewhere "$was"

# The machine sleeps for longer than the lease, and the monitor is held: what closes is the boot
# clock alone.
monotonic() { # seconds
	awk '/^now at/ { printf "%d\n", $3 / 1e9; exit }' /proc/timer_list
}

check suspended
eventually guarded_echo
monitor=$(jq .pid "$BPFGUARD_RUN/monitor.json")
kill -STOP "$monitor"
awake=$(monotonic) real=${EPOCHREALTIME%.*}
echo 0 > /sys/class/rtc/rtc0/wakealarm
echo +8 > /sys/class/rtc/rtc0/wakealarm
echo mem > /sys/power/state || fail "cannot suspend"
slept=$((${EPOCHREALTIME%.*} - real)) awake=$(($(monotonic) - awake))
((slept >= 6 && awake <= 3)) || fail "slept $slept s, of them awake $awake"
was=$(denied lease_expired)
mark=m$((++marks))
! guarded_echo || fail "open after the resume"
denied_more lease_expired "$was" || fail "not by the lease"
kill -CONT "$monitor"
eventually state_is up
eventually guarded_echo
grep -q '"what":"suspended"' "$BPFGUARD_LOG/audit.jsonl" || fail "the monitor did not notice"
grep '"why":"slept"' "$BPFGUARD_LOG/audit.jsonl" | grep -q '"open":false' || fail "not closed by it"

check wireguard_gone
was=$(denied forwarded_uplink)
in_ns wgw ip link del wg0
eventually state_is down
mark=m$((++marks))
! guarded_echo || fail "open without the tunnel"
forwarded
eventually denied_more forwarded_uplink "$was"
! seen_in_clear || fail "LEAK: in clear without the tunnel"

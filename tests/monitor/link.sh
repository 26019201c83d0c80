# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2317 # id, work and cgroups are the caller's; tests are called by name
#
# What the monitor hangs up: several uplinks, IPv6, the seal's ports and whose MAC is whose. What is
# sent here comes from the app's namespace but not out of the guard's cgroup, so that only the
# link's programs stand in its way; `links_open` proves before any load that each of it gets through.

programs() { # JQ-CONDITION: attached programs that meet it
	jq -e "[.guards[0].programs[] | select(.attached and ($1))] | length > 0" \
		"$work/run/monitor.json"
}

problem() { # TEXT
	jq -e --arg t "$1" '[.problems[]?, .guards[].problems[]?] | any(tostring | contains($t))' \
		"$work/run/monitor.json"
}

refused() { # REASON: how often
	bpfguard status --json | jq -r ".guards[0].denied.$1 // 0"
}

more_refused() { # REASON THAN
	[ "$(refused "$1")" -gt "$2" ]
}

in_capture() { # FILE EXPRESSION
	[ -n "$(tcpdump -n -r "$work/$1.pcap" "$2" 2> /dev/null | head -n 1)" ]
}

datagram() { # ADDRESS: out of the app's namespace, past the cgroup
	in_ns app bash -c "echo leak > /dev/udp/$1/9" 2> /dev/null
}

mac_of() { # PLACE DEVICE
	in_ns "$1" ip -o link show "$2" | sed 's/.*ether \([^ ]*\).*/\1/'
}

pings() { # PLACE ADDRESS
	in_ns "$1" ping -n -q -c 1 -W 1 "$2"
}

# "fd30::2 is at my MAC", to the peer: unsolicited, overriding (RFC 4861, 4.4).
forge_na() {
	in_ns app python3 - "$(mac_of app eth0)" "$(mac_of peer eth0)" <<- 'END'
		import socket, struct, sys
		own, to = (bytes.fromhex(m.replace(":", "")) for m in sys.argv[1:])
		src, dst, gw = (socket.inet_pton(socket.AF_INET6, a)
		                for a in ("fd30::10", "fd30::20", "fd30::2"))
		na = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + gw + b"\x02\x01" + own
		words = struct.unpack("!%dH" % ((40 + len(na)) // 2),
		                      src + dst + struct.pack("!II", len(na), 58) + na)
		total = sum(words)
		total = (total & 0xffff) + (total >> 16)
		total = (total & 0xffff) + (total >> 16)
		na = na[:2] + struct.pack("!H", ~total & 0xffff) + na[4:]
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("eth0", 0))
		s.send(to + own + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(na), 58, 255) +
		       src + dst + na)
	END
}

peer_has_gateway_at() { # MAC
	in_ns peer ip neighbour show fd30::2 | grep -q "lladdr $1"
}

peer_asks() {
	in_ns peer ip neighbour flush dev eth0
	pings peer fd30::2 > /dev/null && peer_has_gateway_at "$(mac_of gateway eth1)"
}

# Nothing is loaded: each of these gets through.
links_open() {
	datagram fd80::80
	wait_for 3 in_capture uplink 'ip6 and host fd80::80' || die "IPv6 is not forwarded in clear"
	pings app 172.50.0.20 > /dev/null || die "the other network does not work"
	peer_asks || die "the peer does not find the gateway by IPv6"
	forge_na
	wait_for 3 peer_has_gateway_at "$(mac_of app eth0)" || die "a forged advertisement is not taken"
}

second_uplink() {
	in_ns host ip -batch - <<- END
		link add upbr2 type bridge
		link set upbr2 up
		link add upg2 type veth peer name eth2 netns $id-gateway
		link add ups2 type veth peer name eth2 netns $id-server
		link set upg2 master upbr2 up
		link set ups2 master upbr2 up
	END
	in_ns server ip address add 198.51.101.99/24 dev eth2
	in_ns server ip link set eth2 up
	in_ns gateway ip -batch - <<- END
		address add 198.51.101.2/24 dev eth2
		link set eth2 up
		route add default via 198.51.101.99 metric 200
	END
}

records() {
	find "/sys/fs/bpf/$id/tc" -path '*/links/*' -type f | wc -l
}

records_fit() {
	[ "$(records)" = \
		"$(jq '[.guards[0].programs[] | select(.attached)] | length' "$work/run/monitor.json")" ]
}

# An uplink comes while the guard is open; the way out moves to it; it goes.
test_b_1_second_uplink() {
	local lines was
	policy "$work/auto.yaml" ''
	bpfguard reload -p "$work/auto.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
	fresh
	in_ns gateway ip route add 192.0.2.99 via 198.51.100.99
	followed_to 192.0.2.99
	wait_for 5 state_is up || fail "state $(state)"
	lines=$(wc -l < "$work/sender.log")
	second_uplink
	wait_for 3 programs '.program == "uplink" and .device == "eth2"' || fail "eth2 is not guarded"
	wait_for 3 programs '.program == "uplink_bridge" and .device == "upbr2"' ||
		fail "upbr2 is not guarded"
	programs '.program == "uplink" and .device == "eth0"' > /dev/null || fail "eth0 is not any more"
	spawn capture2 nsenter --net="/run/netns/$id-host" -- tcpdump -n -p -U --immediate-mode \
		-Z root -i upg2 -w "$work/uplink2.pcap"
	wait_for 5 grep -q 'listening on' "$work/capture2.log" || fail "no capture"
	in_ns gateway ip route replace 192.0.2.99 via 198.51.101.99
	in_ns gateway ip route del default via 198.51.100.99
	tunnel_to 192.0.2.99 # wireguard-go keeps the device and address that it sent from
	wait_for 5 in_capture uplink2 'udp and dst host 192.0.2.99 and dst port 51820' ||
		fail "the tunnel did not move"
	sleep 6 # time itself: longer than the lease
	state_is up || fail "state $(state) after the move"
	[ "$(wc -l < "$work/sender.log")" = "$lines" ] || fail "a gap: $(tail -n 2 "$work/sender.log")"
	# without the tunnel the gateway's only way out is the new uplink
	end tunnel KILL
	was=$(refused forwarded_uplink)
	datagram 203.0.113.81
	wait_for 2 more_refused forwarded_uplink "$was" || fail "not refused at the second uplink"
	end capture2 INT
	! in_capture uplink2 'host 203.0.113.80 or host 203.0.113.81' || fail "LEAK at the second uplink"
	# the first remains what it was, although no route leads there now
	programs '.program == "uplink" and .device == "eth0"' > /dev/null || fail "eth0 was let go"
	in_ns gateway ip route add default via 198.51.100.99 metric 100
	in_ns gateway ip route del 192.0.2.99
}

# The policy names one uplink, and there is another way out.
test_b_2_unguarded_uplink() {
	in_ns host ip link show upbr2 > /dev/null 2>&1 || second_uplink
	in_ns gateway ip link show tun0 > /dev/null 2>&1 || tunnel_up
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
	end monitor
	monitor_up
	wait_for 5 problem 'eth2 of the gateway has a way out' || fail "not said"
	wait_for 2 state_is connecting || fail "state $(state)"
	wait_for 6 sender_is closed || fail "open with an unguarded uplink"
	bpfguard status 2>&1 | grep -q 'eth2' || fail "status does not say it"
	in_ns gateway ip route del default via 198.51.101.99
	wait_for 5 state_is up || fail "state $(state) without it"
	in_ns gateway ip route add default via 198.51.101.99 metric 200
	wait_for 1 sender_is closed || fail "open with a new unguarded uplink"
	wait_for 2 trail_has '.what == "state" and .why == "unguarded" and (.missing | test("eth2"))' ||
		fail "the trail does not say it"
	in_ns host ip link del upg2
	in_ns host ip link del upbr2
	wait_for 8 state_is up || fail "state $(state) after it went"
	wait_for 3 records_fit || fail "records of devices that are gone: $(find "/sys/fs/bpf/$id/tc")"
}

# Behind a router: to its own network the uplink lets everything out.
test_b_3_ipv6_uplink() {
	local was
	fresh
	followed_to '[fd52::99]'
	# WireGuard asks again 5 s after what was refused while the endpoint was not known
	wait_for 8 in_capture uplink 'ip6 and src host fd52::99 and udp port 51820' ||
		fail "no answer by IPv6"
	wait_for 5 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "closed"
	was=$(wc -l < "$work/sender.log")
	sleep 6 # time itself: longer than the lease
	state_is up || fail "state $(state)"
	[ "$(wc -l < "$work/sender.log")" = "$was" ] || fail "a gap"
	was=$(refused forwarded_uplink)
	datagram fd80::80 # the tunnel has no IPv6: the gateway's route leads to its uplink
	wait_for 2 more_refused forwarded_uplink "$was" || fail "IPv6 was not refused at the uplink"
	tunnel_to 198.51.100.99
}

test_b_4_ipv6_seal() {
	local was
	fresh
	peer_asks || fail "neighbour discovery does not live"
	was=$(refused link_spoof)
	forge_na
	wait_for 2 more_refused link_spoof "$was" || fail "a forged advertisement was not refused"
	peer_has_gateway_at "$(mac_of gateway eth1)" || fail "the peer took it"
}

from_gateway() { # ADDRESS
	in_ns gateway bash -c "echo own > /dev/udp/$1/9" 2> /dev/null
}

# The gateway's own packets: to what the policy names for it, and nowhere else.
test_b_5_outbound() {
	local was
	fresh
	in_ns gateway ip route add 192.0.2.64/26 via 198.51.100.99
	was=$(refused uplink_elsewhere)
	from_gateway 192.0.2.98
	wait_for 2 more_refused uplink_elsewhere "$was" || fail "not refused before it is named"
	policy "$work/outbound.yaml" 'interface: eth0, bridge: upbr, outbound: [192.0.2.98/32]'
	bpfguard reload -p "$work/outbound.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
	wait_for 5 outbound_passes || fail "refused although it is named"
	was=$(refused uplink_elsewhere)
	from_gateway 192.0.2.97
	wait_for 2 more_refused uplink_elsewhere "$was" || fail "its neighbour is not refused"
	! in_capture uplink 'dst host 192.0.2.97' || fail "LEAK: its neighbour is reached"
	# forwarded, it is nobody's way out
	was=$(refused forwarded_uplink)
	datagram 192.0.2.98
	wait_for 2 more_refused forwarded_uplink "$was" || fail "forwarded"
	! in_capture uplink 'src net 172.30.0.0/24' || fail "LEAK: forwarded"
	in_ns gateway ip route del 192.0.2.64/26
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
}

outbound_passes() {
	from_gateway 192.0.2.98
	in_capture uplink 'src host 198.51.100.2 and dst host 192.0.2.98 and udp port 9'
}

test_b_5_other_network() {
	local was
	fresh
	wait_for 3 programs '.program == "seal_port" and .device == "voa"' || fail "not sealed"
	was=$(refused link_other_network)
	! pings app 172.50.0.20 > /dev/null || fail "the other network is open"
	more_refused link_other_network "$was" || fail "not counted"
	! programs '.program == "seal_port" and .device == "vop"' > /dev/null || fail "a stranger sealed"
}

# How long the gateway's new MAC is refused, for somebody who knows it at once.
test_b_6_gateway_mac() {
	local old lost
	fresh
	old=$(mac_of gateway eth1)
	spawn pings nsenter --net="/run/netns/$id-app" -- ping -n -i 0.01 -c 200 172.30.0.2
	wait_for 3 grep -q 'icmp_seq=20 ' "$work/pings.log" || fail "no answers"
	in_ns gateway ip link set eth1 address 02:00:5e:10:00:77
	in_ns app ip neighbour replace 172.30.0.2 lladdr 02:00:5e:10:00:77 dev eth0
	wait_for 10 grep -q 'packets transmitted' "$work/pings.log" || fail "ping does not end"
	end pings
	lost=$((200 - $(grep -c 'bytes from' "$work/pings.log")))
	echo "     $lost of 200 packets lost, 10 ms apart"
	[ $lost -lt 50 ] || fail "not learnt for half a second"
	in_ns app ip neighbour del 172.30.0.2 dev eth0
	in_ns app ip neighbour flush dev eth0
	wait_for 3 pings app 172.30.0.2 || fail "the gateway's new MAC was not learnt"
	in_ns gateway ip link set eth1 address "$old"
	in_ns app ip neighbour flush dev eth0
	wait_for 3 pings app 172.30.0.2 || fail "nor the old one again"
	wait_for 5 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "closed"
}

# A container that took the gateway's MAC while no monitor looked.
test_b_7_mac_taken() {
	local was lines
	fresh
	end monitor
	ip netns add "$id-evil"
	in_ns host ip -batch - <<- END
		link add vpe type veth peer name eth0 address $(mac_of gateway eth1) netns $id-evil
		link set vpe master vpnbr up
	END
	in_ns evil ip address add 172.30.0.66/24 dev eth0
	in_ns evil ip link set eth0 up
	(echo "$BASHPID" > "$cgroups/$id/cgroup.procs" &&
		exec nsenter --net="/run/netns/$id-evil" -- tcpdump -n -p -U --immediate-mode -Z root \
			-i eth0 -w "$work/evil.pcap" 'udp and dst host 203.0.113.80') \
		> "$work/evil.log" 2>&1 < /dev/null &
	echo $! > "$work/evil.pid"
	disown
	wait_for 5 grep -q 'listening on' "$work/evil.log" || fail "no capture"
	pings evil 172.30.0.20 > /dev/null
	monitor_up
	wait_for 5 problem 'vpe: its container has the MAC' || fail "not said"
	trail_has '.what == "mac_taken" and .device == "vpe"' || fail "not in the trail"
	wait_for 3 programs '.program == "seal_port" and .device == "vpe"' || fail "not sealed"
	wait_for 5 state_is up || fail "state $(state)"
	pings app 172.30.0.2 > /dev/null || fail "the gateway cannot be reached"
	was=$(refused link_spoof)
	lines=$(evil_saw)
	! pings evil 172.30.0.20 > /dev/null || fail "it gets through"
	more_refused link_spoof "$was" || fail "not refused as a spoof"
	wait_for 3 sender_is open || fail "the sender is closed"
	sleep 0.5 # time itself: 500 packets of the sender
	[ "$(evil_saw)" = "$lines" ] || fail "it got $(($(evil_saw) - lines)) packets of another's"
	end evil
	in_ns host ip link del vpe
	ip netns del "$id-evil"
	pings app 172.30.0.2 > /dev/null || fail "its end took the gateway's MAC away"
	wait_for 5 problem_gone 'vpe' || fail "still said"
}

# ... and one that takes it under the monitor's eyes, while its end is not up yet; and gives it back.
test_b_7_mac_taken_later() {
	local was
	fresh
	ip netns add "$id-evil"
	in_ns host ip -batch - <<- END
		link add vpe type veth peer name eth0 address 02:00:5e:10:00:66 netns $id-evil
		link set vpe master vpnbr up
	END
	wait_for 3 programs '.program == "seal_port" and .device == "vpe" and .attached' ||
		fail "not sealed"
	in_ns evil ip address add 172.30.0.66/24 dev eth0
	in_ns evil ip link set eth0 address "$(mac_of gateway eth1)"
	in_ns evil ip link set eth0 up
	wait_for 5 problem 'vpe: its container has the MAC' || fail "not said"
	wait_for 2 not_flooded || fail "it is still flooded"
	was=$(refused link_spoof)
	! pings evil 172.30.0.20 > /dev/null || fail "it gets through"
	more_refused link_spoof "$was" || fail "not refused as a spoof"
	! in_ns host bridge fdb show brport vpe | grep -i "$(mac_of gateway eth1)" | grep -v permanent ||
		fail "the bridge believes it"
	in_ns evil ip link set eth0 down
	in_ns evil ip link set eth0 address 02:00:5e:10:00:66
	in_ns evil ip link set eth0 up
	wait_for 5 problem_gone 'vpe' || fail "still said"
	! not_flooded || fail "nothing is flooded to it any more"
	wait_for 3 pings evil 172.30.0.20 || fail "not let through with its own"
	in_ns host ip link del vpe
	ip netns del "$id-evil"
	pings app 172.30.0.2 > /dev/null || fail "the gateway cannot be reached"
}

not_flooded() {
	in_ns host bridge -d link show dev vpe | grep -q ' flood off '
}

evil_saw() {
	tcpdump -n -r "$work/evil.pcap" 2> /dev/null | wc -l
}

problem_gone() {
	! problem "$1"
}

# Exactly one echo's answer is lost, when nothing else comes out of the tunnel.
test_b_8_one_lost_probe() {
	local lines states
	fresh
	in_ns server iptables -A OUTPUT -o wgs -p tcp -j DROP
	in_ns server iptables -A OUTPUT -o wgs -p icmp --icmp-type destination-unreachable -j DROP
	wait_for 5 jq -e '.guards[0].proved_by == "probe icmp"' "$work/run/monitor.json" ||
		fail "proved by $(jq -r '.guards[0].proved_by' "$work/run/monitor.json")"
	wait_for 5 state_is up || fail "state $(state)"
	lines=$(wc -l < "$work/sender.log")
	states=$(grep -c '"what":"state"' "$work/log/audit.jsonl")
	# 20 bytes IPv4, 8 ICMP, 16 secret: a quota for one
	in_ns server iptables -I OUTPUT -o wgs -p icmp --icmp-type echo-reply -m quota --quota 44 -j DROP
	wait_for 3 one_dropped || fail "none was lost"
	sleep 3 # time itself: what silence could lead to
	one_dropped || fail "not exactly one was lost"
	[ "$(grep -c '"what":"state"' "$work/log/audit.jsonl")" = "$states" ] ||
		fail "a change of state: $(tail -n 1 "$work/log/audit.jsonl")"
	[ "$(wc -l < "$work/sender.log")" = "$lines" ] || fail "the guard flapped"
	in_ns server iptables -F OUTPUT
}

one_dropped() {
	[ "$(in_ns server iptables -nvxL OUTPUT 1 | awk '{ print $1 }')" = 1 ]
}

# The file of the policy in force is not what the kernel has: no lease is renewed by it.
test_b_9_policy_tampered() {
	local t
	fresh
	cp "$work/run/policy.yaml" "$work/kept.yaml"
	sed -i 's|203.0.113.80|203.0.113.81|' "$work/run/policy.yaml"
	t=$(now_ms)
	kill -HUP "$(pid_of monitor)"
	wait_for 2 problem 'no lease is renewed: ' || fail "not said: $(tail -n 2 "$work/monitor.log")"
	problem 'it is not the policy that is in force' > /dev/null || fail "not why"
	denied_within "$t" 5100
	! bpfguard monitor -p "$work/kept.yaml" --once > /dev/null 2>&1 || fail "-p is still taken"
	cp "$work/kept.yaml" "$work/run/policy.yaml"
	wait_for 5 state_is up || fail "no recovery: $(state)"
	wait_for 3 sender_is open || fail "closed"
}

# A device goes while nobody looks: its record does not stay.
test_c_0_tidied() {
	local was
	fresh
	in_ns host ip link add vgone type veth peer name vgone2
	in_ns host ip link set vgone master vpnbr up
	wait_for 3 programs '.program == "seal_port" and .device == "vgone" and .attached' ||
		fail "not sealed"
	was=$(records)
	end monitor KILL
	in_ns host ip link del vgone
	[ "$(records)" = "$was" ] || fail "the record went by itself: this tests nothing"
	monitor_up
	wait_for 8 state_is up || fail "state $(state)"
	wait_for 3 records_fit || fail "records of devices that are gone: $(find "/sys/fs/bpf/$id/tc")"
}

# Somebody holds the loader's lock while a port appears: closed, said, and soon mended.
test_c_1_locked() {
	local holder
	fresh
	flock "$work/run/lock" sh -c 'echo held; exec sleep 30' > "$work/flock.log" & # time itself
	holder=$!
	wait_for 3 grep -q held "$work/flock.log" || fail "the lock is not held"
	in_ns host ip link add vlock type veth peer name vlock2
	in_ns host ip link set vlock master vpnbr up
	wait_for 4 problem 'seal_port on vlock' || fail "not said: $(bpfguard status 2>&1)"
	wait_for 2 sender_is closed || fail "open with a port that is not sealed"
	pkill -P "$holder"
	kill "$holder" 2> /dev/null
	wait_for 3 programs '.program == "seal_port" and .device == "vlock" and .attached' ||
		fail "not mended"
	wait_for 8 state_is up || fail "state $(state)"
	in_ns host ip link del vlock
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# What must go through: each case is seen at the gateway (or stays where it should) and nowhere else.

gets_through() { # PLACE ACTION: with an answer from the far end
	allow "$1" "$2"
	result errno=OK
}

test_allow_udp4() { gets_through gw 'probe udp $T4 7 echo'; result "reply=$T4"; }
test_allow_udp4_connected() { gets_through gw 'probe udp $T4 7 echo connect'; }
test_allow_udp6() { gets_through gw 'probe udp $T6 7 echo'; result "reply=$T6"; }
test_allow_udp4_mapped() { gets_through gw 'probe udp $T4 7 echo mapped connect'; }
test_allow_tcp4() { gets_through gw 'probe tcp $T4 7 echo'; }
test_allow_tcp6() { gets_through gw 'probe tcp $T6 7 echo'; }
test_allow_tcp4_mapped() { gets_through gw 'probe tcp $T4 7 echo mapped'; }
test_allow_ping4() { gets_through gw 'probe ping $T4 0 echo'; }
test_allow_ping6() { gets_through gw 'probe ping $T6 0 echo'; }
test_allow_local4() { gets_through peer 'probe udp 172.30.0.20 7 echo'; }
test_allow_local6() { gets_through peer 'probe udp fd30::20 7 echo'; }
test_allow_local4_tcp() { gets_through peer 'probe tcp 172.30.0.20 7 echo'; }
test_allow_local6_ping() { gets_through peer 'probe ping fd30::20 0 echo'; }

# An answer from oneself: ping needs no server.
test_allow_loopback() {
	local a
	for a in 127.0.0.1 127.9.9.9 ::1 172.30.0.10 fd30::10; do
		gets_through none "probe ping $a 0 echo"
	done
}

test_allow_large_udp4() { gets_through gw 'probe udp $T4 7 echo size=8000'; result bytes=8000; }
test_allow_large_udp6() { gets_through gw 'probe udp $T6 7 echo size=8000'; result bytes=8000; }
test_allow_gso() { gets_through gw 'probe udp $T4 7 echo gso=1000 size=8000'; result bytes=1000; }
test_allow_msg_more() { gets_through gw 'probe udp $T4 7 echo more size=3000'; result bytes=3000; }
test_allow_sendmmsg() { gets_through gw 'probe udp $T4 7 echo mmsg=8'; }
test_allow_sendfile() { gets_through gw 'probe tcp $T4 7 echo sendfile'; }
test_allow_splice() { gets_through gw 'probe tcp $T4 7 echo splice'; }
test_allow_fast_open() { gets_through gw 'probe tcp $T4 7 echo tfo'; }
test_allow_mptcp() { gets_through gw 'probe tcp $T4 8 echo mptcp'; }

test_allow_io_uring() {
	probe_has_uring || return
	gets_through gw 'probe tcp $T4 7 echo uring'
	gets_through gw 'probe udp $T4 7 echo uring'
}

probe_has_uring() {
	guard_off
	probe udp 127.0.0.1 7 uring
	[ "$(get errno)" = ENOSYS ] || [ "$(get errno)" = EPERM ] || return 0
	skip "no io_uring here"
	return 1
}

test_allow_nexthop_object() {
	in_ns app ip nexthop replace id 7 via 172.30.0.2 dev eth0
	in_ns app ip route replace 198.51.0.0/16 nhid 7
	gets_through gw 'probe udp $T4 7 echo'
	in_ns app ip nexthop replace id 6 via fd30::2 dev eth0
	in_ns app ip route replace 2001:db8::/32 nhid 6
	gets_through gw 'probe tcp $T6 7 echo'
	in_ns app ip nexthop flush > /dev/null 2>&1
}

test_allow_via_inet6() {
	in_ns app ip route replace 198.51.0.0/16 via inet6 fd30::2 dev eth0
	gets_through gw 'probe udp $T4 7 echo'
	gets_through gw 'probe tcp $T4 7 echo'
	in_ns app ip route delete 198.51.0.0/16 # ip route flush cannot (iproute2 6.1)
}

# A socket keeps its route between calls; the guard judges the one that the packet takes.
test_allow_then_route_replaced() {
	attempt on loop_open
	say socket inet dgram 0
	say connect "$T4" 7
	say echo
	result errno=OK "reply=$T4"
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	target on
	say send
	result errno=EPERM
	nothing_seen
	event reason=next_hop hook=egress next_hop=172.30.0.1 proto=udp
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
	say echo
	result errno=OK
	loop_close
	guard_off
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	target off
	probe udp "$T4" 7 connect
	await 2 seen_at rogue || fail "control: a connected socket does not follow the route"
}

# A smaller MTU on the way makes the kernel copy the route: the copy must be judged alike.
smaller_mtu() { # VICTIM TARGET
	outside gw toobig "$1" "$2" 1300 > "$W/toobig"
	await 2 has_mtu "$2" || fail "the kernel does not believe in the smaller MTU"
}

has_mtu() {
	[[ "$(in_ns app ip route get "$1")" = *" mtu 1300"* ]]
}

test_allow_path_mtu() {
	gets_through gw 'smaller_mtu 172.30.0.10 $T4; probe udp $T4 7 echo size=3000'
	gets_through gw 'smaller_mtu fd30::10 $T6; probe udp $T6 7 echo size=3000'
	gets_through gw 'probe tcp $T6 7 echo'
	gets_through peer 'smaller_mtu fd30::10 fd30::20; probe udp fd30::20 7 echo size=3000'
	gets_through peer 'smaller_mtu 172.30.0.10 172.30.0.20; probe udp 172.30.0.20 7 echo'
}

# Others connect to a listener inside: from the network, and from far through the gateway.
test_allow_inbound() {
	local from
	attempt on loop_open
	say listen 77
	result errno=OK
	for from in peer gw; do
		src=
		[ $from = peer ] || src=$T4
		out=$(outside $from tcp 172.30.0.10 77 ${src:+"src=$src"})
		result call=send errno=OK
	done
	loop_close
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# What must not go out: ordinary programs on a wrong route. Each is first seen to leak without guard.

via_rogue() {
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	in_ns app ip route replace 2001:db8::/32 via fd30::1
}

refused() { # PLACE ACTION EVENT-FIELD...: EPERM at once, by the packet hook
	deny "$1" "$2"
	result errno=EPERM
	faster 50
	event hook=egress "${@:3}"
}

no_connection() { # PLACE ACTION EVENT-FIELD...: connect fails at once
	deny "$1" "$2"
	result call=connect errno=EHOSTUNREACH
	faster 50
	event hook=sockops proto=tcp "${@:3}"
}

test_deny_udp4() {
	via_rogue
	refused rogue 'probe udp $T4 9' reason=next_hop dst='198.51.101.'"$number" dport=9 \
		proto=udp family=ipv4 next_hop=172.30.0.1 src=172.30.0.10 count=1 verdict=deny \
		cgroup="${CG#"$CGROOT"}"
}

test_deny_udp6() {
	via_rogue
	refused rogue 'probe udp $T6 9' reason=next_hop dst="2001:db8:101::$number" dport=9 \
		proto=udp family=ipv6 next_hop=fd30::1 src=fd30::10
}

test_deny_udp_ways() {
	local way
	via_rogue
	for way in connect mapped 'mapped connect' more size=8000 'gso=1000 size=4000' \
		'mmsg=4' 'sendfile connect' 'splice connect'; do
		refused rogue "probe udp \$T4 9 $way" reason=next_hop next_hop=172.30.0.1 \
			family=ipv4
	done
}

test_deny_io_uring() {
	probe_has_uring || return
	via_rogue
	refused rogue 'probe udp $T4 9 uring' reason=next_hop next_hop=172.30.0.1
	no_connection rogue 'probe tcp $T4 7 uring' reason=next_hop next_hop=172.30.0.1
}

test_deny_ping() {
	via_rogue
	refused rogue 'probe ping $T4 0' reason=next_hop next_hop=172.30.0.1 proto=icmp
	deny rogue 'probe ping $T6 0' # its sendto() does not report what the packet hook says
	event hook=egress reason=next_hop next_hop=fd30::1 proto=icmp family=ipv6
}

test_deny_tcp4() {
	via_rogue
	no_connection rogue 'probe tcp $T4 7' reason=next_hop next_hop=172.30.0.1 dport=7 \
		dst="198.51.101.$number" src=172.30.0.10
}

test_deny_tcp6() {
	via_rogue
	no_connection rogue 'probe tcp $T6 7' reason=next_hop next_hop=fd30::1 dport=7 \
		dst="2001:db8:101::$number" src=fd30::10
}

test_deny_tcp_ways() {
	local way
	via_rogue
	for way in mapped mptcp tfo sendfile nonblock; do
		deny rogue "probe tcp \$T4 7 $way"
		result errno=EHOSTUNREACH
		faster 50
		event hook=sockops reason=next_hop next_hop=172.30.0.1
	done
}

# An ordinary user: refusing needs no right of the one who is refused.
test_deny_ordinary_user() {
	uid=1000
	via_rogue
	refused rogue 'probe udp $T4 9' reason=next_hop next_hop=172.30.0.1 uid=1000
	no_connection rogue 'probe tcp $T4 7' reason=next_hop next_hop=172.30.0.1 uid=1000
	no_connection rogue 'probe tcp $T6 7' reason=next_hop next_hop=fd30::1 uid=1000
	refused rogue 'probe ping $T4 0' reason=next_hop proto=icmp uid=1000
	topo_routes
	allow gw 'probe tcp $T4 7 echo'
	result errno=OK
}

# The refusal must not stick to the socket.
test_deny_tcp_then_repaired() {
	via_rogue
	attempt on loop_open
	say socket inet stream 0
	say connect "$T4" 7
	result errno=EHOSTUNREACH
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
	say connect "$T4" 7
	result errno=OK
	say echo
	result errno=OK
	say bound eth0
	result errno=ENODEV
	say socket inet6 stream 0
	# what the program had bound it to is there again
	say device eth0
	result errno=OK
	say connect "$T6" 7
	result errno=EHOSTUNREACH
	in_ns app ip route replace 2001:db8::/32 via fd30::2
	say connect "$T6" 7
	result errno=OK
	say echo
	result errno=OK
	say bound eth0
	result errno=OK
	loop_close
	[ -z "$(seen rogue)" ] || fail "LEAK: $(seen rogue)"
}

test_deny_via_inet6() {
	in_ns app ip route replace 198.51.0.0/16 via inet6 fd30::1 dev eth0
	refused rogue 'probe udp $T4 9' reason=next_hop next_hop=fd30::1 family=ipv4
	no_connection rogue 'probe tcp $T4 7' reason=next_hop next_hop=fd30::1 family=ipv4
	in_ns app ip route delete 198.51.0.0/16
}

test_deny_nexthop_object() {
	in_ns app ip nexthop replace id 8 via 172.30.0.1 dev eth0
	in_ns app ip nexthop replace id 9 group 8
	in_ns app ip route replace 198.51.0.0/16 nhid 9
	refused rogue 'probe udp $T4 9' reason=next_hop next_hop=172.30.0.1
	in_ns app ip nexthop flush > /dev/null 2>&1
}

test_deny_on_link() {
	refused rogue 'probe udp 172.31.0.1 9' reason=local_not_listed dst=172.31.0.1 next_hop=
	refused rogue 'probe udp fd31::1 9' reason=local_not_listed dst=fd31::1 next_hop=
	in_ns app ip route replace 198.51.0.0/16 dev eth0
	in_ns app ip neighbour replace "198.51.100.$number" dev eth0 lladdr "$(topo_mac 1 0)"
	in_ns app ip neighbour replace "198.51.101.$number" dev eth0 lladdr "$(topo_mac 1 0)"
	refused rogue 'probe udp $T4 9' reason=local_not_listed next_hop=
}

# A program may choose another interface for itself, without any capability.
test_deny_second_interface() {
	local way
	in_ns app ip route add default via 172.31.0.1 metric 100
	in_ns app ip route add default via fd31::1 metric 4000
	for way in dev=eth1 ifindex=eth1 unicast=eth1 pktinfo=eth1; do
		refused rogue "probe udp \$T4 9 $way" reason=next_hop next_hop=172.31.0.1
		refused rogue "probe udp \$T6 9 $way" reason=next_hop next_hop=fd31::1
	done
	for way in dev=eth1 ifindex=eth1; do
		no_connection rogue "probe tcp \$T4 7 $way" reason=next_hop next_hop=172.31.0.1
	done
}

# SO_DONTROUTE sends to the link what the routing table would send to the gateway.
test_deny_dontroute() {
	in_ns app ip neighbour replace "198.51.100.$number" dev eth1 lladdr "$(topo_mac 1 1)"
	in_ns app ip neighbour replace "198.51.101.$number" dev eth1 lladdr "$(topo_mac 1 1)"
	in_ns app ip route replace 198.51.0.0/16 dev eth1 scope link
	refused rogue 'probe udp $T4 9 dontroute' reason=local_not_listed next_hop=
}

test_deny_redirect() {
	redirected() {
		outside gw redirect 172.30.0.2 172.30.0.10 "$T4" 172.30.0.1 > /dev/null
		await 2 accepted || fail "the redirect was not accepted"
		probe udp "$T4" 9
	}
	accepted() {
		[[ "$(in_ns app ip route get "$T4")" = *"via 172.30.0.1 "* ]]
	}
	refused rogue redirected reason=next_hop next_hop=172.30.0.1
}

test_deny_no_ipv6() {
	policy=nov6
	deny gw 'probe udp $T6 9'
	result errno=EPERM
	event reason=ipv6_no_gateway hook=sendmsg6 dst="2001:db8:101::$number" dport=9
	deny gw 'probe tcp $T6 7'
	result call=connect errno=EPERM
	event reason=ipv6_no_gateway hook=connect6 dst="2001:db8:101::$number" dport=7 proto=tcp
	deny gw 'probe ping $T6 0'
	event reason=ipv6_no_gateway hook=egress
	deny peer 'probe ping fd30::20 0'
	event reason=ipv6_no_gateway hook=egress dst=fd30::20
	allow gw 'probe udp $T4 7 echo'
	result errno=OK
	allow gw 'probe tcp $T4 7 echo mapped'
	result errno=OK
}

# The loader's own namespace has the gateway as its next hop here: only the namespace differs.
test_deny_host_namespace() {
	where=host
	deny gw 'probe udp $T4 9'
	result errno=EPERM
	event reason=host_namespace hook=sendmsg4 dst="198.51.101.$number" dport=9
	deny gw 'probe tcp $T4 7'
	result call=connect errno=EPERM
	event reason=host_namespace hook=connect4 dst="198.51.101.$number" proto=tcp
	deny peer 'probe ping 172.30.0.20 0'
	event reason=host_namespace hook=egress dst=172.30.0.20
}

test_deny_martian() {
	refused gw 'probe udp 169.254.7.7 9' reason=martian dst=169.254.7.7 next_hop=172.30.0.2
	in_ns app ip route replace 2001:db8::/32 via fd30::2
	in_ns app ip route add fe80:7::/64 via fd30::2 2> /dev/null &&
		refused gw 'probe udp fe80:7::7 9' reason=martian dst=fe80:7::7
	refused rogue 'probe udp 239.7.7.7 9 dev=eth1' reason=local_not_listed dst=239.7.7.7
}

# Everybody on the link is nobody's gateway.
test_deny_broadcast() {
	refused peer 'probe udp 255.255.255.255 9 dev=eth0 broadcast' reason=local_not_listed \
		dst=255.255.255.255 next_hop=
	deny peer 'probe udp ff02::1 9 dev=eth0'
	event hook=egress reason=local_not_listed dst=ff02::1
}

# 127/8 sent away: a route that a container can make in a namespace of its own.
test_deny_loopback_sent_away() {
	in_ns app sysctl -qw net.ipv4.conf.eth0.route_localnet=1
	in_ns app ip route delete local 127.0.0.0/8 table local
	in_ns app ip route add 127.9.0.0/16 via 172.30.0.2
	refused gw 'probe udp 127.9.9.9 9 src=172.30.0.10' reason=martian dst=127.9.9.9 \
		next_hop=172.30.0.2
	in_ns app ip route replace 127.9.0.0/16 via 172.30.0.1
	refused rogue 'probe udp 127.9.9.9 9 src=172.30.0.10' reason=next_hop next_hop=172.30.0.1
	in_ns app ip route delete 127.9.0.0/16
	in_ns app ip route add local 127.0.0.0/8 dev lo table local src 127.0.0.1
	in_ns app sysctl -qw net.ipv4.conf.eth0.route_localnet=0
}

# A listener inside: the answer to a stranger's SYN is a packet of the guard like any other.
test_deny_syn_ack() {
	via_rogue
	knock() {
		loop_open
		say listen 77
		result errno=OK
		# src: what the wrong way out believes to be its own
		outside rogue tcp 172.30.0.10 77 "src=$T4" > "$W/knock" &
		knock_pid=$!
		if [ "$phase" = on ]; then
			await 3 counter_is next_hop 1 || fail "the answer was not denied"
		else
			wait "$knock_pid"
		fi
		kill "$knock_pid" 2> /dev/null
		wait "$knock_pid" 2> /dev/null
		out=pid=$loop_pid
		loop_close
	}
	deny rogue knock
	event reason=next_hop hook=egress proto=tcp next_hop=172.30.0.1 sport=77
}

# A connection that began on the right way and whose route then changes.
test_deny_tcp_established() {
	turned() {
		in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
		loop_open
		say socket inet stream 0
		say connect "$T4" 7
		say echo
		result errno=OK
		in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
		say send
		if [ "$phase" = on ]; then
			await 4 counter_is next_hop 2 || fail "it is not sent again"
			out=pid=$loop_pid
			event reason=next_hop hook=egress proto=tcp next_hop=172.30.0.1
		else
			await 4 seen_at rogue
		fi
		[ "$phase" = off ] || [ -z "$(seen rogue)" ] || fail "LEAK: $(seen rogue | head -n 1)"
		loop_close
	}
	attempt off turned
	seen_at rogue || fail "control: an established connection does not follow the route"
	attempt on turned
	barrier
	[ -z "$(seen rogue)" ] || fail "LEAK: $(seen rogue | head -n 1)"
}

# The copy that the kernel makes of a route for a smaller MTU.
test_deny_path_mtu() {
	via_rogue
	refused rogue 'smaller_mtu 172.30.0.10 $T4; probe udp $T4 9' reason=next_hop \
		next_hop=172.30.0.1
	refused rogue 'smaller_mtu fd30::10 $T6; probe udp $T6 9' reason=next_hop next_hop=fd30::1
	no_connection rogue 'smaller_mtu fd30::10 $T6; probe tcp $T6 7' reason=next_hop
}

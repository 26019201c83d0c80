# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# Odd packets and odd sockets: options in the header, raw sockets, other protocols, other namespaces,
# tunnels.

test_odd_lsrr() {
	local way
	for way in lsrr lsrrcmsg; do
		deny gw "probe udp \$T4 9 $way=172.30.0.2"
		result errno=EPERM
		event reason=ip_options hook=egress
		# a hop that the policy calls local, behind which is everything
		deny rogue "probe udp \$T4 9 $way=172.30.0.1"
		result errno=EPERM
		event reason=ip_options hook=egress
	done
	deny rogue 'probe tcp $T4 7 tfo lsrr=172.30.0.1' # the mark is in the SYN
	result call=connect errno=EHOSTUNREACH
	event hook=sockops proto=tcp
}

test_odd_ipv6_headers() {
	local way
	for way in rthdr=fd30::1 rthdr=fd30::2; do
		deny "$([ $way = rthdr=fd30::1 ] && echo rogue || echo gw)" "probe udp \$T6 9 $way"
		result errno=EPERM
		event reason=ip_options hook=egress
	done
	for way in hop dst; do
		deny gw "probe udp \$T6 9 $way"
		result errno=EPERM
		event reason=ip_options hook=egress
	done
}

# FAMILY TYPE PROTOCOL in numbers; without the guard the kernel makes such a socket.
no_socket() { # FAMILY TYPE PROTOCOL REASON
	attempt off "probe socket $1 $2 $3"
	if [ "$(get errno)" != OK ]; then
		return 1
	fi
	attempt on "probe socket $1 $2 $3"
	result call=socket errno=EPERM
	event reason="$4" hook=sock_create cgroup="${cg#"$CGROOT"}"
}

test_odd_raw_socket() {
	local f p
	for f in 2 10; do
		for p in 1 6 17 58 253 255; do
			no_socket $f 3 $p raw_socket || fail "control: no raw socket without guard"
		done
	done
}

test_odd_udplite() {
	attempt off 'probe udplite $T4 9'
	[ "$(get errno)" = OK ] || skip "UDP-Lite is not in this kernel"
	[ -z "$skipped" ] || return
	deny gw 'probe udplite $T4 9'
	result call=socket errno=EPERM
	event reason=odd_protocol hook=sock_create proto=136
	no_socket 10 2 136 odd_protocol
}

test_odd_sctp() {
	no_socket 2 1 132 odd_protocol || skip "SCTP is not in this kernel"
}

test_odd_dccp() {
	no_socket 2 6 33 odd_protocol || skip "DCCP is not in this kernel"
}

# A raw socket from before the guard: its packets still belong to the guarded cgroup.
test_odd_raw_kept() {
	local control
	for control in off on; do
		guard_off
		target $control
		loop_open
		say socket inet raw 255
		result errno=OK
		[ $control = off ] || guard_on
		in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
		say rawsend "$T4" "$T4"
		[ $control = off ] || result errno=EPERM
		[ $control = off ] || event_of_old reason=next_hop next_hop=172.30.0.1
		# the header names a neighbour, the route is another's
		say rawsend "$T4" 172.30.0.20
		[ $control = off ] || result errno=EPERM
		# the header names somebody far, the route ends at a neighbour, who is not the gateway
		say rawsend 172.30.0.1 "$T4"
		[ $control = off ] || result errno=EPERM
		[ $control = off ] || event_of_old reason=next_hop next_hop=172.30.0.1 seq=3
		in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
		say rawsend "$T4" "$T4" 172.30.0.1
		[ $control = off ] || result errno=EPERM
		[ $control = off ] || event_of_old reason=ip_options
		say rawsend "$T4" "$T4" - 253
		[ $control = off ] || result errno=EPERM
		[ $control = off ] || event_of_old reason=odd_protocol
		barrier
		[ $control = on ] || [ "$(seen rogue | wc -l)" -ge 3 ] || fail "control: not seen"
		loop_close
	done
	nothing_seen
}

event_of_old() { # the socket is older than the guard: nobody knows who made it
	has_event hook=egress dst="$T4" cgroup="${CG#"$CGROOT"}" "$@" || fail "no event with $*"
}

# A namespace that the process makes for itself, wired to the same network by somebody outside.
forwards() { # PORT of the bridge
	[[ "$(in_ns sw bridge link show dev "$1")" = *state\ forwarding* ]]
}

test_odd_new_namespace() {
	fresh() {
		loop_open
		say unshare
		result errno=OK
		in_ns sw ip -batch - <<- END
			link add n$number$phase type veth peer name eth0 address 02:00:00:00:00:30 \
				netns $loop_pid
			link set n$number$phase master br0 up
		END
		in_fresh ip -batch - <<- END
			address add 172.30.0.48/24 dev eth0
			link set eth0 up
			neighbour replace 172.30.0.1 lladdr $(topo_mac 1 0) dev eth0
			route add default via 172.30.0.1
		END
		# the carrier reaches the bridge by a kernel thread of its own
		await 5 forwards "n$number$phase" || fail "the bridge does not forward"
		say socket inet dgram 0
		say send "$T4" 9
		loop_close
	}
	deny rogue fresh
	result errno=EPERM
	event reason=next_hop hook=egress next_hop=172.30.0.1 src=172.30.0.48
}

# One that is there already: setns() changes nothing.
test_odd_other_namespace() {
	where=peer
	in_ns peer ip route replace 198.51.0.0/16 via 172.30.0.1
	deny rogue 'probe udp $T4 9'
	result errno=EPERM
	event reason=next_hop hook=egress next_hop=172.30.0.1 src=172.30.0.20
	in_ns peer ip route delete 198.51.0.0/16
}

# Neighbour discovery of a fresh namespace: its kernel sockets belong to the guard, too.
fresh_ipv6() { # leaves the process in its namespace, whose device comes up
	loop_open
	say unshare
	result errno=OK
	in_ns sw ip -batch - <<- END
		link add f$number$phase type veth peer name eth0 address 02:00:00:00:00:31 netns $loop_pid
		link set f$number$phase master br0 up
	END
	in_fresh sysctl -qw \
		net.ipv6.conf.eth0.mldv1_unsolicited_report_interval=1
	in_fresh ip -batch - <<- END
		address add fd30::31/64 dev eth0
		link set eth0 up
	END
}

neighbour_seen() { # TYPE...: ICMPv6 of these types arrived at the peer from the new device
	local type
	for type in "$@"; do
		grep -q "^peer 02:00:00:00:00:31 ipv6 58 [^ ]* ff02:[^ ]* $type -" "$W/seen" ||
			return 1
	done
}

settled() { # address that went through duplicate detection
	! in_fresh ip -6 address show dev eth0 | grep -q tentative
}

test_odd_neighbour_discovery() {
	attempt on fresh_ipv6
	await 4 neighbour_seen 135 143 || fail "no neighbour solicitation or MLD report came"
	await 4 settled || fail "duplicate detection does not end"
	say socket inet6 dgram 0
	say echo fd30::20 7
	result errno=OK reply=fd30::20
	loop_close
	[ "$(counter neighbour vpn allowed)" -gt 0 ] || fail "neighbour discovery is not counted"
}

test_odd_neighbour_discovery_without_ipv6() {
	policy=nov6
	attempt off fresh_ipv6
	await 4 neighbour_seen 135 143 || fail "control: no neighbour solicitation without guard"
	loop_close
	attempt on fresh_ipv6
	await 4 settled || fail "duplicate detection does not end"
	await 4 counter_is ipv6_no_gateway 2 || fail "nothing was denied"
	barrier
	! grep 02:00:00:00:00:31 "$W/seen" || fail "LEAK: something left"
	loop_close
}

# Light-weight tunnels on the route: the packet hook sees what stands before the wrapping or after.
test_odd_seg6_route() {
	in_ns app ip -6 route add 2001:db8::/32 encap seg6 mode encap segs fd30::1 dev eth0 \
		2> /dev/null || skip "no SRv6 here"
	[ -z "$skipped" ] || return
	deny rogue 'probe udp $T6 9'
	result errno=EPERM
	# the hook runs on the wrapped packet, whose destination is the segment
	event hook=egress reason=ip_options dst=fd30::1
	in_ns app ip -6 route replace 2001:db8::/32 encap seg6 mode inline segs fd30::1 dev eth0
	deny rogue 'probe udp $T6 9'
	result errno=EPERM
	event hook=egress
	# without a header of its own: IPv6 in IPv6, to a neighbour
	in_ns app ip -6 route replace 2001:db8::/32 encap seg6 mode encap.red segs fd30::1 dev eth0 \
		2> /dev/null || return
	deny rogue 'probe udp $T6 9'
	result errno=EPERM
	event hook=egress reason=odd_protocol dst=fd30::1
}

tunnel() { # KIND ARGS...: a device of the container whose far end is the wrong way out
	in_ns app ip link add tun7 type "$@" 2> /dev/null || return 1
	in_ns app ip -batch - <<- END
		address add 172.29.0.10/24 dev tun7
		link set tun7 up
		route add 198.51.0.0/16 via 172.30.0.2 dev tun7 onlink
	END
	in_ns app ip neighbour replace 172.30.0.2 lladdr "$(topo_mac 2 0)" dev tun7 2> /dev/null
	return 0
}

tunnel_denied() { # KIND ARGS...: the gateway's address as next hop, inside of a tunnel
	if ! tunnel "$@"; then
		skip "$1 is not in this kernel"
		return
	fi
	deny rogue 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress
	in_ns app ip link delete tun7
}

test_odd_vxlan() {
	tunnel_denied vxlan id 7 remote 172.31.0.1 local 172.31.0.10 dev eth1 dstport 4789
}

test_odd_geneve() { tunnel_denied geneve id 7 remote 172.31.0.1; }
test_odd_gretap() { tunnel_denied gretap remote 172.31.0.1 local 172.31.0.10; }
test_odd_gre() { tunnel_denied gre remote 172.31.0.1 local 172.31.0.10; }
test_odd_ipip() { tunnel_denied ipip remote 172.31.0.1 local 172.31.0.10; }

test_odd_wireguard() {
	in_ns app ip link add tun7 type wireguard 2> /dev/null || skip "wireguard is not in this kernel"
	[ -z "$skipped" ] || return
	in_ns app ip link delete tun7
	tunnel wireguard
	attempt on 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress
	in_ns app ip link delete tun7
}

# A device that only user space reads: what a container would write to it leaves by another door.
test_odd_tun_device() {
	in_ns app ip tuntap add tun7 mode tun || skip "no tun device here"
	[ -z "$skipped" ] || return
	in_ns app ip -batch - <<- END
		link set tun7 up
		address add 172.29.0.10/24 dev tun7
		route add 198.51.0.0/16 via 172.30.0.2 dev tun7 onlink
	END
	attempt off 'probe udp $T4 9'
	result errno=OK
	attempt on 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress
	in_ns app ip link delete tun7
}

# The wrapping asked for by the route, on a tunnel device that asks for it.
test_odd_encap_route() {
	in_ns app ip link add tun7 type vxlan external dstport 4790 2> /dev/null ||
		skip "vxlan is not in this kernel"
	[ -z "$skipped" ] || return
	in_ns app ip -batch - <<- END
		link set tun7 up
		address add 172.29.0.10/24 dev tun7
		route add 198.51.0.0/16 encap ip id 7 dst 172.31.0.1 via 172.30.0.2 dev tun7 onlink
	END
	in_ns app ip neighbour replace 172.30.0.2 lladdr "$(topo_mac 2 0)" dev tun7
	deny rogue 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress
	in_ns app ip link delete tun7
}

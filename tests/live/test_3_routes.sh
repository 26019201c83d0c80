# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# Routes that hide something, and the mode where the way out is a device.

# What a route sends to loopback, and what wraps a local packet, is not what stays at home.
test_odd_loopback_route() {
	in_ns app ip route replace 198.51.0.0/16 dev lo
	attempt off 'probe udp $T4 9'
	result errno=OK
	attempt on 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress dst="198.51.101.$number"
}

test_odd_encap_local() {
	in_ns app ip route add local 198.51.0.0/16 dev lo encap ip id 7 dst 172.31.0.1 2> /dev/null ||
		skip "no light-weight tunnels here"
	[ -z "$skipped" ] || return
	attempt off 'probe udp $T4 9'
	result errno=OK
	attempt on 'probe udp $T4 9'
	result errno=EPERM
	event reason=encapsulation hook=egress
	in_ns app ip route delete local 198.51.0.0/16 dev lo table local
}

# TCP has no connection through a tunnel of the container's own, and knows it at once.
test_odd_tcp_tunnel() {
	in_ns app ip tuntap add tun7 mode tun || skip "no tun device here"
	[ -z "$skipped" ] || return
	in_ns app ip -batch - <<- END
		link set tun7 up
		address add 172.29.0.10/24 dev tun7
		route add 198.51.0.0/16 via 172.30.0.2 dev tun7 onlink
	END
	attempt on 'probe tcp $T4 7'
	result call=connect errno=EHOSTUNREACH
	faster 50
	event hook=sockops reason=encapsulation proto=tcp
	nothing_seen
	in_ns app ip link delete tun7
}

# ---- gateway.interface: here eth1 is the tunnel's device ----
test_tunnel_allowed() {
	policy=tunnel
	in_ns app ip route replace 198.51.0.0/16 via 172.31.0.1 dev eth1
	in_ns app ip route replace 2001:db8::/32 via fd31::1 dev eth1
	allow rogue 'probe udp $T4 7 echo'
	result errno=OK
	allow rogue 'probe tcp $T4 7 echo'
	result errno=OK
	allow rogue 'probe tcp $T6 7 echo'
	result errno=OK
}

# The same by another device, whose name differs in one letter.
test_tunnel_other_device() {
	policy=tunnel
	refused gw 'probe udp $T4 9' reason=next_hop next_hop=172.30.0.2
	no_connection gw 'probe tcp $T4 7' reason=next_hop next_hop=172.30.0.2
	refused gw 'probe udp $T6 9' reason=ipv6_no_gateway next_hop=fd30::2
}

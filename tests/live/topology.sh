# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# The network of the live tests, on the machine's own kernel. Each box is a network namespace called
# $NS-<name>; nothing of it reaches the machine's own network.
#
#    app (guarded)          host (bpfguard load)
#    eth0 .10    eth1 .10   eth0 .5
#      |           |          |
#   ===+===========|==========+=======+============+===  br0 (in sw)   172.30.0.0/24  fd30::/64
#                  |          |       |            |
#                  |       peer .20   gw .2 .3    rogue .1
#                  |                               | .1
#   ===============+===============================+===  br1 (in sw)   172.31.0.0/24  fd31::/64
#
# gw is the VPN gateway (.2) with its resolver (.3). rogue imitates the host's router: the way out
# that must never be used. Both believe that they own the whole "internet" (198.51.0.0/16, 8.8.8.8,
# 169.254.7.0/24, 2001:db8::/32) and answer there, so a packet that gets to the wrong one has leaked
# with success. IPv6 host numbers are the same (fd30::2). Neighbours are fixed, so that no packet
# waits for an answer: what is sent is seen at once or never.

TOPO_PLACES=(gw peer rogue)

in_ns() { # NAME CMD...: /sys stays as it is, unlike with ip netns exec
	nsenter --net="/run/netns/$NS-$1" -- "${@:2}"
}

topo_mac() { # HOST-NUMBER LINK-NUMBER
	printf '02:00:00:00:%02x:%02x' "$2" "$1"
}

topo_wire() { # NAME DEVICE BRIDGE HOST-NUMBER LINK-NUMBER
	in_ns sw ip -batch - <<- END
		link add $1-$2 type veth peer name $2 address $(topo_mac "$4" "$5") netns $NS-$1
		link set $1-$2 master $3 up
	END
	in_ns "$1" sysctl -qw "net.ipv6.conf.$2.router_solicitations=0" \
		"net.ipv6.conf.$2.mldv1_unsolicited_report_interval=1"
	in_ns "$1" ip -batch - <<- END
		address add 172.3$5.0.$4/24 dev $2
		address add fd3$5::$4/64 dev $2 nodad
		link set $2 up
	END
}

topo_neighbours() { # NAME DEVICE LINK-NUMBER
	local i
	for i in 1 2 3 5 10 20; do
		local number=$i
		[ "$i" != 3 ] || number=2 # the resolver's address is the gateway's second
		echo "neighbour replace 172.3$3.0.$i lladdr $(topo_mac $number "$3") dev $2"
		echo "neighbour replace fd3$3::$i lladdr $(topo_mac $number "$3") dev $2"
	done | in_ns "$1" ip -batch -
}

topo_internet() { # NAME
	in_ns "$1" ip -batch - <<- END
		route add local 198.51.0.0/16 dev lo
		route add local 8.8.8.8 dev lo
		route add local 169.254.7.0/24 dev lo
		route add local 2001:db8::/32 dev lo
	END
	in_ns "$1" sysctl -qw net.ipv6.ip_nonlocal_bind=1 net.ipv4.tcp_fastopen=515
}

topo_namespace() { # NAME
	ip netns add "$NS-$1"
	in_ns "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.accept_ra=0 "net.ipv4.ping_group_range=0 2147483647"
	in_ns "$1" ip link set lo up
}

topo_up() {
	local n
	for n in sw app gw peer rogue host; do
		topo_namespace "$n"
	done
	in_ns sw sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	in_ns sw ip -batch - <<- END
		link add br0 type bridge mcast_snooping 0 nf_call_iptables 0
		link add br1 type bridge mcast_snooping 0 nf_call_iptables 0
		link set br0 up
		link set br1 up
	END
	topo_wire app eth0 br0 10 0
	topo_wire app eth1 br1 10 1
	topo_wire host eth0 br0 5 0
	topo_wire peer eth0 br0 20 0
	topo_wire gw eth0 br0 2 0
	topo_wire rogue eth0 br0 1 0
	topo_wire rogue eth1 br1 1 1
	in_ns gw ip -batch - <<- END
		address add 172.30.0.3/24 dev eth0
		address add fd30::3/64 dev eth0 nodad
	END
	for n in app host peer gw rogue; do
		topo_neighbours "$n" eth0 0
	done
	topo_neighbours app eth1 1
	topo_neighbours rogue eth1 1
	topo_internet gw
	topo_internet rogue
	in_ns app sysctl -qw net.ipv4.tcp_fastopen=5 net.ipv4.conf.all.accept_redirects=1 \
		net.ipv4.conf.eth0.accept_redirects=1 net.ipv4.conf.all.secure_redirects=0 \
		net.ipv4.conf.eth0.secure_redirects=0 net.ipv4.conf.eth0.send_redirects=0
	in_ns gw sysctl -qw net.ipv4.conf.all.send_redirects=0
	topo_routes
	in_ns host ip route add default via 172.30.0.2
}

# The routes of app as a container has them; each test begins so.
topo_routes() {
	in_ns app ip -6 route flush table main
	in_ns app ip -batch - <<- END
		route flush table main
		route add 172.30.0.0/24 dev eth0 src 172.30.0.10
		route add 172.31.0.0/24 dev eth1 src 172.31.0.10
		route add default via 172.30.0.2
		route add fd30::/64 dev eth0
		route add fd31::/64 dev eth1
		route add default via fd30::2
	END
}

topo_down() { # PREFIX
	local n
	for n in /run/netns/"$1"-*; do
		[ ! -e "$n" ] || ip netns delete "${n##*/}"
	done
}

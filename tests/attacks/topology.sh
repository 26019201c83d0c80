# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# The network of the attacks. Each box is a network namespace $NS-<name>; nothing of it reaches the
# machine's own network. Sourced by run.sh and by the virtual machine's job; W is a directory.
#
#     app (guarded)        peer .20      gw .2 (no tunnel; forwards and masquerades all)
#     eth0 .10  eth1 .10     |           |eth1     |eth0 .2
#       |         |          |           |         |
#    ===+=========|==========+====+======+=== vpnbr (host .1)   172.30.0.0/24  fd30::/64
#                 |               |                |
#    =============+=====+========|===== othbr (host .1)   172.31.0.0/24  fd31::/64
#                      far .20    |                |
#                                 |    ============+===== upbr (host .1)     172.29.0.0/24  fd29::/64
#                              host, which runs bpfguard and forwards everything
#     sib .10 === sibbr (host .1)   172.28.0.0/24  fd28::/64
#                                 |wan0
#                              wan: 198.18.0.0/15, 2001:db8::/32, 203.0.113.0/24; captures
#
# Neighbours are fixed, so that nothing waits for an answer; for addresses that are nobody's the
# host answers (proxy ARP): the worst of hosts.

TOPO_PLACES=(host gw peer far sib wan)
# The group of app's devices on the host. Gone by one word, also those of an earlier batch, whose
# namespace may outlive its processes: a TCP connection that nobody answers keeps it.
TOPO_APP=30010

in_ns() { # NAME CMD...: /sys stays as it is, unlike with ip netns exec
	nsenter --net="/run/netns/$NS-$1" -- "${@:2}"
}

topo_mac() { # NETWORK HOST-NUMBER
	printf '02:00:00:00:%02x:%02x' "$1" "$2"
}

topo_addresses() { # DEVICE NETWORK HOST-NUMBER
	echo "address add 172.$2.0.$3/24 dev $1"
	echo "address add fd$2::$3/64 dev $1 nodad"
	echo "link set $1 up"
}

topo_neighbours() { # DEVICE NETWORK HOST-NUMBER...
	local d=$1 n=$2 i
	shift 2
	for i; do
		echo "neighbour replace 172.$n.0.$i lladdr $(topo_mac "$n" "$i") dev $d"
		echo "neighbour replace fd$n::$i lladdr $(topo_mac "$n" "$i") dev $d"
	done
}

topo_wire() { # NAME DEVICE HOST-DEVICE BRIDGE NETWORK HOST-NUMBER
	in_ns host ip -batch - <<- END
		link add $3 type veth peer name $2 address $(topo_mac "$5" "$6") netns $NS-$1
		link set $3 master $4 up
	END
	topo_addresses "$2" "$5" "$6" | in_ns "$1" ip -batch -
}

topo_bridge() { # NAME NETWORK
	echo "link add $1 address $(topo_mac "$2" 1) type bridge mcast_snooping 0"
	topo_addresses "$1" "$2" 1
}

# What app is made of, again and again: `attack batch` reads these files (fresh.c).
topo_app() {
	cat > "$W/app.sysctl" <<- END
		ipv4/conf/all/rp_filter=0
		ipv4/conf/default/rp_filter=0
		ipv6/conf/default/accept_ra=0
		ipv6/conf/default/accept_dad=0
		ipv6/conf/default/router_solicitations=0
		ipv4/ping_group_range=0 2147483647
		ipv4/tcp_fastopen=5
		ipv4/tcp_fastopen=5
		ipv4/conf/all/accept_redirects=1
		ipv4/conf/all/secure_redirects=0
		ipv4/conf/default/igmpv3_unsolicited_report_interval=1
		ipv6/conf/default/mldv2_unsolicited_report_interval=1
	END
	cat > "$W/host.batch" <<- END
		link del group $TOPO_APP
		link add va@NEW@ up group $TOPO_APP master vpnbr type veth peer name eth0 address $(topo_mac 30 10) netns @PID@
		link add vo@NEW@ up group $TOPO_APP master othbr type veth peer name eth1 address $(topo_mac 31 10) netns @PID@
	END
	{
		echo "link set lo up"
		topo_addresses eth0 30 10
		topo_addresses eth1 31 10
		topo_neighbours eth0 30 1 2 20
		topo_neighbours eth1 31 1 20
		echo "route add default via 172.30.0.1"
		echo "route add default via fd30::1"
	} > "$W/app.batch"
	printf 'route replace default via %s\n' 172.30.0.1 fd30::1 > "$W/route.rogue"
	printf 'route replace default via %s\n' 172.30.0.2 fd30::2 > "$W/route.gateway"
}

topo_host() {
	{
		topo_bridge vpnbr 30
		topo_bridge othbr 31
		topo_bridge upbr 29
		topo_bridge sibbr 28
	} | in_ns host ip -batch -
}

topo_wan() {
	in_ns host ip -batch - <<- END
		link add wan0 address 02:00:00:00:00:01 type veth peer name eth0 address 02:00:00:00:00:02 netns $NS-wan
		address add 192.0.2.1/24 dev wan0
		address add fd40::1/64 dev wan0 nodad
		link set wan0 up
		neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev wan0
		neighbour replace fd40::2 lladdr 02:00:00:00:00:02 dev wan0
		route add default via 192.0.2.2
		route add default via fd40::2
	END
	in_ns wan ip -batch - <<- END
		address add 192.0.2.2/24 dev eth0
		address add fd40::2/64 dev eth0 nodad
		link set eth0 up
		neighbour replace 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0
		neighbour replace fd40::1 lladdr 02:00:00:00:00:01 dev eth0
		route add 172.16.0.0/12 via 192.0.2.1
		route add fd00::/8 via fd40::1
		route add local 198.18.0.0/15 dev lo
		route add local 203.0.113.0/24 dev lo
		route add local 2001:db8::/32 dev lo
	END
	in_ns wan sysctl -qw net.ipv6.ip_nonlocal_bind=1 net.ipv4.tcp_fastopen=515
}

topo_up() {
	local n
	for n in "${TOPO_PLACES[@]}"; do
		ip netns add "$NS-$n" || return 1
		in_ns "$n" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
			net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0
		in_ns "$n" ip link set lo up
	done
	topo_host
	topo_wan
	topo_wire gw eth0 vu upbr 29 2
	topo_wire gw eth1 vg vpnbr 30 2
	topo_wire peer eth0 vp vpnbr 30 20
	topo_wire far eth0 vfar othbr 31 20
	topo_wire sib eth0 vsib sibbr 28 10
	{
		topo_neighbours vpnbr 30 2 10 20
		topo_neighbours othbr 31 10 20
		topo_neighbours upbr 29 2
		topo_neighbours sibbr 28 10
	} | in_ns host ip -batch -
	{
		topo_neighbours eth0 29 1
		topo_neighbours eth1 30 1 10 20
		echo "route add default via 172.29.0.1"
		echo "route add default via fd29::1"
	} | in_ns gw ip -batch -
	topo_neighbours eth0 30 1 2 10 | in_ns peer ip -batch -
	topo_neighbours eth0 31 1 10 | in_ns far ip -batch -
	{
		topo_neighbours eth0 28 1
		echo "route add default via 172.28.0.1"
		echo "route add default via fd28::1"
	} | in_ns sib ip -batch -
	for n in host gw; do
		in_ns $n sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0
	done
	in_ns host sysctl -qw net.ipv4.conf.vpnbr.proxy_arp=1 net.ipv4.conf.othbr.proxy_arp=1 \
		net.ipv4.neigh.vpnbr.proxy_delay=0 net.ipv4.neigh.othbr.proxy_delay=0 \
		net.ipv4.conf.vpnbr.send_redirects=0 net.ipv4.conf.othbr.send_redirects=0 \
		net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.vpnbr.accept_source_route=1
	in_ns gw iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
	in_ns gw ip6tables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
	topo_app
}

topo_down() { # PREFIX
	local n
	for n in /run/netns/"$1"-*; do
		[ ! -e "$n" ] || ip netns delete "${n##*/}"
	done
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Stands in for Gluetun's image in tests and in the demo, because that image comes from a registry
# that a test must not need. It does what Gluetun's documentation says that Gluetun does, in the
# same order, with the same names: default-drop firewall first, then /iptables/post-rules.txt, then
# the WireGuard tunnel `tun0` (userspace), then a name server on port 53 that asks only through the
# tunnel, except for single-label names, which it hands to Docker's resolver.
#
# It takes Gluetun's variables: WIREGUARD_PRIVATE_KEY, WIREGUARD_PUBLIC_KEY, WIREGUARD_ENDPOINT_IP,
# WIREGUARD_ENDPOINT_PORT, WIREGUARD_ADDRESSES, DNS_UPSTREAM_PLAIN_ADDRESSES.
set -eu

say() {
	echo "$(date -u +%FT%TZ) INFO $*"
}

for IPT in iptables iptables-nft iptables-legacy; do
	$IPT -S > /dev/null 2>&1 && break
done

uplink=$(ip -4 route show default | awk '{ print $5; exit }')
# DEVICE ADDRESS SUBNET of each Ethernet link
links() {
	ip -4 route show scope link | awk '$2 == "dev" && $3 != "tun0" {
		for (i = 4; i < NF; i++)
			if ($i == "src")
				print $3, $(i + 1), $1
	}'
}

firewall() {
	$IPT -P INPUT DROP
	$IPT -P OUTPUT DROP
	$IPT -P FORWARD DROP
	$IPT -A INPUT -i lo -j ACCEPT
	$IPT -A OUTPUT -o lo -j ACCEPT
	$IPT -A OUTPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
	$IPT -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
	links | while read -r dev address subnet; do
		$IPT -A OUTPUT -o "$dev" -s "$address" -d "$subnet" -j ACCEPT
		$IPT -A INPUT -i "$dev" -d "$subnet" -j ACCEPT
	done
	[ ! -e /iptables/post-rules.txt ] || while read -r command rule; do
		# shellcheck disable=SC2086 # Gluetun splits on white space, too
		case $command in
		iptables*) $IPT $rule ;;
		esac
	done < /iptables/post-rules.txt
	$IPT -A OUTPUT -d "$WIREGUARD_ENDPOINT_IP" -o "$uplink" -p udp \
		--dport "$WIREGUARD_ENDPOINT_PORT" -j ACCEPT
	$IPT -A OUTPUT -o tun0 -j ACCEPT
}

routing() {
	links | while read -r _ _ subnet; do
		ip rule add to "$subnet" lookup main priority 98
	done
	ip rule add not fwmark 51820 lookup 51820 priority 101
}

tunnel_up() {
	# `docker restart` keeps the files of the container: an old socket would be taken for ours
	rm -f /run/wireguard/tun0.sock
	wireguard-go -f tun0 &
	tunnel=$!
	tries=100
	until [ -S /run/wireguard/tun0.sock ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05 # poll
	done
	echo "$WIREGUARD_PRIVATE_KEY" | wg set tun0 private-key /dev/stdin fwmark 51820 \
		peer "$WIREGUARD_PUBLIC_KEY" allowed-ips 0.0.0.0/0 \
		endpoint "$WIREGUARD_ENDPOINT_IP:$WIREGUARD_ENDPOINT_PORT"
	ip address add "$WIREGUARD_ADDRESSES" dev tun0
	ip link set tun0 mtu 1320 up
	ip route add default dev tun0 table 51820
}

# Anew with each tunnel: its questions are bound to the device, and a new tun0 is another device.
name_server() {
	if [ -n "$names" ]; then
		kill "$names" 2> /dev/null || :
		wait "$names" || : # the port is free only then
	fi
	dnsmasq -k -C /dev/null -u root -h -R --cache-size=0 --server=//127.0.0.11 \
		--server="$DNS_UPSTREAM_PLAIN_ADDRESSES@tun0" &
	names=$!
}

firewall
say "[firewall] enabled successfully"
routing
names=
while :; do
	say "[wireguard] Connecting to $WIREGUARD_ENDPOINT_IP:$WIREGUARD_ENDPOINT_PORT"
	tunnel_up
	say "[wireguard] Wireguard setup is complete"
	name_server
	wait $tunnel || :
	say "[vpn] stopped, starting again"
	sleep 1 # time itself: Gluetun backs off too
done

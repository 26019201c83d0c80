#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Stands in for Gluetun's image in tests and in the demo, because that image comes from a registry
# that a test must not need. It does what Gluetun's documentation and source say that Gluetun does,
# in the same order, with the same names:
#
#   1. control server on port 8000 (control.c), before anything is closed
#   2. default-drop firewall, then /iptables/post-rules.txt. A line that fails: v3.41 and older open
#      everything and exit 1, master puts back the (open) rules that it found and exits 1
#   3. the tunnel `tun0`: WireGuard (kernel or wireguard-go) or OpenVPN (UDP or TCP)
#   4. a name server on port 53 that asks only through the tunnel, except for single-label names,
#      which it hands to Docker's resolver; the public address is asked for once
#   5. each time the tunnel ends, or is stopped and started by the control server, the next server
#      of the list; the rules of the firewall stay, as Gluetun's do
#
# What is real: iptables, WireGuard, OpenVPN, routes, marks and tables. What is stood in for: the
# Go program around them, its server lists, DNS over TLS (plain here), health checks (none).
#
# Gluetun's variables: VPN_TYPE=wireguard|openvpn, WIREGUARD_PRIVATE_KEY, WIREGUARD_PUBLIC_KEY,
# WIREGUARD_ENDPOINT_IP, WIREGUARD_ENDPOINT_PORT, WIREGUARD_ADDRESSES,
# WIREGUARD_IMPLEMENTATION=auto|kernelspace|userspace, OPENVPN_PROTOCOL=udp|tcp,
# OPENVPN_ENDPOINT_IP, OPENVPN_ENDPOINT_PORT, DNS_UPSTREAM_PLAIN_ADDRESSES, PUBLICIP_API=echoip#URL.
# OpenVPN's certificates are files in /gluetun: ca.crt, client.crt, client.key.
#
# The stand-in's own:
#   GATEWAY_VERSION=v3.39|v3.40|v3.41|master   default v3.41
#   GATEWAY_SERVERS=IP:PORT[,IP:PORT]          what Gluetun's server list would give; else the one
#                                              endpoint above
#   GATEWAY_FIREWALL_DELAY=SECONDS             more time before the firewall closes: Gluetun's own
#                                              needs about 0.025
#   GATEWAY_CONTROL=on|off|rubbish|hang        see control.c
set -eu

run=/run/gluetun
version=${GATEWAY_VERSION:-v3.41}

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

# Whether all of its lines were taken.
post_rules() {
	[ -e /iptables/post-rules.txt ] || return 0
	while read -r command rule; do
		# shellcheck disable=SC2086 # Gluetun splits on white space, too
		case $command in
		iptables*) $IPT $rule || return 1 ;;
		esac
	done < /iptables/post-rules.txt
}

firewall_failed() {
	# nothing saved: no table was there, and that is as open as it gets
	if [ "$version" = master ] && grep -q "^\*filter" $run/rules.before; then
		"$IPT-restore" < $run/rules.before
	else
		for chain in INPUT OUTPUT FORWARD; do
			$IPT -P $chain ACCEPT
			$IPT -F $chain
		done
	fi
	echo "$(date -u +%FT%TZ) ERROR [firewall] cannot enable: post-rules.txt has a bad rule"
	exit 1
}

firewall() {
	"$IPT-save" > $run/rules.before
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
	post_rules || firewall_failed
}

# The next server: sets ip, port, proto. `docker restart` keeps the file, so that goes on, too.
next_server() {
	n=$(cat $run/server 2> /dev/null || echo 0)
	# shellcheck disable=SC2046 # one server a word
	set -- $(echo "$servers" | tr , ' ')
	shift $((n % $#))
	echo $((n + 1)) > $run/server
	ip=${1%:*} port=${1##*:}
}

# As Gluetun's SetVPNConnection: one pair, replaced only when the connection differs, kept when the
# tunnel is down.
allow_server() {
	[ "$ip:$port/$proto" != "$allowed" ] || return 0
	if [ -n "$allowed" ]; then
		# shellcheck disable=SC2086 # the words of a rule
		$IPT -D OUTPUT $allowed_rule
		$IPT -D OUTPUT -o tun0 -j ACCEPT
	fi
	allowed_rule="-d $ip -o $uplink -p $proto -m $proto --dport $port -j ACCEPT"
	# shellcheck disable=SC2086 # the words of a rule
	$IPT -A OUTPUT $allowed_rule
	$IPT -A OUTPUT -o tun0 -j ACCEPT
	allowed=$ip:$port/$proto
}

routing() {
	links | while read -r _ _ subnet; do
		ip rule add to "$subnet" lookup main priority 98
	done
}

until_there() { # CMD...
	tries=200
	until "$@" 2> /dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$tunnel" 2> /dev/null || return 1
		sleep 0.05 # poll
	done
}

wireguard_device() {
	if [ "${WIREGUARD_IMPLEMENTATION:-auto}" != userspace ] &&
		ip link add tun0 type wireguard 2> /dev/null; then
		sleep infinity & # something to wait for: the device has no process
		tunnel=$!
		return
	fi
	[ "${WIREGUARD_IMPLEMENTATION:-auto}" != kernelspace ] || return 1
	# `docker restart` keeps the files of the container: an old socket would be taken for ours
	rm -f /run/wireguard/tun0.sock
	wireguard-go -f tun0 &
	tunnel=$!
	until_there test -S /run/wireguard/tun0.sock
}

wireguard_up() {
	say "[wireguard] Connecting to $ip:$port"
	wireguard_device || return 1
	echo "$WIREGUARD_PRIVATE_KEY" | wg set tun0 private-key /dev/stdin fwmark 51820 \
		peer "$WIREGUARD_PUBLIC_KEY" allowed-ips 0.0.0.0/0 endpoint "$ip:$port" || return 1
	ip address add "$WIREGUARD_ADDRESSES" dev tun0
	ip link set tun0 mtu 1320 up
	ip route add default dev tun0 table 51820
	ip rule add not fwmark 51820 lookup 51820 priority 101
	say "[wireguard] Wireguard setup is complete"
}

# In Gluetun's order: the rule first, so that for a moment the tunnel's flows have the main table.
wireguard_down() {
	ip rule del priority 101 2> /dev/null || :
	ip link set tun0 down 2> /dev/null || :
	ip link del tun0 2> /dev/null || :
}

openvpn_config() {
	client=udp
	[ "$proto" = udp ] || client=tcp-client
	cat <<- END
		client
		nobind
		tls-exit
		dev tun0
		dev-type tun
		verb 3
		suppress-timestamps
		auth-nocache
		remote-cert-tls server
		ping-exit 60
		proto $client
		remote $ip $port
		ca /gluetun/ca.crt
		cert /gluetun/client.crt
		key /gluetun/client.key
	END
}

openvpn_up() {
	mkdir -p /etc/openvpn
	openvpn_config > /etc/openvpn/target.ovpn
	mknod -m 666 /dev/net/tun c 10 200 2> /dev/null || :
	openvpn --config /etc/openvpn/target.ovpn &
	tunnel=$!
	until_there sh -c 'ip route show 128.0.0.0/1 | grep -q tun0' || return 1
}

tunnel_down() {
	echo stopping > $run/status
	: > $run/public_ip
	[ "$type" != wireguard ] || wireguard_down
	kill "$tunnel" 2> /dev/null || :
	wait "$tunnel" || :
	tunnel=
	echo stopped > $run/status
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

public_ip() {
	[ -n "${PUBLICIP_API:-}" ] || return 0
	curl -s -m 6 --retry 3 --retry-connrefused "${PUBLICIP_API#*#}" |
		sed 's/^src=//' | tr -d '\n' > $run/public_ip.new && mv $run/public_ip.new $run/public_ip
}

wanted() {
	cat $run/wanted
}

mkdir -p $run
: > $run/public_ip
echo starting > $run/status
echo running > $run/wanted
echo $$ > $run/pid
type=${VPN_TYPE:-wireguard} proto=udp names='' tunnel='' allowed='' allowed_rule=''
case $type in
wireguard) servers=${GATEWAY_SERVERS:-$WIREGUARD_ENDPOINT_IP:$WIREGUARD_ENDPOINT_PORT} ;;
openvpn)
	servers=${GATEWAY_SERVERS:-$OPENVPN_ENDPOINT_IP:$OPENVPN_ENDPOINT_PORT}
	proto=${OPENVPN_PROTOCOL:-udp}
	;;
*)
	echo "VPN_TYPE=$type: wireguard or openvpn" >&2
	exit 1
	;;
esac
if [ "${GATEWAY_CONTROL:-on}" != off ]; then
	gateway-control "$run" "$version" "${GATEWAY_CONTROL:-on}" &
fi
[ -z "${GATEWAY_FIREWALL_DELAY:-}" ] ||
	sleep "$GATEWAY_FIREWALL_DELAY" # time itself: the measured start window
firewall
say "[firewall] enabled successfully"
routing
# The control server's: `wanted` has changed.
trap : USR1
while :; do
	until [ "$(wanted)" = running ]; do
		sleep infinity &
		idle=$!
		wait $idle || :
		kill $idle 2> /dev/null || :
	done
	next_server
	allow_server
	echo starting > $run/status
	if "${type}_up"; then
		# as Gluetun: before the first handshake
		echo running > $run/status
		name_server
		public_ip &
		while [ "$(wanted)" = running ] && kill -0 "$tunnel" 2> /dev/null; do
			wait "$tunnel" || :
		done
	fi
	tunnel_down
	[ "$(wanted)" = running ] || continue
	say "[vpn] stopped, starting again"
	sleep 1 & # time itself: Gluetun backs off too
	wait $! || :
done

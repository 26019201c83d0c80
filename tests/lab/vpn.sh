# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2015,SC2153 # "A && B || die" is meant so
#
# The VPN server, the two Docker networks and the gateway between them (docs: the stack, design A:
# the protected network's default gateway is an address that the gateway container answers for).

lab_vpn_server() {
	(umask 077 && wg genkey > "$LAB/server.key" && wg genkey > "$LAB/client.key") ||
		lab_die "cannot make WireGuard keys"
	lab_in vpn iptables -t nat -A POSTROUTING -s "$LAB_NET_TUNNEL.0/24" -o v0 \
		-j SNAT --to-source "$LAB_VPN_EXIT" || lab_die "iptables does not work here"
	lab_spawn vpn-server nsenter --net="/proc/$(lab_pid vpn)/ns/net" \
		--mount="/proc/$(lab_pid vpn)/ns/mnt" -- wireguard-go -f wg0
	lab_wait "the VPN server's tunnel device" 10 lab_in vpn wg show wg0 ||
		lab_die "$(cat "$LAB/log/vpn-server.log")"
	lab_in vpn wg set wg0 private-key "$LAB/server.key" listen-port "$LAB_VPN_PORT" \
		peer "$(wg pubkey < "$LAB/client.key")" allowed-ips "$LAB_NET_TUNNEL.2/32" &&
		lab_in vpn ip address add "$LAB_NET_TUNNEL.1/24" dev wg0 &&
		lab_in vpn ip link set wg0 up || lab_die "cannot set the VPN server up"
}

lab_networks() {
	lab_docker network create --subnet "$LAB_NET_GW.0/24" uplink > /dev/null &&
		lab_docker network create --subnet "$LAB_NET_VPN.0/24" --gateway "$LAB_NEXT_HOP" \
			-o com.docker.network.bridge.inhibit_ipv4=true \
			-o com.docker.network.bridge.enable_ip_masquerade=false \
			vpn_network > /dev/null || lab_die "cannot make the Docker networks"
}

# What a user writes into Gluetun's /iptables/post-rules.txt to make it a router.
lab_post_rules() {
	cat <<- END
		iptables -A FORWARD -s $LAB_NET_VPN.0/24 -o tun0 -j ACCEPT
		iptables -A FORWARD -i tun0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
		iptables -t nat -A POSTROUTING -o tun0 -j MASQUERADE
	END
}

lab_tunnel_works() {
	lab_docker exec gateway curl -s -m 2 "http://$LAB_WEB/" |
		grep -qx "src=$LAB_VPN_EXIT" &&
		lab_docker exec gateway nslookup -type=a tunnel.example "$LAB_RESOLVER"
}

# OpenVPN by UDP and by TCP, with a certificate authority that lives as long as the lab.
lab_openvpn_server() {
	local pki=$LAB/openvpn proto n=0 who
	mkdir -p "$pki"
	(
		umask 077
		cd "$pki" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
			-nodes -days 30 -subj /CN=lab-ca -keyout ca.key -out ca.crt || exit 1
		for who in server client; do
			printf 'keyUsage=digitalSignature\nextendedKeyUsage=%sAuth\n' $who > $who.ext
			openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
				-subj /CN=$who -keyout $who.key -out $who.csr &&
				openssl x509 -req -days 30 -in $who.csr -CA ca.crt -CAkey ca.key \
					-CAcreateserial -extfile $who.ext -out $who.crt || exit 1
		done
	) 2> "$LAB/log/pki.log" || lab_die "cannot make certificates: $(tail -n 3 "$LAB/log/pki.log")"
	for proto in udp tcp-server; do
		cat > "$pki/$proto.conf" <<- END
			server $LAB_NET_OPENVPN.$n.0 255.255.255.0
			topology subnet
			dev ovpn$n
			dev-type tun
			proto $proto
			port $LAB_OPENVPN_PORT
			$([ $proto != udp ] || echo multihome)
			ca $pki/ca.crt
			cert $pki/server.crt
			key $pki/server.key
			dh none
			duplicate-cn
			keepalive 10 60
			push "redirect-gateway def1"
		END
		lab_in vpn iptables -t nat -A POSTROUTING -s "$LAB_NET_OPENVPN.$n.0/24" -o v0 \
			-j SNAT --to-source "$LAB_VPN_EXIT" || lab_die "iptables does not work here"
		lab_spawn "openvpn-$proto" nsenter --net="/proc/$(lab_pid vpn)/ns/net" \
			--mount="/proc/$(lab_pid vpn)/ns/mnt" -- openvpn --config "$pki/$proto.conf"
		lab_wait "the OpenVPN server" 10 grep -q 'Initialization Sequence Completed' \
			"$LAB/log/openvpn-$proto.log" ||
			lab_die "$(tail -n 5 "$LAB/log/openvpn-$proto.log")"
		n=$((n + 1))
	done
}

lab_peer_silent() {
	local server
	for server in "$LAB_VPN_SERVER" "$LAB_VPN_SERVER2"; do
		lab_in vpn iptables -I INPUT -d "$server" -j DROP
		lab_in vpn iptables -I OUTPUT -s "$server" -j DROP
	done
}

lab_peer_back() {
	lab_in vpn iptables -F INPUT
	lab_in vpn iptables -F OUTPUT
}

# What tells the gateway which tunnel to make: arguments, one a line.
lab_tunnel_args() {
	case ${LAB_VPN_TYPE:-wireguard} in
	wireguard)
		printf '%s\n' -e WIREGUARD_PRIVATE_KEY="$(cat "$LAB/client.key")" \
			-e WIREGUARD_PUBLIC_KEY="$(wg pubkey < "$LAB/server.key")" \
			-e WIREGUARD_ENDPOINT_IP="$LAB_VPN_SERVER" \
			-e WIREGUARD_ENDPOINT_PORT="$LAB_VPN_PORT" \
			-e WIREGUARD_ADDRESSES="$LAB_NET_TUNNEL.2/32"
		;;
	openvpn-*)
		printf '%s\n' -e VPN_TYPE=openvpn -e OPENVPN_PROTOCOL="${LAB_VPN_TYPE#*-}" \
			-e OPENVPN_ENDPOINT_IP="$LAB_VPN_SERVER" \
			-e OPENVPN_ENDPOINT_PORT="$LAB_OPENVPN_PORT" \
			-v "$LAB/openvpn:/gluetun:ro"
		;;
	*) lab_die "LAB_VPN_TYPE=$LAB_VPN_TYPE: wireguard, openvpn-udp or openvpn-tcp" ;;
	esac
	[ -z "${LAB_VPN_SERVERS:-}" ] || printf '%s\n' -e GATEWAY_SERVERS="$LAB_VPN_SERVERS"
}

# Makes and starts the gateway's container. Also for a test that has removed it. LAB_GATEWAY_MAC: its
# hardware address on the protected network, for engines from 28 on, which choose another at each start.
lab_gateway_up() {
	local args=() vpn=name=vpn_network,ip=$LAB_RESOLVER
	mapfile -t args < <(lab_tunnel_args)
	[ -z "${LAB_GATEWAY_MAC:-}" ] ||
		args+=(--network "$vpn,mac-address=$LAB_GATEWAY_MAC")
	# 127.0.0.11 of the gateway itself must not come back to the gateway's own resolver
	lab_docker create --name gateway --cap-add NET_ADMIN --device /dev/net/tun \
		--sysctl net.ipv4.ip_forward=1 --sysctl net.ipv4.conf.all.proxy_arp_pvlan=1 \
		--sysctl net.ipv4.conf.all.rp_filter=2 --dns "$LAB_DNS" \
		--network "name=uplink,ip=$LAB_NET_GW.2" \
		-v "$LAB/post-rules.txt:/iptables/post-rules.txt:ro" \
		-e PUBLICIP_API="echoip#http://$LAB_WEB/" -e DNS_UPSTREAM_PLAIN_ADDRESSES="$LAB_DNS" \
		"${args[@]}" ${LAB_GATEWAY_ARGS[@]+"${LAB_GATEWAY_ARGS[@]}"} \
		lab-gateway > /dev/null || lab_die "cannot make the gateway"
	[ -n "${LAB_GATEWAY_MAC:-}" ] ||
		lab_docker network connect --ip "$LAB_RESOLVER" vpn_network gateway ||
		lab_die "cannot connect the gateway"
	lab_docker start gateway > /dev/null || lab_die "cannot start the gateway"
}

lab_vpn_up() {
	case ${LAB_VPN_TYPE:-} in
	openvpn-*) [ -d "$LAB/openvpn" ] || lab_openvpn_server ;;
	esac
	lab_networks
	lab_post_rules > "$LAB/post-rules.txt"
	lab_gateway_up
	lab_wait "an answer through the tunnel" 30 lab_tunnel_works || {
		lab_docker logs gateway >&2
		lab_die "the tunnel does not work"
	}
}

lab_app() { # NAME [docker args] -- CMD...
	local name=$1 args=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	[ -n "$LAB_GUARD_CGROUP" ] || lab_die "lab_app: LAB_GUARD_CGROUP is not set"
	lab_docker run -d --init --name "$name" --network vpn_network --dns "$LAB_RESOLVER" \
		--cgroup-parent "$LAB_GUARD_CGROUP" "${args[@]}" lab-app "$@" > /dev/null
}

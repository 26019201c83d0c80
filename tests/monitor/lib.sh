# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # id, work and cgroups are the caller's
# shellcheck disable=SC2015 # "A && B || die" is meant so
#
# Places in namespaces of their own: server (the VPN's far end), host (bridges), gateway
# (wireguard-go, a router), app (inside the guard's cgroup) and a peer. No Docker: gateway.netns.
#
#   198.51.100.0/24  upbr: gateway .2, server .99 (endpoint), watcher on upbr
#   172.30.0.0/24    vpnbr: gateway .2, app .10, peer .20; also fd30::/64 (and fd51::/64 on upbr)
#   172.50.0.0/24    othbr: app .10, peer .20: a network that is not the VPN's
#   10.99.0.0/24     in the tunnel: server .1, gateway .2; the server also has 203.0.113.80

die() {
	echo "monitor: $*" >&2
	exit 1
}

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

wait_for() { # SECONDS CMD...
	local deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" > /dev/null 2>&1; do
		[ "$(now_ms)" -lt $deadline ] || return 1
		sleep 0.02 # poll
	done
}

in_ns() { # PLACE CMD...
	local p=$1
	shift
	nsenter --net="/run/netns/$id-$p" -- "$@"
}

spawn() { # NAME CMD...: pid in $work/NAME.pid
	local name=$1
	shift
	setsid "$@" > "$work/$name.log" 2>&1 < /dev/null &
	echo $! > "$work/$name.pid"
	disown
}

pid_of() {
	cat "$work/$1.pid"
}

end() { # NAME [SIGNAL]
	local pid
	pid=$(pid_of "$1" 2> /dev/null) || return 0
	kill "-${2:-TERM}" "$pid" 2> /dev/null
	[ "${2:-TERM}" = STOP ] && return
	kill -CONT "$pid" 2> /dev/null
	wait_for 5 gone "$pid" || kill -9 "$pid" 2> /dev/null
	rm -f "$work/$1.pid"
}

gone() {
	! kill -0 "$1" 2> /dev/null
}

places() {
	local p
	for p in server host gateway app peer; do
		ip netns add "$id-$p" || die "cannot make a namespace"
		in_ns $p ip link set lo up
	done
	in_ns host ip -batch - <<- END || die "links of the host"
		link add upbr type bridge
		link add vpnbr type bridge
		link add upg type veth peer name eth0 netns $id-gateway
		link add ups type veth peer name eth0 netns $id-server
		link add vpg type veth peer name eth1 netns $id-gateway
		link add vpa type veth peer name eth0 netns $id-app
		link set upg master upbr
		link set ups master upbr
		link set vpg master vpnbr
		link set vpa master vpnbr
		link set upbr up
		link set vpnbr up
		link set upg up
		link set ups up
		link set vpg up
		link set vpa up
		link add vpp type veth peer name eth0 netns $id-peer
		link set vpp master vpnbr
		link set vpp up
		link add othbr type bridge
		link set othbr up
		link add voa type veth peer name eth1 netns $id-app
		link add vop type veth peer name eth1 netns $id-peer
		link set voa master othbr
		link set vop master othbr
		link set voa up
		link set vop up
	END
	in_ns gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 \
		net.ipv6.conf.all.forwarding=1
	in_ns gateway ip -batch - <<- END || die "addresses of the gateway"
		address add 198.51.100.2/24 dev eth0
		address add 172.30.0.2/24 dev eth1
		link set eth0 up
		address add fd51::2/64 dev eth0 nodad
		address add fd30::2/64 dev eth1 nodad
		link set eth1 up
		route add default via 198.51.100.99 metric 100
		route add default via fd51::99 metric 100
	END
	in_ns server sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
	in_ns server ip -batch - <<- END || die "addresses of the server"
		address add 198.51.100.99/24 dev eth0
		address add 198.51.100.98/24 dev eth0
		address add fd51::99/64 dev eth0 nodad
		address add 192.0.2.99/32 dev lo
		address add fd52::99/128 dev lo nodad
		link set eth0 up
		address add 203.0.113.80/32 dev lo
	END
	in_ns app ip -batch - <<- END || die "addresses of the app"
		address add 172.30.0.10/24 dev eth0
		address add fd30::10/64 dev eth0 nodad
		address add 172.50.0.10/24 dev eth1
		link set eth0 up
		link set eth1 up
		route add default via 172.30.0.2
		route add default via fd30::2
	END
	in_ns peer ip -batch - <<- END || die "addresses of the peer"
		address add 172.30.0.20/24 dev eth0
		address add fd30::20/64 dev eth0 nodad
		address add 172.50.0.20/24 dev eth1
		link set eth0 up
		link set eth1 up
	END
}

wg_keys() {
	(umask 077 && wg genkey > "$work/server.key" && wg genkey > "$work/client.key")
}

# The control sockets of both ends: a /run of their own, so that nothing meets.
vpn_server() {
	mkdir -p "$work/run-server"
	spawn wg-server unshare --mount --propagation private bash -c "
		mount --bind $work/run-server /var/run/wireguard 2> /dev/null || {
			mkdir -p /var/run/wireguard; mount --bind $work/run-server /var/run/wireguard; }
		exec nsenter --net=/run/netns/$id-server wireguard-go -f wgs"
	wait_for 5 in_ns server ip link show wgs || die "no server: $(cat "$work/wg-server.log")"
	wait_for 5 test -S "$work/run-server/wgs.sock" || die "no control socket"
	wg_set server wgs <<- END
		private_key=$(key_hex "$work/server.key")
		listen_port=51820
		replace_peers=true
		public_key=$(wg pubkey < "$work/client.key" | base64 -d | od -An -tx1 | tr -d ' \n')
		replace_allowed_ips=true
		allowed_ip=10.99.0.2/32
		allowed_ip=172.30.0.0/24
	END
	in_ns server ip address add 10.99.0.1/24 dev wgs
	in_ns server ip link set wgs up
	in_ns server ip route add 172.30.0.0/24 dev wgs
}

key_hex() {
	base64 -d < "$1" | od -An -tx1 | tr -d ' \n'
}

wg_set() { # SIDE DEVICE: uapi lines on stdin
	{
		echo set=1
		cat
		echo
	} | socat -t 2 - "UNIX-CONNECT:$work/run-$1/$2.sock" | grep -q '^errno=0' ||
		die "cannot configure $2"
}

# The gateway's own: in the machine's mount namespace as the monitor sees it, by /proc/PID/root.
tunnel_up() { # [ENDPOINT]
	mkdir -p "$work/run-gateway"
	rm -f "$work/run-gateway/tun0.sock"
	spawn tunnel unshare --mount --propagation private bash -c "
		mkdir -p /var/run/wireguard
		mount --bind $work/run-gateway /var/run/wireguard
		exec nsenter --net=/run/netns/$id-gateway wireguard-go -f tun0"
	wait_for 5 test -S "$work/run-gateway/tun0.sock" || die "no tunnel: $(cat "$work/tunnel.log")"
	tunnel_to "${1:-198.51.100.99}"
	in_ns gateway ip address add 10.99.0.2/24 dev tun0
	in_ns gateway ip link set tun0 up
	in_ns gateway ip route replace default dev tun0 metric 1
}

tunnel_to() { # ENDPOINT
	wg_set gateway tun0 <<- END
		private_key=$(key_hex "$work/client.key")
		replace_peers=true
		public_key=$(wg pubkey < "$work/server.key" | base64 -d | od -An -tx1 | tr -d ' \n')
		endpoint=$1:51820
		replace_allowed_ips=true
		allowed_ip=0.0.0.0/0
	END
}

endpoint_is() { # ENDPOINT
	[ "$(jq -r '.guards[0].endpoints[0].endpoint' "$work/run/monitor.json")" = "$1:51820/udp" ]
}

# ... and the monitor follows. The other end may call first, from where it was called last, and then
# WireGuard roams back there: so more than once.
followed_to() { # ENDPOINT
	local i
	for i in 1 2 3; do
		tunnel_to "$1"
		wait_for 8 endpoint_is "$1" && return
	done
	fail "not followed to $1 in $i times: $(tail -n 3 "$work/monitor.log")"
}

# OpenVPN makes its device after it has spoken to the other end (up-delay: as with a real server).
openvpn_server() {
	local who
	for who in server client; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
			-subj "/CN=$who" -keyout "$work/$who.pem" -out "$work/$who.crt" 2> /dev/null ||
			die "cannot make a certificate"
	done
	spawn ovpn-server nsenter --net="/run/netns/$id-server" -- openvpn --dev tuns \
		--dev-type tun --proto "$1" --port 1194 --ifconfig 10.98.0.1 10.98.0.2 \
		--tls-server --dh none --cert "$work/server.crt" --key "$work/server.pem" \
		--peer-fingerprint "$(fingerprint client)" --keepalive 1 60
}

openvpn_config() { # PROTO of remote
	cat > "$work/client.ovpn" <<- END
		dev tun0
		dev-type tun
		remote 198.51.100.99 1194 $1
		nobind
		up-delay
		ifconfig 10.98.0.2 10.98.0.1
		tls-client
		cert $work/client.crt
		key $work/client.pem
		peer-fingerprint $(fingerprint server)
		keepalive 1 60
		connect-retry 1 1
		route 0.0.0.0 0.0.0.0 vpn_gateway 1
	END
}

openvpn_client() { # PROTO of remote
	openvpn_config "$1"
	spawn ovpn nsenter --net="/run/netns/$id-gateway" -- openvpn --config "$work/client.ovpn"
}

fingerprint() { # server|client
	openssl x509 -in "$work/$1.crt" -noout -fingerprint -sha256 | cut -d= -f2
}

bpfguard() {
	in_ns host env BPFGUARD_PINS="/sys/fs/bpf/$id" BPFGUARD_RUN="$work/run" \
		BPFGUARD_LOG="$work/log" BPFGUARD_STATE="$work/state" \
		BPFGUARD_DOCKER="$work/no-docker.sock" "$BPFGUARD" "$@"
}

monitor_up() {
	rm -f "$work/run/monitor.json" # what an earlier one wrote is not its state
	spawn monitor nsenter --net="/run/netns/$id-host" -- env BPFGUARD_PINS="/sys/fs/bpf/$id" \
		BPFGUARD_RUN="$work/run" BPFGUARD_LOG="$work/log" BPFGUARD_STATE="$work/state" \
		BPFGUARD_DOCKER="$work/no-docker.sock" "$BPFGUARD" monitor
}

policy() { # FILE [UPLINK]
	cat > "$1" <<- END
		version: 1
		guards:
		  - name: vpn
		    cgroup: /$id
		    gateway:
		      address: [172.30.0.2, "fd30::2"]
		      netns: /run/netns/$id-gateway
		    local: [172.30.0.0/24, "fd30::/64"]
		    kill_switch:
		      lease: 5s
		      probe: {icmp: [203.0.113.80], tcp: [203.0.113.80:443], every: 1s}
		    uplink: {${2-interface: eth0, bridge: upbr}}
		    link: {bridge: vpnbr}
	END
}

state() {
	jq -r '.guards[0].state' "$work/run/monitor.json"
}

state_is() {
	[ "$(state)" = "$1" ]
}

sandboxed() { # CMD...: in the guard's cgroup and the app's namespace; replaces the shell
	echo "$BASHPID" > "$cgroups/$id/cgroup.procs" || die "cannot enter the cgroup"
	exec nsenter --net="/run/netns/$id-app" -- "$@"
}

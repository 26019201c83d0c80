#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Proves the stand-in for Gluetun's image, without the guard: what it answers, where it connects to,
# and that it opens where Gluetun opens. Last line: `N passed, N failed, N skipped`.
#
#   tests/gateway/run.sh [TEST...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lab.sh
. "$here/../lab/lab.sh"
# shellcheck source=tests/lab/each.sh
. "$here/../lab/each.sh"

fail() {
	echo "     $*" >&2
	touch "$LAB/failed"
}

same() { # WHAT EXPECTED GOT
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '${3:0:300}'"
}

# A gateway of another kind, with a tunnel that works. Arguments: of `docker create`.
gateway() {
	lab_docker rm -f gateway > /dev/null 2>&1
	LAB_GATEWAY_ARGS=("$@")
	lab_gateway_up
	lab_wait "an answer through the tunnel" 20 lab_tunnel_works || {
		fail "no tunnel: $(lab_docker logs gateway 2>&1 | tail -n 5)"
		return 1
	}
}

# CODE and body of an answer, on one line.
asked() { # [curl args] METHOD PATH [BODY]
	local args=()
	while [[ $1 = -* ]]; do
		args+=("$1" "$2")
		shift 2
	done
	[ $# -lt 3 ] || args+=(-d "$3")
	lab_host curl -s -m 8 -w '%{http_code}' "${args[@]}" -X "$1" \
		"http://$LAB_NET_GW.2:8000$2" | tr '\n' ' '
}

test_control_versions() {
	local version status='{"status":"running"} 200'
	for version in v3.39.0 v3.39 v3.40 v3.41; do
		gateway -e GATEWAY_VERSION=$version || return
		same "$version: status" "$status" "$(asked GET /v1/vpn/status)"
		lab_wait "the public address" 10 public_ip_is "$LAB_VPN_EXIT" ||
			fail "$version: $(asked GET /v1/publicip/ip)"
		case $version in
		v3.39.0) same "$version: settings" 200 "$(asked GET /v1/vpn/settings | tail -c 3)" ;;
		*) same "$version: settings" "Unauthorized 401" "$(asked GET /v1/vpn/settings)" ;;
		esac
		case $version in
		v3.41)
			same "$version: unknown" 404 "$(asked GET /v1/nothing | tail -c 3)"
			same "$version: method" 405 "$(asked PUT /v1/version | tail -c 3)"
			same "$version: moved" 301 \
				"$(asked GET /v1/openvpn/portforwarded | tail -c 3)"
			same "$version: port" '{"port":0,"ports":[]} 200' \
				"$(asked GET /v1/portforward)"
			;;
		*)
			same "$version: unknown" 401 "$(asked GET /v1/nothing | tail -c 3)"
			same "$version: port" '{"port":0} 200' \
				"$(asked GET /v1/openvpn/portforwarded)"
			;;
		esac
	done
	gateway -e GATEWAY_VERSION=master || return
	same "master: status" "Unauthorized 401" "$(asked GET /v1/vpn/status)"
	same "master: unknown" 404 "$(asked GET /v1/nothing | tail -c 3)"
}

public_ip_is() { # ADDRESS
	[ "$(asked GET /v1/publicip/ip)" = "{\"public_ip\":\"$1\"} 200" ]
}

test_control_roles() {
	cat > "$LAB/config.toml" <<- 'END'
		[[roles]]
		name = "one"
		routes = ["GET /v1/vpn/status",
		          "PUT /v1/vpn/status"]
		auth = "apikey"
		apikey = "secret1"
		[[roles]]
		name = "two"
		routes = ["GET /v1/publicip/ip"]   # a comment
		auth = "basic"
		username = "me"
		password = "secret2"
		[[roles]]
		name = "three"
		routes = ["GET /v1/version"]
		auth = "none"
	END
	gateway -e GATEWAY_VERSION=v3.41 -v "$LAB/config.toml:/gluetun/auth/config.toml:ro" || return
	same "no key" 401 "$(asked GET /v1/vpn/status | tail -c 3)"
	same "wrong key" 401 "$(asked -H 'X-API-Key: secret' GET /v1/vpn/status | tail -c 3)"
	same "key" 200 "$(asked -H 'X-API-Key: secret1' GET /v1/vpn/status | tail -c 3)"
	same "key in the query" 200 "$(asked GET '/v1/vpn/status?api_key=secret1' | tail -c 3)"
	same "no password" 401 "$(asked GET /v1/publicip/ip | tail -c 3)"
	same "wrong password" 401 "$(asked -u me:secret GET /v1/publicip/ip | tail -c 3)"
	same "password" 200 "$(asked -u me:secret2 GET /v1/publicip/ip | tail -c 3)"
	same "none" 200 "$(asked GET /v1/version | tail -c 3)"
	same "a route of no role" 401 "$(asked GET /v1/dns/status | tail -c 3)"
	gateway -e GATEWAY_VERSION=master \
		-e 'HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE={"auth":"apikey","apikey":"k"}' || return
	same "default role" 200 "$(asked -H 'X-API-Key: k' GET /v1/vpn/status | tail -c 3)"
	same "default role, no key" 401 "$(asked GET /v1/vpn/status | tail -c 3)"
}

test_control_broken() {
	local rc
	gateway -e GATEWAY_CONTROL=rubbish || return
	asked GET /v1/vpn/status > /dev/null
	[ "$(asked GET /v1/vpn/status | tail -c 3)" = 000 ] || fail "rubbish was an answer"
	gateway -e GATEWAY_CONTROL=hang || return
	lab_host curl -s -m 1 "http://$LAB_NET_GW.2:8000/v1/vpn/status" > /dev/null
	rc=$?
	same "hang: curl's time-out" 28 $rc
	gateway -e GATEWAY_CONTROL=off || return
	lab_host curl -s -m 3 "http://$LAB_NET_GW.2:8000/v1/vpn/status" > /dev/null
	rc=$?
	same "off: curl's refusal" 7 $rc
}

# The tunnel's far end as the gateway's firewall, the configuration and the wire have it.
connected_to() { # ADDRESS PROTO PORT
	lab_docker exec gateway iptables -S OUTPUT |
		grep -q -- "-d $1/32 -o eth0 -p $2 -m $2 --dport $3 -j ACCEPT" ||
		fail "no rule for $1:$3/$2"
	[ "$2" = udp ] && [ "$3" = "$LAB_VPN_PORT" ] ||
		lab_docker exec gateway grep -qx "remote $1 $3" /etc/openvpn/target.ovpn ||
		fail "target.ovpn does not name $1 $3"
	[ -n "$(lab_packets "$capture" host "dst host $1 and $2 port $3")" ] ||
		fail "no packet to $1:$3/$2 on the wire"
}

# Each start another server; a stop by the control server leaves no packet of the tunnel in clear.
changes_server() { # TYPE PROTO PORT
	local capture=change-$1
	local LAB_VPN_TYPE=$1 LAB_VPN_SERVERS="$LAB_VPN_SERVER:$3,$LAB_VPN_SERVER2:$3"
	case $1 in
	openvpn-*) [ -d "$LAB/openvpn" ] || lab_openvpn_server ;;
	esac
	lab_capture_start "$capture" || fail "no capture"
	gateway || return
	[ "$(lab_docker exec gateway curl -s -m 5 "http://$LAB_WEB/")" = "src=$LAB_VPN_EXIT" ] ||
		fail "$1: not through the tunnel"
	connected_to "$LAB_VPN_SERVER" "$2" "$3"
	same "stop" '{"outcome":"stopped"} 200' "$(asked PUT /v1/vpn/status '{"status":"stopped"}')"
	same "status" '{"status":"stopped"} 200' "$(asked GET /v1/vpn/status)"
	same "public address" '{"public_ip":""} 200' "$(asked GET /v1/publicip/ip)"
	! lab_tunnel_works 2> /dev/null || fail "$1: a tunnel after the stop"
	same "start" '{"outcome":"running"} 200' \
		"$(asked PUT /v1/vpn/status '{"status":"running"}')"
	lab_wait "the tunnel to the other server" 20 lab_tunnel_works || fail "$1: no tunnel"
	connected_to "$LAB_VPN_SERVER2" "$2" "$3"
	lab_docker restart -t 0 gateway > /dev/null
	lab_wait "the tunnel after a restart" 20 lab_tunnel_works || fail "$1: no tunnel"
	lab_capture_stop "$capture" || fail "the capture is not complete"
}

test_server_change_wireguard() {
	changes_server wireguard udp "$LAB_VPN_PORT"
}

test_server_change_openvpn_udp() {
	changes_server openvpn-udp udp "$LAB_OPENVPN_PORT"
}

test_server_change_openvpn_tcp() {
	changes_server openvpn-tcp tcp "$LAB_OPENVPN_PORT"
}

test_kernel_wireguard() {
	if ! lab_in vpn ip link add probe0 type wireguard 2> /dev/null; then
		echo "this kernel has no WireGuard" > "$LAB/skipped"
		return
	fi
	lab_in vpn ip link del probe0
	gateway -e WIREGUARD_IMPLEMENTATION=kernelspace
}

# One line that iptables does not take, and everything is open: v3.41 by ACCEPT and flush.
test_bad_post_rule_fails_open() {
	local version policies
	{
		lab_post_rules
		echo "iptables -A FORWARD --no-such-thing"
	} > "$LAB/bad-rules.txt"
	for version in v3.41 master; do
		lab_docker rm -f gateway > /dev/null 2>&1
		# the namespace outlives the program, so that what it leaves behind can be read
		lab_docker run --rm --cap-add NET_ADMIN --network uplink \
			-e GATEWAY_VERSION=$version -e GATEWAY_CONTROL=off \
			-e WIREGUARD_ENDPOINT_IP=x -e WIREGUARD_ENDPOINT_PORT=1 \
			-v "$LAB/bad-rules.txt:/iptables/post-rules.txt:ro" \
			--entrypoint /bin/sh lab-gateway \
			-c '/entry.sh > /dev/null 2>&1; echo $?; iptables -S' > "$LAB/open" 2>&1
		policies=$(tr '\n' ' ' < "$LAB/open")
		same "$version: exit code and rules" \
			"1 -P INPUT ACCEPT -P FORWARD ACCEPT -P OUTPUT ACCEPT " "$policies"
	done
}

lab_up
lab_vpn_up
# shellcheck disable=SC2034 # for each_test
marks=$LAB
each_test "$@"

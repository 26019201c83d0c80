# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 # of lab.sh and run.sh; for another shell
#
# The monitor with a real engine: what it is told wrong, and gateways that come and go. Whatever is
# wrong: one clear message, closed, the daemon lives.

# The policy with a change (sed), loaded; and the monitor.
watch() { # [SED-EXPRESSION]
	local out
	guard_policy gateway 2s
	[ -z "${1:-}" ] || sed -i "$1" "$LAB/policy.yaml"
	out=$(guard load 2>&1) || {
		fail "load: $out"
		exit 1
	}
	guard_monitor
}

state_is() { # STATE [SECONDS]
	lab_wait "the state $1" "${2:-20}" guard_is "$1" ||
		fail "state $(guard_state): $(tail -n 2 "$LAB/log/monitor.log")"
}

says() { # TEXT
	guard status 2>&1 | grep -qF -- "$1"
}

status_says() { # TEXT
	lab_wait "status to say '$1'" 10 says "$1" || fail "status: $(guard status 2>&1 | head -n 8)"
}

monitor_json() { # JQ
	jq -r "$1" "$LAB/run/monitor.json"
}

# Milliseconds from TIME to the next entry of the audit trail that meets a condition, by its own stamp:
# however long a busy machine takes to look.
trail_after() { # TIME (EPOCHREALTIME) JQ-CONDITION
	local ts
	while read -r ts; do
		ts=$(($(date -d "$ts" +%s%3N) - ${1/./} / 1000))
		[ $ts -lt 0 ] || {
			echo $ts
			return
		}
	done < <(jq -r "select($2) | .ts" "$LAB/denied/audit.jsonl")
	echo 999999
}

written_since() { # TIME
	[[ "$(monitor_json .written)" > "$1" ]]
}

# The daemon goes round: it looks again, and writes what it sees, within a second or five.
alive() {
	lab_wait "the monitor to go on" 7 written_since "$(monitor_json .written)" ||
		fail "the monitor is stuck"
}

open_for_app() {
	[ "$(lab_docker exec app curl -s -m 2 "http://$LAB_WEB/")" = "src=$LAB_VPN_EXIT" ]
}

is_open() {
	lab_wait "an answer through the tunnel" 10 open_for_app || fail "closed: $(guard_state)"
}

is_closed() {
	same "open" false "$(monitor_json '.guards[0].open')"
	must_not "a packet passes" open_for_app
}

gateway_anew() { # [ARGS of docker create]
	local LAB_GATEWAY_ARGS=("$@")
	lab_docker rm -f gateway > /dev/null 2>&1
	lab_gateway_up
}

# As it was before the test.
gateway_plain() {
	gateway_anew
	lab_wait "an answer through the tunnel" 30 lab_tunnel_works || fail "no tunnel"
}

test_monitor_no_container() {
	watch 's/container: gateway/container: nosuch/'
	lab_app app -- sleep infinity
	status_says 'gateway container nosuch: there is no such container (start it)'
	state_is no_gateway
	alive
	is_closed
	for i in 1 2; do
		lab_docker create --name "gw$i" --label bpfguard.gateway=true lab-app > /dev/null
	done
	status_says 'several containers have the label bpfguard.gateway: gw'
	must_not "status" guard status
	alive
	is_closed
	lab_docker rm gw1 > /dev/null
	status_says 'gateway container nosuch does not run (start it)'
	is_closed
}

test_monitor_no_tunnel() {
	local LAB_VPN_SERVERS=$LAB_NET_INET.97:51820
	watch
	gateway_anew
	lab_app app -- sleep infinity
	status_says 'nothing comes out of the tunnel tun0'
	state_is connecting
	alive
	is_closed
	LAB_VPN_SERVERS=$LAB_VPN_SERVER:$LAB_VPN_PORT
	gateway_plain
	state_is up
	is_open
}

# Further evidence: what is wrong with it neither opens nor closes, and holds nobody up.
control_says() { # MODE TEXT
	gateway_anew -e GATEWAY_VERSION=master -e "GATEWAY_CONTROL=$1" \
		-e 'HTTP_CONTROL_SERVER_AUTH_DEFAULT_ROLE={"auth":"apikey","apikey":"right"}'
	state_is up 30
	status_says "control    $2"
	alive
	is_open
}

test_monitor_control() {
	local began took
	echo wrong > "$LAB/secret"
	chmod 600 "$LAB/secret"
	watch "s|container: gateway|&\n      control: {port: 8000, auth: apikey, secret_file: $LAB/secret}|"
	lab_app app -- sleep infinity
	control_says on 'it wants other credentials (gateway.control.auth in the policy)'
	must_not "the secret is shown" grep -rqF wrong "$LAB/run" "$LAB/denied" "$LAB/log/monitor.log"
	echo right > "$LAB/secret"
	status_says 'control    running'
	control_says rubbish "its answer cannot be read (is it Gluetun's control API?)"
	control_says off 'it does not answer'
	control_says hang 'it does not answer'
	# ... and a tunnel that falls silent closes all the same
	began=$EPOCHREALTIME
	lab_peer_silent
	lab_wait "the end of it" 10 guard_is down || fail "state $(guard_state)"
	took=$(trail_after "$began" '.what == "state" and .to == "down"')
	[ "$took" -le 4000 ] || fail "closed only after $took ms, with a lease of 2 s"
	is_closed
	lab_peer_back
	gateway_plain
}

# The next hop's new MAC: a container that asks for it only when the old one has not answered for
# half a minute is not what is tested here.
forget_neighbours() { # CONTAINER
	nsenter --net="/proc/$(lab_docker inspect -f '{{.State.Pid}}' "$1")/ns/net" -- \
		ip neighbour flush all
}

gateway_mac() {
	lab_docker inspect -f '{{.NetworkSettings.Networks.vpn_network.MacAddress}}' gateway
}

test_monitor_gateway_moves() {
	local mac pid
	watch 's/container: gateway/container: other/'
	lab_app app -- sleep infinity
	gateway_anew --label bpfguard.gateway=true
	state_is up
	is_open
	# renamed: by its label, without a gap
	lab_docker rename gateway elsewhere
	alive
	same "state" up "$(guard_state)"
	is_open
	lab_docker rename elsewhere gateway
	# restarted, with another MAC on the protected network: Docker makes it of the address
	pid=$(monitor_json '.guards[0].gateway.pid')
	mac=$(gateway_mac)
	lab_docker stop -t 0 gateway > /dev/null
	state_is no_gateway
	is_closed
	lab_docker network disconnect vpn_network gateway
	lab_docker network connect --ip "$LAB_NET_VPN.77" vpn_network gateway
	lab_docker start gateway > /dev/null
	state_is up
	forget_neighbours app
	is_open
	[ "$mac" != "$(gateway_mac)" ] || fail "the same MAC"
	[ "$pid" != "$(monitor_json '.guards[0].gateway.pid')" ] || fail "the same process"
	# recreated
	lab_docker rm -f gateway > /dev/null
	state_is no_gateway
	gateway_anew --label bpfguard.gateway=true
	state_is up
	forget_neighbours app
	is_open
	# paused
	lab_docker pause gateway > /dev/null
	lab_wait "the pause" 5 guard_is down || fail "state $(guard_state)"
	is_closed
	status_says '(gateway_frozen)'
	lab_docker unpause gateway > /dev/null
	state_is up
	is_open
	gateway_plain
}

endpoints() {
	monitor_json '[.guards[0].endpoints[] | .endpoint] | join(" ")'
}

endpoints_are() { # TEXT
	[ "$(endpoints)" = "$1" ]
}

test_monitor_endpoints() {
	local a=$LAB_VPN_SERVER:$LAB_VPN_PORT b=$LAB_VPN_SERVER2:$LAB_VPN_PORT now other
	watch
	lab_app app -- sleep infinity
	state_is up
	is_open
	now=$(endpoints)
	case $now in
	"$a/udp") other=$b/udp ;;
	"$b/udp") other=$a/udp ;;
	*) fail "endpoints: $now" ;;
	esac
	# the next server of the stand-in's list
	lab_docker exec gateway sh -c 'kill $(pidof wireguard-go)'
	lab_wait "the other server" 20 endpoints_are "$other" || fail "endpoints: $(endpoints)"
	state_is up
	is_open
	must "in the trail" grep -q "\"what\":\"endpoints\".*$other" "$LAB/denied/audit.jsonl"
	# a list in the policy: where the tunnel goes does not matter any more
	sed -i "s|^    local:|    uplink: {endpoints: [$LAB_NET_INET.97:51820]}\n&|" "$LAB/policy.yaml"
	must "reload" guard reload
	lab_wait "the list" 10 endpoints_are "$LAB_NET_INET.97:51820/udp" ||
		fail "endpoints: $(endpoints)"
	lab_wait "the tunnel to starve" 20 guard_is down || fail "state $(guard_state)"
	is_closed
	sed -i "s|endpoints: .*|endpoints: [$a, \"$b/udp\"]}|" "$LAB/policy.yaml"
	must "reload" guard reload
	lab_wait "the list" 10 endpoints_are "$a/udp $b/udp" || fail "endpoints: $(endpoints)"
	state_is up 30
	is_open
}

# Docker hangs and a tunnel device lives on: what closes is the end of the gateway's process itself.
test_monitor_process_ends() {
	local pid in_gateway began took
	watch
	lab_app app -- sleep infinity
	state_is up
	is_open
	pid=$(monitor_json '.guards[0].gateway.pid')
	in_gateway="nsenter --net=/proc/$pid/ns/net ip"
	must "a device without a process" $in_gateway tuntap add tun9 mode tun
	must "up" $in_gateway link set tun9 up
	lab_wait "it" 5 says tun9 || fail "tun9 is not seen: $(guard status 2>&1 | head -n 12)"
	kill -STOP "$(lab_pid dockerd)"
	began=$EPOCHREALTIME
	kill -KILL "$pid"
	lab_wait "the end of the process" 10 guard_is no_gateway || fail "state $(guard_state)"
	took=$(trail_after "$began" '.what == "state" and .to == "no_gateway"')
	[ "$took" -le 500 ] || fail "closed only after $took ms"
	same "open" false "$(monitor_json '.guards[0].open')"
	kill -CONT "$(lab_pid dockerd)"
	gateway_plain
	state_is up
	is_open
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154 # of lab.sh and run.sh
#
# The monitor with a real engine: what it is told wrong, gateways that come and go, containers that
# come and go, and on_down: stop. Whatever is wrong: one clear message, closed, the daemon lives.

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
	local began
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
	lab_peer_silent
	began=$SECONDS
	lab_wait "the end of it" 10 guard_is down || fail "state $(guard_state)"
	[ $((SECONDS - began)) -le 5 ] || fail "closed only after $((SECONDS - began)) s"
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

bridge_of() { # NETWORK
	echo "br-$(lab_docker network inspect -f '{{.Id}}' "$1" | cut -c 1-12)"
}

mac_of() { # DEVICE of the lab's host
	lab_host cat "/sys/class/net/$1/address"
}

# Frames of N containers, each at its first instruction.
frames() { # N NETWORK ADDRESS FILE
	local i mac
	mac=$(mac_of "$(bridge_of "$2")")
	for ((i = 0; i < $1; i++)); do
		lab_docker run --rm --network "$2" --cgroup-parent "$LAB_GUARD_CGROUP" lab-app \
			rawframe eth0 "$3" "$mac" 02:42:de:ad:be:ef
	done > "$4" 2>&1
}

# What the gateway hears of frames that are for nobody: a bridge floods them.
listen() { # start|stop
	local gw dev
	if [ "$1" = start ]; then
		gw=$(lab_docker inspect -f '{{.State.Pid}}' gateway)
		dev=$(nsenter --net="/proc/$gw/ns/net" -- ip -o -4 address show to "$LAB_RESOLVER" |
			awk '{ print $2 }')
		lab_spawn listen nsenter --net="/proc/$gw/ns/net" -- tcpdump -n -U \
			--immediate-mode -Z root -i "$dev" -w "$LAB/capture/listen" \
			ether dst 02:42:de:ad:be:ef
		lab_wait "tcpdump" 10 grep -q 'listening on' "$LAB/log/listen.log" || fail "tcpdump"
	else
		kill -INT "$(lab_pid listen)"
		lab_wait "tcpdump to end" 10 lab_gone "$(lab_pid listen)"
		tcpdump -n -r "$LAB/capture/listen" 2> /dev/null | wc -l
	fi
}

test_monitor_first_frame() {
	local starts=20 control=$LAB_NET_INET.51 sealed=$LAB_NET_INET.52 foreign=$LAB_NET_INET.54
	local before=$LAB_NET_INET.55

	# the name comes last: Docker takes the first network's default route
	lab_docker network create zother > /dev/null || fail "no network"
	# a host that takes packets from wherever they come: else it drops those of a bridge without
	# an address, and the test would see nothing
	lab_host sysctl -qw net.ipv4.conf.all.rp_filter=0 \
		"net.ipv4.conf.$(bridge_of vpn_network).rp_filter=0"
	lab_capture_start frames || fail "no capture"
	listen start
	frames 3 vpn_network "$control" "$LAB/frames.control"
	[ "$(listen stop)" -ge 9 ] || fail "the gateway hears no frame for nobody: blind"
	frames 3 zother "$before" "$LAB/frames.before"
	watch
	state_is up
	listen start
	frames $starts vpn_network "$sealed" "$LAB/frames.sealed"
	same "frames for nobody that the gateway heard" 0 "$(listen stop)"
	frames $starts zother "$foreign" "$LAB/frames.foreign"
	# a container that is there is attached to another network
	lab_app app -- sleep infinity
	is_open
	must "connect" lab_docker network connect zother app
	lab_wait "the seal" 5 sealed_ports_are 2 || fail "ports: $(monitor_json '.guards[0].programs')"
	same "frames" "frames 6" "$(lab_docker exec app rawframe eth1 "$foreign" \
		"$(mac_of "$(bridge_of zother)")" 02:42:de:ad:be:ef)"
	is_open
	lab_capture_stop frames || fail "the capture is not complete"
	same "frames of $starts starts" "$starts" "$(grep -cx 'frames 6' "$LAB/frames.sealed")"
	same "frames of $starts starts" "$starts" "$(grep -cx 'frames 6' "$LAB/frames.foreign")"
	same "packets of 3 starts without the guard" 9 "$(marked frames "$control")"
	same "packets of 3 starts on another network without the guard" 9 "$(marked frames "$before")"
	same "packets of $starts starts by the bridge" 0 "$(marked frames "$sealed")"
	same "packets of $starts starts on another network" 0 "$(marked frames "$foreign")"
	lab_host sysctl -qw net.ipv4.conf.all.rp_filter=2
	lab_docker rm -f app > /dev/null
	lab_docker network rm zother > /dev/null
}

sealed_ports_are() { # AT LEAST, of containers
	[ "$(monitor_json '[.guards[0].programs[] | select(.program == "seal_port" and .attached)] |
		length')" -gt "$1" ]
}

# ---- Docker away
engine_end() {
	local pid
	pid=$(lab_pid dockerd)
	kill "$pid"
	lab_wait "the engine to end" 20 lab_gone "$pid"
}

test_monitor_docker_down() {
	local pid
	watch
	lab_app app -- sleep infinity
	state_is up
	pid=$(lab_docker inspect -f '{{.State.Pid}}' app)
	engine_end
	same "state" up "$(guard_state)"
	# a restart of ours: the very same process is known
	guard_monitor_end
	guard_monitor
	state_is up
	status_says "Docker does not answer on $LAB/docker.sock"
	alive
	same "an answer" "src=$LAB_VPN_EXIT" "$(in_app "$pid")"
	# a file that says otherwise is not believed
	guard_monitor_end
	sed -i -E 's/^([0-9]+) ([0-9]+)/\1 1\2/' "$LAB/run/vpn.gateway"
	guard_monitor
	state_is no_gateway
	same "open" false "$(monitor_json '.guards[0].open')"
	alive
	lab_engine_start
	state_is up
	is_open
	# hanging instead of away
	guard_monitor_end
	kill -STOP "$(lab_pid dockerd)"
	guard_monitor
	state_is up
	alive
	# ... and the process is another's
	guard_monitor_end
	echo "$pid 1 1 x gateway" > "$LAB/run/vpn.gateway"
	guard_monitor
	state_is no_gateway
	status_says "Docker does not answer on $LAB/docker.sock"
	alive
	kill -CONT "$(lab_pid dockerd)"
	state_is up
}

in_app() { # PID: asked from the namespace and cgroup of a container, without Docker
	local cgroup
	cgroup=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
	(
		echo "$BASHPID" > "$LAB_CGROOT$cgroup/cgroup.procs"
		exec nsenter --net="/proc/$1/ns/net" -- curl -s -m 5 "http://$LAB_WEB/"
	)
}

# ---- on_down: stop
runs() { # NAME...
	local name
	for name; do
		[ "$(lab_docker inspect -f '{{.State.Running}}' "$name")" = true ] || return 1
	done
}

stopped() { # NAME...
	local name
	for name; do
		! runs "$name" || return 1
	done
}

started_at() { # NAME
	lab_docker inspect -f '{{.State.StartedAt}}' "$1"
}

compose() { # SERVICE [DEPENDS-ON]
	lab_app "$1" --label com.docker.compose.project=p --label "com.docker.compose.service=$1" \
		--label "com.docker.compose.depends_on=${2:-}" -- sleep infinity
}

test_monitor_on_down_stop() {
	local since
	watch 's/lease: 2s/&, on_down: stop/'
	state_is up
	# in the order of their names and of their age the dependents come first
	compose aa bb:service_started:true
	compose bb cc:service_healthy:true,xx:service_started:false
	compose cc
	lab_app mine -- sleep infinity
	lab_app before -- sleep infinity
	lab_app touched -- sleep infinity
	lab_docker run -d --init --name outside lab-app sleep infinity > /dev/null
	lab_docker stop -t 0 before > /dev/null
	since=$(started_at outside)
	lab_peer_silent
	lab_wait "the containers to be stopped" 40 stopped aa bb cc mine touched || fail "not stopped"
	runs outside gateway || fail "stopped what is not protected"
	same "outside" "$since" "$(started_at outside)"
	# the user's: started and stopped again, and one removed
	lab_docker start touched > /dev/null
	lab_docker stop -t 0 touched > /dev/null
	lab_docker rm mine > /dev/null
	# a restart of ours in between, the hard way
	kill -9 "$(lab_pid monitor)"
	guard_monitor
	lab_peer_back
	state_is up 60
	lab_wait "the containers to be started" 30 runs aa bb cc || fail "not started"
	[[ "$(started_at cc)" < "$(started_at bb)" && "$(started_at bb)" < "$(started_at aa)" ]] ||
		fail "order: $(started_at aa) $(started_at bb) $(started_at cc)"
	lab_wait "the end of it" 10 nothing_remembered || fail "left: $(cat "$LAB/run/stopped.json")"
	stopped before touched || fail "started what the user had stopped"
}

nothing_remembered() {
	[ "$(jq '[.[][]] | length' "$LAB/run/stopped.json")" = 0 ]
}

# Killed while it stops them: what it was about to stop is known.
test_monitor_killed_while_stopping() {
	watch 's/lease: 2s/&, on_down: stop/'
	state_is up
	# it does not end at once: the grace is used up
	lab_docker run -d --name slow --network vpn_network --dns "$LAB_RESOLVER" \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity > /dev/null
	lab_peer_silent
	lab_wait "the stop to begin" 30 grep -q slow "$LAB/run/stopped.json" || fail "no stop"
	kill -9 "$(lab_pid monitor)"
	lab_wait "the container to be stopped" 20 stopped slow || fail "not stopped"
	lab_peer_back
	guard_monitor
	state_is up 60
	lab_wait "the container to be started" 30 runs slow || fail "not started"
}

# Down for less than the lease, or with on_down: deny: nobody is stopped.
test_monitor_short_down() {
	local since
	watch
	lab_app app -- sleep infinity
	state_is up
	since=$(started_at app)
	lab_peer_silent
	lab_wait "the end of it" 20 guard_is down || fail "state $(guard_state)"
	sleep 4 # time itself: twice the lease
	lab_peer_back
	state_is up 60
	same "app" "$since" "$(started_at app)"
}

# ---- the container shares the gateway's namespace
shared_answers() {
	[ "$(lab_docker exec app curl -s -m 2 "http://$LAB_WEB/")" = "src=$LAB_VPN_EXIT" ]
}

test_monitor_shared_namespace() {
	guard_policy gateway 2s
	sed -i -e "s/address: .*/interface: tun0/" -e '/^    local:/d' \
		-e "s/dns: .*/dns: {server: $LAB_DNS}/" "$LAB/policy.yaml"
	must "load" guard load
	guard_monitor
	state_is up
	lab_docker run -d --init --name app --network container:gateway \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity > /dev/null
	lab_wait "an answer" 10 shared_answers || fail "no answer: $(guard status 2>&1 | head -n 12)"
	lab_capture_start shared || fail "no capture"
	lab_docker exec gateway sh -c 'ip link set tun0 down'
	lab_wait "the end of it" 5 guard_is down || fail "state $(guard_state)"
	must_not "an answer with the tunnel down" shared_answers
	for _ in 1 2 3; do
		lab_docker exec app firstpacket "$LAB_NET_INET.57" shared
	done > "$LAB/shared"
	must_not "sent" grep -q 'sent [1-9]' "$LAB/shared"
	# it starts another tunnel
	lab_docker exec gateway sh -c 'kill $(pidof wireguard-go)'
	state_is up 60
	lab_wait "an answer" 20 shared_answers || fail "no answer: $(guard status 2>&1 | head -n 12)"
	lab_capture_stop shared || fail "the capture is not complete"
	same "packets in clear" "" "$(lab_leaks shared | head -n 3)"
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 # of lab.sh and run.sh; for another shell
#
# The link seal with containers that come and go, and the gateway's namespace shared. Helpers:
# test_monitor.sh.

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

# ---- the bridges, before there is anything on them
hangs() { # PROGRAM DEVICE
	monitor_json ".guards[0].programs[] | select(.attached and .program == \"$1\") | .device" |
		grep -qx "$2"
}

# By the names that Docker gives, of a gateway that is not started yet.
test_monitor_networks_by_name() {
	lab_docker stop -t 0 gateway > /dev/null
	rm -rf "$LAB/state" # no monitor has ever seen them
	watch 's|^    local:|    link: {network: vpn_network}\n    uplink: {network: uplink}\n&|'
	lab_wait "the seal" 10 hangs seal_bridge "$(bridge_of vpn_network)" ||
		fail "no seal: $(monitor_json '.guards[0].programs')"
	lab_wait "the uplink guard" 10 hangs uplink_bridge "$(bridge_of uplink)" ||
		fail "no uplink guard: $(monitor_json '.guards[0].programs')"
	state_is no_gateway
	lab_docker start gateway > /dev/null
	state_is up
}

# A gateway whose first act is to send in clear, each time on a network that nobody has seen before.
openers() { # N ADDRESS FILE
	local i
	for ((i = 0; i < $1; i++)); do
		lab_docker network create opens > /dev/null
		lab_docker run --rm --name opener --network opens lab-app firstpacket "$2" opener
		lab_docker network rm opens > /dev/null
	done > "$3" 2>&1
}

test_monitor_first_uplink() {
	local n=10 before=$LAB_NET_INET.58 guarded=$LAB_NET_INET.59
	lab_capture_start openers || fail "no capture"
	openers 2 "$before" "$LAB/openers.before"
	watch 's/container: gateway/container: opener/'
	state_is no_gateway
	openers $n "$guarded" "$LAB/openers.guarded"
	lab_capture_stop openers || fail "the capture is not complete"
	same "packets of 2 starts without the guard" 12 "$(marked openers "$before")"
	same "starts" $n "$(grep -cx 'sent 5 connect Operation now in progress' "$LAB/openers.guarded")"
	same "packets of $n first starts" 0 "$(marked openers "$guarded")"
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

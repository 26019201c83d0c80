# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Other ways in which Docker is told to give a protected container a way past the gateway.

# A start or exec that must be refused, with its reason in the log and nothing on the wire.
refused() { # WHAT ANSWER REASON ADDRESS CMD...
	local what=$1 answer=$2 reason=$3 address=$4
	shift 4
	same "$what" "$answer" "$("$@" firstpacket "$address" networks 2>&1)"
	must "$what: event" guard_event "$what" \
		".dst == \"$address\" and .reason == \"$reason\" and .container.name != null"
	tried+=("$address")
}

test_networks() {
	local tried=() address guarded=(--cgroup-parent "$LAB_GUARD_CGROUP")

	lab_capture_start networks || fail "no capture"
	# the control: each of these ways does lead out
	for address in host uplink; do
		same "network $address without the guard" 'sent 5 connect Operation now in progress' \
			"$(lab_docker run --rm --network $address lab-app \
				firstpacket "$LAB_NET_INET.99" networks)"
	done
	load
	must "host" lab_docker run -d --name inhost --network host "${guarded[@]}" lab-app
	refused "network_mode: host" "$BY_CALL" host_namespace "$LAB_NET_INET.101" \
		lab_docker exec inhost
	must "start" lab_app two --cap-add NET_ADMIN -- sleep infinity
	must "second network" lab_docker network connect uplink two
	refused "a neighbour on a second network" "$BY_ROUTE" local_not_listed "$LAB_NET_GW.77" \
		lab_docker exec two
	must "other default route" lab_docker exec two ip route replace default via "$LAB_NET_GW.1"
	refused "a default route of its own" "$BY_ROUTE" next_hop "$LAB_NET_INET.102" \
		lab_docker exec two
	must "a route for one address" lab_docker exec two \
		ip route add "$LAB_NET_INET.103/32" via "$LAB_NET_GW.1"
	must "default route again" lab_docker exec two ip route replace default via "$LAB_NEXT_HOP"
	refused "a route of its own" "$BY_ROUTE" next_hop "$LAB_NET_INET.103" lab_docker exec two
	must "no default route" lab_docker exec two ip route replace default dev eth0
	refused "a default route without next hop" "$BY_ROUTE" local_not_listed \
		"$LAB_NET_INET.104" lab_docker exec two
	must "default route again" lab_docker exec two ip route replace default via "$LAB_NEXT_HOP"
	same "through the gateway, still" "src=$LAB_VPN_EXIT" \
		"$(lab_docker exec two curl -s -m 5 "http://$LAB_WEB/")"
	# joining the network of a container that is not guarded does not take the guard off
	must "unguarded" lab_docker run -d --name open --network bridge lab-app
	must "join" lab_docker run -d --name joined --network container:open "${guarded[@]}" lab-app
	refused "network_mode: container" "$BY_ROUTE" next_hop "$LAB_NET_INET.105" \
		lab_docker exec joined
	lab_capture_stop networks || fail "the capture is not complete"
	same "packets of the control" 12 \
		"$(lab_packets networks host "dst host $LAB_NET_INET.99 and portrange 7777-7778" | wc -l)"
	for address in "${tried[@]}"; do
		same "packets to $address" 0 "$(lab_packets networks host "dst host $address" | wc -l)"
	done
}

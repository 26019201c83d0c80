# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every name is asked of the gateway's resolver, by whichever library and whichever resolver the
# program believes in. The internet's name server is the witness: it must see each question, and
# from the VPN's exit alone.

# Docker's resolver would ask this one, the gateway's asks $LAB_DNS: so the witness can tell them
# apart.
OTHER_DNS=$LAB_NET_INET.54

asked_by() { # NAME: who asked whom for it, as the internet saw it
	awk -v name="$1" '/^dns/ && $6 == name { print $2, "asked", $4 }' "$LAB/log/requests" | sort -u
}

# One question; it must be answered, and only the gateway's resolver must have asked.
ask() { # TOOL CMD... with NAME in it
	local name out
	name=$(tr '_ @+' '----' <<< "$1-$mode-$RANDOM").example
	shift
	out=$(lab_docker exec app "${@//NAME/$name}" 2>&1)
	grep -q "$LAB_WEB" <<< "$out" || fail "$mode: '${*//NAME/$name}' was not answered: $out"
	same "$mode: who asked for $name" "$LAB_VPN_EXIT asked $LAB_DNS" "$(asked_by "$name")"
}

# One question that must not be answered, and not be seen outside at all.
ask_in_vain() { # TOOL CMD...
	local name out which
	name=$(tr '_ @+' '----' <<< "$1-$mode-$RANDOM").example
	shift
	# what is asked by TCP is refused before there is a question to read
	which=".dns_name == \"$name\""
	[[ " $* " != *" +tcp "* ]] || which='.proto == "tcp"'
	out=$(lab_docker exec app "${@//NAME/$name}" 2>&1)
	! grep -q "$LAB_WEB" <<< "$out" || fail "$mode: '${*//NAME/$name}' was answered: $out"
	same "$mode: who asked for $name" "" "$(asked_by "$name")"
	must "$mode: event for $name" guard_event "refused question for $name" \
		".reason == \"dns_elsewhere\" and .container.name == \"app\" and $which"
}

# dockerd's own port for 127.0.0.11 in the namespace of the container
docker_dns_port() { # udp|tcp
	nsenter --net="/proc/$(lab_docker inspect -f '{{.State.Pid}}' app)/ns/net" \
		iptables -t nat -S DOCKER_OUTPUT | sed -n "s/.* -p $1 .*--to-destination 127.0.0.11://p"
}

dns_app() { # MODE
	local name=control-$1-$RANDOM.example
	mode=$1
	lab_capture_start "dns-$mode" || fail "no capture"
	must "start a peer" lab_docker run -d --init --name peer --network vpn_network \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	# `onlyhere` is known to this container's own resolver and to no other
	must "start" lab_docker run -d --init --name app --network vpn_network --dns "$OTHER_DNS" \
		--cgroup-parent "$LAB_GUARD_CGROUP" --link peer:onlyhere lab-app sleep infinity
	lab_docker exec app getent ahostsv4 "$name" > /dev/null
	same "without the guard: who asked" "$LAB_VPN_EXIT asked $OTHER_DNS" "$(asked_by "$name")"
	load "$mode"
	grep -q '^nameserver 127.0.0.11' <<< "$(lab_docker exec app cat /etc/resolv.conf)" ||
		fail "the container does not use Docker's resolver: the test would prove nothing"
}

dns_end() {
	lab_capture_stop "dns-$mode" || fail "the capture is not complete"
	same "$mode: packets in clear" "" "$(lab_leaks "dns-$mode" | head -n 3)"
}

# What every mode must answer, through whatever the program uses.
ask_all_libraries() {
	ask glibc getent ahostsv4 NAME
	ask musl resolve-musl NAME
	ask busybox nslookup NAME
	ask dig_udp dig +tries=1 +time=3 +short NAME
	ask curl curl -s -m 5 -o /dev/null -w '%{remote_ip}' http://NAME/
}

test_dns_gateway() {
	local mode port

	dns_app gateway
	ask_all_libraries
	ask dig_tcp dig +tcp +tries=1 +time=3 +short NAME
	# another resolver, by address: taken to the gateway's
	ask dig_other dig +tries=1 +time=3 +short NAME "@$OTHER_DNS"
	ask dig_other_tcp dig +tcp +tries=1 +time=3 +short NAME "@$OTHER_DNS"
	ask busybox_other nslookup NAME "$OTHER_DNS"
	for port in $(docker_dns_port udp); do
		ask_in_vain port_udp dig +tries=1 +time=2 +short -p "$port" NAME @127.0.0.11
	done
	for port in $(docker_dns_port tcp); do
		ask_in_vain port_tcp dig +tcp +tries=1 +time=2 +short -p "$port" NAME @127.0.0.11
	done
	same "the name of another container" "$(address_of peer)" \
		"$(lab_docker exec app resolve-musl peer)"
	dns_end
}

test_dns_strict() {
	local mode

	dns_app strict
	ask_in_vain dig_docker dig +tries=1 +time=2 +short NAME @127.0.0.11
	ask_in_vain dig_docker_tcp dig +tcp +tries=1 +time=2 +short NAME @127.0.0.11
	ask_in_vain dig_other dig +tries=1 +time=2 +short NAME "@$LAB_DNS"
	ask_in_vain glibc getent ahostsv4 NAME
	ask_in_vain musl resolve-musl NAME
	ask dig_gateway dig +tries=1 +time=3 +short NAME "@$LAB_RESOLVER"
	ask dig_gateway_tcp dig +tcp +tries=1 +time=3 +short NAME "@$LAB_RESOLVER"
	ask busybox_gateway nslookup NAME "$LAB_RESOLVER"
	dns_end
}

address_of() {
	lab_docker inspect -f '{{.NetworkSettings.Networks.vpn_network.IPAddress}}' "$1"
}

test_dns_local_names() {
	local mode library address out

	dns_app local-names
	ask_all_libraries
	address=$(address_of peer)
	for library in 'getent ahostsv4' resolve-musl 'dig +short +tries=2 +time=2'; do
		# shellcheck disable=SC2086 # words of a command
		out=$(lab_docker exec app $library onlyhere 2>&1)
		grep -qF "$address" <<< "$out" ||
			fail "local-names: a name only Docker knows, by $library: $out"
	done
	# A limit of this mode: busybox's nslookup asks again on the same connected socket, which
	# cannot be sent elsewhere any more. Its question is refused, never sent to anybody else.
	must_not "local-names: a name only Docker knows, by nslookup" \
		lab_docker exec app nslookup onlyhere
	same "local-names: who asked for Docker's name" "" "$(asked_by onlyhere)"
	dns_end
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2317 # of lab.sh and run.sh
#
# doctor with a real engine: what each option of `docker run` is called, what a container that has
# none of it looks like, and that what the kernel says of a running one counts.

doctor_json() {
	guard doctor --json > "$LAB/doctor.json" 2> "$LAB/doctor.err"
}

said() { # SEVERITY ID [SUBJECT]
	jq -e --arg s "$1" --arg i "$2" --arg w "${3:-}" '.findings |
		any(.severity == $s and .id == $i and ($w == "" or .subject == $w))' \
		"$LAB/doctor.json" > /dev/null
}

says_of() { # SUBJECT: ids that are not ok, sorted
	jq -r --arg w "$1" '[.findings[] | select(.subject == $w and .severity != "ok") |
		.id | sub("container."; "")] | sort | join(" ")' "$LAB/doctor.json"
}

test_doctor() {
	local hardened=(--cap-drop NET_RAW --security-opt no-new-privileges:true)

	load
	must "good" lab_app good "${hardened[@]}" -- sleep infinity
	must "plain" lab_app plain -- sleep infinity
	must "caps" lab_app caps "${hardened[@]}" --cap-add NET_ADMIN --cap-add SYS_PTRACE \
		--device /dev/net/tun -- sleep infinity
	# made only: the laboratory itself may lack what they would get
	must "privileged" lab_docker create --name privileged --network vpn_network --privileged \
		--dns "$LAB_RESOLVER" --cgroup-parent "$LAB_GUARD_CGROUP" lab-app
	must "unconfined" lab_app unconfined "${hardened[@]}" --security-opt seccomp=unconfined \
		-- sleep infinity
	must "spaces" lab_app spaces "${hardened[@]}" --pid host --cgroupns host -- sleep infinity
	must "mounts" lab_app mounts "${hardened[@]}" -v "$LAB/docker.sock:/s/docker.sock" \
		-v /sys/fs/cgroup:/c -- sleep infinity
	must "readonly" lab_app readonly "${hardened[@]}" -v /sys/fs/cgroup:/c:ro -- sleep infinity
	must "two" lab_app two "${hardened[@]}" -- sleep infinity
	must "second network" lab_docker network connect uplink two
	must "nodns" lab_docker run -d --name nodns --network vpn_network "${hardened[@]}" \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	must "ports" lab_app ports "${hardened[@]}" -p 127.0.0.1:18080:80 -- sleep infinity
	must "inhost" lab_docker run -d --name inhost --network host "${hardened[@]}" \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	must "shared" lab_docker run -d --name shared --network container:good "${hardened[@]}" \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	must "outside" lab_docker run -d --name outside --network vpn_network "${hardened[@]}" \
		--dns "$LAB_RESOLVER" lab-app sleep infinity
	must "elsewhere" lab_docker create --name elsewhere --network uplink --privileged lab-app

	doctor_json
	same "exit with something bad" 1 $?
	must "JSON" jq -e '.schema == 1 and .verdict == "degraded"' "$LAB/doctor.json"
	must "good" said ok container.inside good
	same "good" "" "$(says_of good)"
	same "plain" "net_raw new_privileges" "$(says_of plain)"
	same "caps" "net_admin sys_ptrace tun" "$(says_of caps)"
	same "privileged" "privileged" "$(says_of privileged)"
	same "unconfined" "seccomp" "$(says_of unconfined)"
	same "spaces" "cgroupns pid_host" "$(says_of spaces)"
	same "mounts" "engine_socket sys" "$(says_of mounts)"
	same "readonly" "" "$(says_of readonly)"
	same "two" "second_network" "$(says_of two)"
	[[ "$(says_of nodns)" = dns* ]] || fail "nodns: $(says_of nodns)"
	same "ports" "ports" "$(says_of ports)"
	must "inhost" said bad container.network_host inhost
	same "shared" "network_container" "$(says_of shared)"
	same "outside" "outside" "$(says_of outside)"
	same "elsewhere" "" "$(says_of elsewhere)"
	must "the gateway" said ok gateway.container gateway
	must "the network" said ok network.vpn vpn_network
	same "the network" "" "$(says_of vpn_network)"
	must "the engine" said ok docker.engine
	must "no socket from elsewhere" said ok socket.foreign vpn

	# with the bad ones gone nothing is bad, whatever there is to know
	must "rm" lab_docker rm -f caps privileged unconfined spaces mounts two nodns inhost shared outside
	must "no pings" lab_docker rm -f elsewhere ports
	doctor_json
	same "exit with nothing bad: $(jq -r '.findings[] | select(.severity == "bad") | .what' \
		"$LAB/doctor.json")" 0 $?
	guard unload --yes > /dev/null
	doctor_json
	same "exit when nothing is loaded" 2 $?
	must "good, all the same" said ok container.inside good
}

# An engine that hangs: said after its limit, and the rest is looked at.
test_doctor_engine_hangs() {
	local t0=$SECONDS pid
	load
	must "good" lab_app good --cap-drop NET_RAW --security-opt no-new-privileges:true -- sleep infinity
	pid=$(lab_pid dockerd)
	kill -STOP "$pid"
	doctor_json
	same "exit" 0 $?
	[ $((SECONDS - t0)) -lt 20 ] || fail "took $((SECONDS - t0)) s"
	kill -CONT "$pid"
	must "the engine" said warn docker.engine
	must "its process was looked at" said ok container.unknown
	must "kernel" said ok kernel.btf
}

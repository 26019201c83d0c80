# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A process of a guarded container that gets into the host's network namespace cannot send, and the
# log says who tried.

# From inside: a container that sees the host's processes and may enter their namespaces (which is
# what `privileged: true` gives; that itself is refused on machines that lack a capability).
escape_by_nsenter() { # ADDRESS: prints its pid (of the host, --pid=host) and what came of it
	lab_docker run --rm --name escape --pid host --network vpn_network \
		--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined \
		--security-opt apparmor=unconfined \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app \
		sh -c "echo \$\$; exec nsenter -t $(lab_pid host) -n firstpacket $1 escape"
}

# From outside, the accident that started this project: a process in the host's namespace whose
# cgroup is the container's.
escape_by_cgroup() { # CONTAINER ADDRESS
	local id
	id=$(lab_docker inspect -f '{{.Id}}' "$1")
	lab_docker cp "$1:/usr/local/bin/firstpacket" "$LAB/bin/firstpacket" > /dev/null
	# shellcheck disable=SC2016 # for the inner shell
	lab_host bash -c 'echo $$ > "$0/cgroup.procs" && echo $$ && exec "$1" "$2" escape' \
		"/sys/fs/cgroup$LAB_GUARD_CGROUP/$id" "$LAB/bin/firstpacket" "$2"
}

escape_seen() { # ADDRESS PID CONTAINER: the event names the process
	local event
	event=$(guard_event "escape to $1" ".dst == \"$1\"") || {
		fail "no event for $1"
		return
	}
	same "reason" host_namespace "$(jq -r .reason <<< "$event")"
	same "pid" "$2" "$(jq -r .tgid <<< "$event")"
	same "comm" firstpacket "$(jq -r .comm <<< "$event")"
	same "netns" "$(stat -Lc %i "/proc/$(lab_pid host)/ns/net")" "$(jq -r .netns <<< "$event")"
	same "container" "$3" "$(jq -r .container.name <<< "$event")"
}

test_namespace_escape() {
	local out control=$LAB_NET_INET.71 nsenter=$LAB_NET_INET.72 cgroup=$LAB_NET_INET.73

	lab_capture_start escape || fail "no capture"
	out=$(escape_by_nsenter "$control")
	same "without the guard" 'sent 5 connect Operation now in progress' "$(tail -n 1 <<< "$out")"
	load
	out=$(escape_by_nsenter "$nsenter")
	same "by nsenter" "$BY_CALL" "$(tail -n 1 <<< "$out")"
	escape_seen "$nsenter" "$(head -n 1 <<< "$out")" escape
	must "start" lab_app app -- sleep infinity
	out=$(escape_by_cgroup app "$cgroup")
	same "by its cgroup" "$BY_CALL" "$(tail -n 1 <<< "$out")"
	escape_seen "$cgroup" "$(head -n 1 <<< "$out")" app
	lab_capture_stop escape || fail "the capture is not complete"
	same "packets without the guard" 6 "$(lab_packets escape host "dst host $control" | wc -l)"
	same "packets under the guard" "" \
		"$(lab_packets escape host "dst host $nsenter or dst host $cgroup")"
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No window: the first instruction of a container, of an exec, of a health check and of a restarted
# container is already under the guard. The containers are put on Docker's default bridge, whose way
# out is the host's own address: without the guard, everything they send is a leak.

STARTS=${STARTS:-200}

# N containers whose first act is to send, four at a time; what each said goes to FILE.
start_senders() { # N ADDRESS FILE [docker args]
	local n=$1 address=$2 file=$3
	shift 3
	export LAB LAB_DOCKER_CLIENT
	seq "$n" | DOCKER_CONFIG=$LAB/client DOCKER_HOST=unix://$LAB/docker.sock xargs -P 4 -I{} \
		"$LAB_DOCKER_CLIENT" run --rm "$@" lab-app firstpacket "$address" first-{} > "$file" 2>&1
}

marked() { # CAPTURE ADDRESS: packets to an address on the wire
	lab_packets "$1" host "dst host $2" | wc -l
}

test_first_instruction() {
	local guarded=$LAB_NET_INET.66 control=$LAB_NET_INET.65 outside=$LAB_NET_INET.64

	lab_capture_start first || fail "no capture"
	start_senders 5 "$control" "$LAB/first.control" --network bridge \
		--cgroup-parent "$LAB_GUARD_CGROUP"
	load
	start_senders "$STARTS" "$guarded" "$LAB/first.guarded" --network bridge \
		--cgroup-parent "$LAB_GUARD_CGROUP"
	start_senders 5 "$outside" "$LAB/first.outside" --network bridge
	lab_capture_stop first || fail "the capture is not complete"

	same "packets of 5 starts without the guard" 30 "$(marked first "$control")"
	same "packets of 5 starts outside the guard" 30 "$(marked first "$outside")"
	same "starts that were refused" "$STARTS" "$(grep -cx "$BY_ROUTE" "$LAB/first.guarded")"
	same "packets of $STARTS starts under the guard" 0 "$(marked first "$guarded")"
	# evidence: each attempt counted, none lost, however the events were folded
	lab_wait "all denials in the log" 10 all_counted "$guarded" $((STARTS * 6)) ||
		fail "denials counted for $guarded: $(counted "$guarded"), not $((STARTS * 6))"
}

counted() { # ADDRESS: denied attempts to it according to the log
	guard_events ".dst == \"$1\"" | jq -s 'map(.count) | add // 0'
}

all_counted() { # ADDRESS NUMBER
	[ "$(counted "$1")" = "$2" ]
}

health_log() { # CONTAINER: what its health checks said
	lab_docker inspect -f '{{range .State.Health.Log}}{{.Output}}{{end}}' "$1"
}

health_checked() { # CONTAINER TIMES
	[ "$(health_log "$1" | grep -c sent)" -ge "$2" ]
}

# `docker logs` has the answer of each start of the container.
started_times() { # CONTAINER TIMES
	[ "$(lab_docker logs "$1" 2>&1 | grep -c sent)" -ge "$2" ]
}

test_exec_health_restart() {
	local exec=$LAB_NET_INET.61 health=$LAB_NET_INET.62 start=$LAB_NET_INET.63 i

	load
	lab_capture_start again || fail "no capture"
	must "start a container on the wrong network" lab_docker run -d --name wrong --init \
		--network bridge --cgroup-parent "$LAB_GUARD_CGROUP" --restart always \
		--health-interval 1s --health-cmd "firstpacket $health health" lab-app \
		sh -c "firstpacket $start start; exec sleep infinity"
	for i in 1 2 3 4 5; do
		same "exec $i" "$BY_ROUTE" "$(lab_docker exec wrong firstpacket "$exec" exec)"
	done
	same "exec as another user" "$BY_ROUTE" \
		"$(lab_docker exec -u 65534 wrong firstpacket "$exec" exec)"
	must "three health checks" lab_wait "three health checks" 15 health_checked wrong 3
	same "health checks that got out" "" "$(health_log wrong | grep sent | grep -vx "$BY_ROUTE")"
	for i in 2 3; do
		must "restart" lab_docker restart -t 0 wrong
		must "start $i" lab_wait "start number $i" 15 started_times wrong $i
	done
	# as a crash: the restart policy starts it again, no command of ours
	kill -9 "$(lab_docker inspect -f '{{.State.Pid}}' wrong)"
	must "start after a crash" lab_wait "a start after a crash" 15 started_times wrong 4
	same "starts that got out" "" "$(lab_docker logs wrong 2>&1 | grep sent | grep -vx "$BY_ROUTE")"
	lab_capture_stop again || fail "the capture is not complete"
	for i in "$exec" "$health" "$start"; do
		same "packets to $i" 0 "$(marked again "$i")"
		must "event for $i" guard_event "denied to $i" \
			".dst == \"$i\" and .container.name == \"wrong\""
	done
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Enforcement is the kernel's: killing every process of bpfguard, at any moment, opens nothing.

# pids of bpfguard in the lab: the processes that lab_host and lab_spawn started are in its cgroup
guard_pids() {
	local pid
	find "$LAB_CG" -name cgroup.procs -exec cat {} + | while read -r pid; do
		[ "$(cat "/proc/$pid/comm" 2> /dev/null)" != bpfguard ] || echo "$pid"
	done
}

kill_guard() {
	local pids
	pids=$(guard_pids)
	# shellcheck disable=SC2086 # one pid a word
	[ -z "$pids" ] || kill -9 $pids 2> /dev/null
}

# Starts bpfguard VERB and kills it after some time: that moment is what is tested. Was it hit?
kill_after() { # MICROSECONDS VERB
	local pid was
	(guard_exec "$2") > /dev/null 2>&1 &
	pid=$!
	busybox usleep "$1"
	read -r was 2> /dev/null < "/proc/$pid/comm"
	kill -9 "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	[ $? = 137 ] && [ "$was" = bpfguard ]
}

sender_tries() {
	lab_docker logs sender 2>&1 | wc -l
}

sender_tried() { # TIMES
	[ "$(sender_tries)" -ge "$1" ]
}

test_kill_guard() {
	local address=$LAB_NET_INET.81 i before mode=gateway pid hit=0

	load
	must "start" lab_docker run -d --init --name sender --network bridge \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sh -c \
		"while :; do firstpacket $address kill; done"
	lab_capture_start kill || fail "no capture"
	must "sender" lab_wait "the sender" 10 sender_tried 20
	# the collector
	kill_guard
	must "the collector is gone" lab_wait "no process of bpfguard" 10 test -z "$(guard_pids)"
	before=$(sender_tries)
	must "sender goes on" lab_wait "the sender, after the kill" 10 sender_tried $((before + 20))
	# reloads, killed a little later each time, so that each of their steps is hit
	for i in $(seq 0 39); do
		[ $mode = gateway ] && mode=strict || mode=gateway
		guard_policy $mode
		kill_after $((i * 1300)) reload && hit=$((hit + 1))
	done
	[ $hit -ge 5 ] || fail "only $hit of 40 reloads were killed: the test proves nothing"
	before=$(sender_tries)
	must "sender goes on" lab_wait "the sender, after the kills" 10 sender_tried $((before + 20))
	guard_policy gateway
	must "a reload after all that" guard reload
	must "status after all that" guard status
	guard_collect
	must "events after all that" guard_event "denied to $address" ".dst == \"$address\""
	lab_capture_stop kill || fail "the capture is not complete"
	same "attempts that got out" "" "$(lab_docker logs sender 2>&1 |
		grep -vx "$BY_ROUTE")"
	same "packets" "" "$(lab_packets kill host "dst host $address" | head -n 3)"
}

# The first load killed at some moment: whatever it leaves, the next one works, and then holds.
test_kill_first_load() {
	local i pid out hit=0 address=$LAB_NET_INET.82

	guard_policy gateway
	# warmed up, so that the moments below fall into the work and not into the disk
	must "load" guard load
	must "unload" guard unload --yes
	lab_capture_start killfirst || fail "no capture"
	for i in $(seq 0 14); do
		kill_after $((i * 8000)) load && hit=$((hit + 1))
		out=$(guard load 2>&1) || fail "load after a load killed at $((i * 8)) ms: $out"
		out=$(lab_docker run --rm --network bridge --cgroup-parent "$LAB_GUARD_CGROUP" \
			lab-app firstpacket "$address" killfirst)
		same "start $i" "$BY_ROUTE" "$out"
		must "unload" guard unload --yes
	done
	[ $hit -ge 3 ] || fail "only $hit of 15 loads were killed: the test proves nothing"
	lab_capture_stop killfirst || fail "the capture is not complete"
	same "packets" 0 "$(lab_packets killfirst host "dst host $address" | wc -l)"
}

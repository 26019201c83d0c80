# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2015 # "A && B || die" is meant so
#
# bpfguard on the lab's host: an instance of its own, with pins, run state, log and policy in places
# that no other instance has. Source after lab.sh; BPFGUARD names the binary.
#
#   guard VERB...             bpfguard on the lab's host
#   guard_policy DNS-MODE     writes the policy for the lab's network
#   guard_collect             `log --collect` in the background
#   guard_event WHAT FILTER   waits for an event (jq condition) and prints it, one JSON line
#   guard_forget              ends the collector, unloads

BPFGUARD=${BPFGUARD:-$LAB_DIR/../../build/bpfguard}

guard_exec() { # VERB...: replaces the (sub)shell
	lab_host_exec env BPFGUARD_POLICY="$LAB/policy.yaml" BPFGUARD_RUN="$LAB/run" \
		BPFGUARD_PINS="/sys/fs/bpf/${LAB_GUARD_CGROUP#/}" BPFGUARD_LOG="$LAB/denied" \
		BPFGUARD_DOCKER="$LAB/docker.sock" "$BPFGUARD" "$@"
}

guard() {
	(guard_exec "$@")
}

guard_policy() { # MODE of DNS
	mkdir -p "$LAB/run" "$LAB/denied"
	cat > "$LAB/policy.yaml" <<- END
		version: 1
		guards:
		  - name: vpn
		    cgroup: $LAB_GUARD_CGROUP
		    gateway:
		      address: [$LAB_NEXT_HOP]
		      container: gateway
		    local: [$LAB_NET_VPN.0/24]
		    dns: {mode: $1, server: [$LAB_RESOLVER]}
		    kill_switch: {lease: off}
	END
}

guard_collect() {
	rm -rf "$LAB/denied"
	mkdir -p "$LAB/denied"
	(guard_exec log --collect) > "$LAB/log/collect.log" 2>&1 < /dev/null &
	echo $! > "$LAB/collect.pid"
	disown # its end is not this shell's to report
}

guard_events() { # FILTER: all events so far that satisfy a jq condition, one a line
	[ ! -e "$LAB/denied/denied.jsonl" ] || jq -c "select($1)" "$LAB/denied/denied.jsonl"
}

guard_has_event() {
	[ -n "$(guard_events "$1")" ]
}

guard_event() { # WHAT FILTER
	lab_wait "an event: $1" 10 guard_has_event "$2" || {
		[ ! -s "$LAB/log/collect.log" ] || tail -n 3 "$LAB/log/collect.log" >&2
		return 1
	}
	guard_events "$2" | head -n 1
}

guard_forget() {
	local pid
	pid=$(lab_pid collect 2> /dev/null) && kill "$pid" 2> /dev/null &&
		lab_wait "the collector to end" 10 lab_gone "$pid"
	rm -f "$LAB/collect.pid"
	guard unload --yes
}

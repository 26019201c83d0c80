# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2015 # "A && B || die" is meant so
#
# bpfguard on the lab's host: an instance of its own, with pins, run state, log and policy in places
# that no other instance has. Source after lab.sh; BPFGUARD names the binary.
#
#   guard VERB...             bpfguard on the lab's host
#   guard_policy DNS-MODE [LEASE]  writes the policy for the lab's network; without LEASE no
#                             monitor is needed
#   guard_monitor             `monitor` in the background; guard_monitor_end ends it, _kill by -9
#   guard_collect             `log --collect` in the background
#   guard_event WHAT FILTER   waits for an event (jq condition) and prints it, one JSON line
#   guard_forget              ends the collector, unloads

BPFGUARD=${BPFGUARD:-$LAB_DIR/../../build/bpfguard}

guard_exec() { # VERB...: replaces the (sub)shell
	lab_host_exec env BPFGUARD_POLICY="$LAB/policy.yaml" BPFGUARD_RUN="$LAB/run" \
		BPFGUARD_PINS="/sys/fs/bpf/${LAB_GUARD_CGROUP#/}" BPFGUARD_LOG="$LAB/denied" \
		BPFGUARD_STATE="$LAB/state" BPFGUARD_DOCKER="$LAB/docker.sock" "$BPFGUARD" "$@"
}

guard() {
	(guard_exec "$@")
}

guard_policy() { # MODE of DNS [LEASE]
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
		    kill_switch: {lease: ${2:-off}, probe: {icmp: [$LAB_WEB], tcp: ["$LAB_WEB:80"]}}
	END
	[ -n "${2:-}" ] || sed -i 's/, probe: .*/}/' "$LAB/policy.yaml"
}

guard_monitor() {
	(guard_exec monitor) > "$LAB/log/monitor.log" 2>&1 < /dev/null &
	echo $! > "$LAB/monitor.pid"
	disown # its end is not this shell's to report
}

guard_monitor_end() {
	local pid
	pid=$(lab_pid monitor 2> /dev/null) || return 0
	kill -CONT "$pid" 2> /dev/null
	kill "$pid" 2> /dev/null && lab_wait "the monitor to end" 10 lab_gone "$pid"
	rm -f "$LAB/monitor.pid"
}

# Gone when this returns: what it holds, the lock among it, is given up a little later than it dies.
guard_monitor_kill() {
	local pid
	pid=$(lab_pid monitor)
	kill -9 "$pid"
	lab_wait "the monitor to be gone" 10 lab_gone "$pid"
}

# STATE of the first guard, as status has it.
guard_state() {
	guard status --json 2> /dev/null | jq -r '
		.monitor | if .alive then .last.guards[0].state // "none" else "none" end'
}

guard_is() { # STATE
	[ "$(guard_state)" = "$1" ]
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
	guard_monitor_end
	guard unload --yes
}

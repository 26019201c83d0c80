#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kill switch, measured: how long after each event the last packet of a protected container is
# accepted, how long recovery takes, and what of it is on the host's uplink in clear (never any).
#
#   tests/killswitch/run.sh [--rounds N] [--control] [--json FILE] [SCENARIO...]
#   tests/killswitch/run.sh --short     two rounds of each and of the restart test, with controls
#
# --control: the same without the guard, which proves the measuring: what is known to leak must be
# seen to. LAB_VPN_TYPE and LAB_DOCKER_GENERATION as in tests/lab/lab.sh. FILE gets one JSON object a
# line and scenario. The long form judges the slowest round. The short one runs beside other things: it
# judges the median, and where that is too late up to five rounds more, whose packets in clear count
# as well. Last line: `N passed, N failed, N skipped`.
set -u
# shellcheck source=tests/killswitch/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/killswitch/scenarios.sh
. "$here/scenarios.sh"

usage() {
	sed -n '5,9s/^# *//p' "$0" >&2
	exit 64
}

rounds=10 control='' short='' json=/dev/null only=()
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=${2:?} && shift ;;
	--json) json=$(realpath "${2:?}") && shift ;;
	--control) control=1 ;;
	--short) short=1 rounds=2 ;;
	-*) usage ;;
	*) only+=("$1") ;;
	esac
	shift
done

passed=0 failed=0 skipped=0
verdict() { # ok|FAIL|skip TEXT
	echo "$1 $2"
	case $1 in
	ok) passed=$((passed + 1)) ;;
	skip) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
}

wanted() { # NAME
	[ ${#only[@]} -eq 0 ] || [[ " ${only[*]} " = *" $1 "* ]]
}

# Sets `from`, whence recovery is measured: when it became possible.
undo() { # NAME
	from=$at
	declare -F "undo_$1" > /dev/null || return 0
	from=$EPOCHREALTIME
	"undo_$1"
}

# What is waited for: with the guard, that it refuses, unless it must not. Not from $at: a container
# that is killed loses its tunnel before its first process has ended.
denied() { # TARGET
	case $1 in
	same | calm) return 0 ;;
	esac
	lab_wait "a refusal" 15 said refused "$began"
}

# One round. Adds to the files $LAB/{deny,recovery,during}; false when it did not go as it should.
round() { # NAME TARGET
	local name=$1 target=$2 at='' from back rc=0 began
	# a monitor that has seen no flap yet: else each round's recovery would wait longer
	[ -n "$control" ] || {
		guard_monitor_end
		guard_monitor
		lab_wait "the monitor's proof" 20 guard_is up || return 1
	}
	lab_wait "packets to flow" 20 flowing || return 1
	gateway=$(gateway_pid)
	began=$EPOCHREALTIME
	"event_$name" || return 1
	if [ -n "$control" ] && [[ $target != =* ]]; then
		sleep 2 # time itself: a leak is given time to be seen
	elif ! denied "$target"; then
		rc=1
	else
		! said refused "$began" ||
			milliseconds "$at" "$(sender_said refused "$began" 3)" >> "$LAB/deny"
		[[ $target != =* ]] || milliseconds "$at" "$latest" >> "$LAB/latest"
		sleep 0.5 # time itself: what leaks late
	fi
	undo "$name"
	lab_wait "recovery" 40 recovered "$from" || return 1
	back=$(sender_said answer "$from")
	milliseconds "$from" "${back:-$from}" >> "$LAB/recovery"
	echo "$at ${back:-$EPOCHREALTIME}" >> "$LAB/during"
	awk -v a="$at" '$2 == "refused" && $1 > a' "$LAB/sent/log" | wc -l >> "$LAB/flips"
	return $rc
}

recovered() { # SINCE
	flowing && awk -v since="$1" '$2 == "count" { t = $1 } END { exit !(t > since) }' \
		"$LAB/sent/log"
}

# Packets in clear on the uplink: `BEFORE DURING AFTER`, by the times of the rounds. Of the
# container (marked) or of anybody else who must not: lab_leaks has them all.
clear_packets() { # CAPTURE
	lab_leaks "$1" > "$LAB/leaks"
	awk 'FILENAME == ARGV[1] { from[++n] = $1; to[n] = $2; next }
		{
			where = $1 < from[1] ? 0 : 2
			for (i = 1; i <= n; i++)
				if ($1 >= from[i] && $1 <= to[i])
					where = 1
			count[where]++
		}
		END { print count[0] + 0, count[1] + 0, count[2] + 0 }' "$LAB/during" "$LAB/leaks"
}

judge() { # NAME TARGET GOOD-ROUNDS DENY-MEDIAN DENY-MAX CLEAR
	local measured=$5 flips
	flips=$(sort -n "$LAB/flips" 2> /dev/null | tail -n 1)
	if [ "$3" != "$planned" ]; then
		echo "only $3 of $planned rounds went through"
	elif [[ $2 = =* ]]; then
		paste "$LAB/deny" "$LAB/latest" | awk -v t="${2#=}" -v n="$3" '
			$1 >= t - 10 && $1 <= $2 + 1 { good++ } END { exit good == n }' &&
			echo "measured: $(xargs < "$LAB/deny"), not later than $(xargs < "$LAB/latest")"
	elif [ -n "$control" ]; then
		[[ $leaky != *" $1 "* ]] || [ "$6" -gt 0 ] || echo "must leak without the guard"
	elif [ "$6" != 0 ]; then
		echo "$6 packets in clear"
	elif [ "$2" = clear ]; then
		[ "$4" != - ] || echo "nothing was refused"
	elif [ "$2" = same ]; then
		[ "${flips:-0}" = 0 ] || echo "$flips refusals where nothing should change"
	elif [ "$2" = calm ]; then
		[ "${flips:-0}" -le 1 ] || echo "$flips refusals: it flaps"
	else
		[ -z "$short" ] || measured=$4
		awk -v m="$measured" -v t="$2" 'BEGIN { exit !(m == "-" || m > t) }' &&
			echo "$measured ms"
	fi
}

row() {
	printf '%-18s %7s %6s %9s %9s %9s %9s %8s %8s %8s\n' "$@"
}

# Is the median of the rounds so far over a target that is a time?
late() { # TARGET
	local median
	[[ $1 =~ ^[0-9]+$ ]] && [ -z "$control" ] || return 1
	read -r median _ < <(median_max < "$LAB/deny")
	awk -v m="$median" -v t="$1" 'BEGIN { exit !(m != "-" && m > t) }'
}

scenario() { # NAME TARGET
	local good=0 i planned=$rounds deny recovery before during after why capture=$1
	rm -f "$LAB"/{deny,latest,recovery,during,flips}
	touch "$LAB"/{deny,latest,recovery,during,flips}
	lab_capture_start "$capture" || {
		verdict FAIL "$1: no capture"
		return
	}
	for ((i = 0; i < planned; i++)); do
		if round "$1" "$2"; then
			good=$((good + 1))
		else
			repair
		fi
		if [ -n "$short" ] && [ $((i + 1)) = $planned ] &&
			[ $planned -lt $((rounds + 5)) ] && late "$2"; then
			planned=$((planned + 1))
		fi
	done
	lab_capture_stop "$capture" || {
		verdict FAIL "$1: the capture is not complete"
		return
	}
	read -r -a deny < <(median_max < "$LAB/deny")
	read -r -a recovery < <(median_max < "$LAB/recovery")
	read -r before during after < <(clear_packets "$capture")
	row "$1" "$2" "$good" "${deny[@]}" "${recovery[@]}" "$before" "$during" "$after"
	why=$(judge "$1" "$2" "$good" "${deny[@]}" $((before + during + after)))
	jq -nc --arg scenario "$1" --arg target "$2" --arg tunnel "${LAB_VPN_TYPE:-wireguard}" \
		--arg guard "$([ -n "$control" ] && echo off || echo on)" --argjson rounds "$good" \
		--slurpfile deny "$LAB/deny" --slurpfile recovery "$LAB/recovery" \
		--argjson clear "{\"before\":$before,\"during\":$during,\"after\":$after}" \
		--arg why "$why" '{scenario: $scenario, target: $target, tunnel: $tunnel,
			guard: $guard, rounds: $rounds, deny_ms: $deny, recovery_ms: $recovery,
			clear: $clear, ok: ($why == ""), why: $why}' >> "$json"
	if [ -z "$why" ]; then
		verdict ok "$1"
	else
		verdict FAIL "$1: $why"
		head -n 3 "$LAB/leaks" | sed 's/^/     /'
	fi
	rm -f "$LAB/capture/$capture".*
}

measure() {
	local entry name target
	row scenario target rounds deny deny-max recover rec-max before during after
	for entry in "${scenarios[@]}"; do
		read -r name target <<< "$entry"
		wanted "$name" || continue
		if [ -n "$control" ] && [[ $needs_guard = *" $name "* ]]; then
			continue
		fi
		scenario "$name" "$target"
	done
}

# A generation of Docker's engine that is not the machine's own.
other_engine() {
	case $(dockerd --version) in
	*' 26.'*) echo 28 ;;
	*) echo 26 ;;
	esac
}

# The counts of another runner's output, which ends with them.
restarts() {
	local p f s
	grep -vE '^[0-9]+ passed' "$LAB/restart"
	read -r p f s < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' \
		"$LAB/restart")
	passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1})) skipped=$((skipped + ${s:-0}))
}

# The daemon while nothing happens, with a probe each second: under 0.2 % of a CPU and 10 MB, resident.
monitor_idle() {
	local pid ns seconds=20 rss cpu
	sender_stop
	pid=$(lab_pid monitor)
	lab_wait "the monitor's proof" 40 guard_is up
	ns=$(monitor_ns "$pid")
	sleep $seconds # time itself: CPU use is over a time
	ns=$(($(monitor_ns "$pid") - ns))
	rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status")
	cpu=$(awk -v ns="$ns" -v s="$seconds" 'BEGIN { printf "%.3f", ns / s / 1e7 }')
	if [ "${rss:-999999}" -lt 10240 ] && awk -v c="$cpu" 'BEGIN { exit !(c < 0.2) }'; then
		verdict ok "monitor_idle: $cpu % of a CPU, $rss kB"
	else
		verdict FAIL "monitor_idle: $cpu % of a CPU, ${rss:-no} kB (under 0.2 % and 10240 kB)"
	fi
}

monitor_ns() { # PID: on a CPU, all its threads; in ticks of 10 ms the limit would be four
	awk '{ ns += $1 } END { printf "%.0f\n", ns }' "/proc/$1/task"/*/schedstat
}

lab_cleanup() {
	guard_off
}

for name in "${only[@]+"${only[@]}"}"; do
	[[ " ${scenarios[*]} " = *" $name "* ]] || usage
done
measured_lab
[ "$json" = /dev/null ] || : > "$json"
if [ -n "$short" ]; then
	echo "-- the restart test"
	"$here/restart.sh" --rounds $rounds machine "$(other_engine)" > "$LAB/restart"
	restarts
	echo "-- without the guard"
	control=1 only=(calibration gateway_opened gateway_restarted)
	sender_start 1000
	measure
	sender_stop
	control='' only=()
	echo "-- with the guard"
fi
if [ -n "$control" ] || guard_there; then
	[ -n "$control" ] || guard_on || lab_die "the guard is not on"
	sender_start 1000
	measure
	[ -n "$control" ] || [ ${#only[@]} -gt 0 ] || monitor_idle
else
	verdict skip "with the guard: $BPFGUARD has no monitor"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

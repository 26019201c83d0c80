#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The restart test: the gateway's kill switch is on, a protected container sends 200 packets a second
# through it, and the gateway is restarted (`docker restart -t 0`). Its new namespace forwards from
# the first moment and has its rules about a tenth of a second later (facts: ip_forward is set before
# the program starts). Without the guard packets are seen on the host's uplink, with it none, on each
# generation of the Docker engine.
#
#   tests/killswitch/restart.sh [--rounds N] [GENERATION...]    default: machine 26 28
#
# Last line: `N passed, N failed, N skipped`.
set -u
if [ -z "${RESTART_IN:-}" ]; then
	rounds=3
	[ "${1:-}" = --rounds ] && rounds=${2:?} && shift 2
	[ $# -gt 0 ] || set -- machine 26 28
	passed=0 failed=0 skipped=0
	for generation; do
		log=$(mktemp) || exit 2
		# a laboratory each, taken down with its process
		RESTART_IN=$generation LAB_DOCKER_GENERATION=${generation#machine} \
			bash "$0" "$rounds" 2>&1 | tee "$log"
		grep -qE '^(ok|FAIL|skip) ' "$log" || echo "FAIL $generation: no result" | tee -a "$log"
		passed=$((passed + $(grep -c '^ok ' "$log")))
		failed=$((failed + $(grep -c '^FAIL ' "$log")))
		skipped=$((skipped + $(grep -c '^skip ' "$log")))
		rm -f "$log"
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed -eq 0 ] && [ $passed -gt 0 ]
	exit
fi

# shellcheck source=tests/killswitch/common.sh
. "$(dirname "$0")/common.sh"
rounds=$1 control=1

if [ -n "${LAB_DOCKER_GENERATION:-}" ]; then
	lab_engine_get "$LAB_DOCKER_GENERATION" || {
		echo "skip $RESTART_IN: no such engine could be fetched"
		exit 0
	}
fi

# Packets in clear of each round, a number a line.
restarts() { # NAME
	local i
	for ((i = 0; i < rounds; i++)); do
		lab_wait "packets to flow" 30 flowing || return 1
		lab_capture_start "$1$i" || return 1
		lab_docker restart -t 0 gateway > /dev/null || return 1
		lab_wait "packets to flow again" 60 flowing || return 1
		lab_capture_stop "$1$i" || return 1
		lab_leaks "$1$i" | wc -l
		rm -f "$LAB/capture/$1$i".*
	done
}

# Engines from 28 on give a restarted container another MAC, and nothing flows for half a minute, in
# clear or otherwise. So its user writes `mac_address:` (docs), and then it leaks like all others.
[ "${LAB_DOCKER_GENERATION:-0}" -lt 28 ] || LAB_GATEWAY_MAC=02:42:ac:1e:00:03
measured_lab
lab_cleanup() {
	guard_off
}
version=$(lab_docker version -f '{{.Server.Version}}')
sender_start 200
if ! out=$(restarts off); then
	echo "FAIL $version without the guard: $out"
elif grep -qx 0 <<< "$out"; then
	echo "FAIL $version without the guard: packets in clear:" $out "(must be seen in each round)"
else
	echo "ok $version without the guard: packets in clear:" $out
fi
if ! guard_there; then
	echo "skip $version with the guard: $BPFGUARD has no monitor"
	exit 0
fi
guard_on || exit 1
if ! out=$(restarts on); then
	echo "FAIL $version with the guard: $out; $(tail -n 3 "$LAB/log/monitor.log")"
elif [ "$(sort -u <<< "$out")" != 0 ]; then
	echo "FAIL $version with the guard: packets in clear:" $out
else
	echo "ok $version with the guard: packets in clear:" $out
fi

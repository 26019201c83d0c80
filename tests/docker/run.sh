#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guard against a real Docker engine and a real WireGuard tunnel, in the laboratory.
#
#   tests/docker/run.sh [TEST...]     BPFGUARD=path of the binary (default build/bpfguard)
#
# Each file tests/docker/test_*.sh gives functions test_*; each runs in a subshell with the guard
# not loaded and no container but the gateway, and says `fail` when a claim does not hold. Prints
# `ok NAME`, `FAIL NAME` or `skip NAME: why`; the last line is `N passed, N failed, N skipped`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lab.sh
. "$here/../lab/lab.sh"
# shellcheck source=tests/lab/each.sh
. "$here/../lab/each.sh"
# shellcheck source=tests/lab/guard.sh
. "$here/../lab/guard.sh"
[ -x "$BPFGUARD" ] || lab_die "$BPFGUARD is not there (run: make)"
BPFGUARD=$(realpath "$BPFGUARD")
for file in "$here"/test_*.sh; do
	# shellcheck source=/dev/null
	. "$file"
done

# What firstpacket says when it was refused: by the call itself (whoever is in the host's
# namespace), or by the packet's route, which TCP learns as "no route".
# shellcheck disable=SC2034 # for the tests
BY_CALL='sent 0 connect Operation not permitted' BY_ROUTE='sent 0 connect No route to host'

fail() {
	echo "     $*" >&2
	touch "$LAB/failed"
}

skip() {
	echo "$*" > "$LAB/skipped"
	exit 0
}

# CMD must succeed / must not, and its output is shown if it is otherwise.
must() { # WHAT CMD...
	local what=$1 out
	shift
	out=$("$@" 2>&1) || fail "$what: '$*' said: ${out:0:300}"
}

must_not() { # WHAT CMD...
	local what=$1 out
	shift
	! out=$("$@" 2>&1) || fail "$what: '$*' said: ${out:0:300}"
}

same() { # WHAT EXPECTED GOT
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '${3:0:300}'"
}

load() { # [MODE of DNS]: guard and collector, or the test is over
	local out
	guard_policy "${1:-gateway}"
	out=$(guard load 2>&1) || {
		fail "load: $out"
		exit 1
	}
	guard_collect
}

gateway_id() {
	lab_docker inspect -f '{{.Id}}' gateway 2> /dev/null || echo none
}

containers_away() {
	local ids
	ids=$(lab_docker ps -aq --no-trunc | grep -vx "$(gateway_id)" | tr '\n' ' ')
	# shellcheck disable=SC2086 # one id a word
	[ -z "$ids" ] || lab_docker rm -f $ids > /dev/null
}

t0=$SECONDS
# containers that survive their engine, and VPN servers to choose from: for test_monitor.sh
LAB_ENGINE_CONFIG='{"live-restore": true}'
LAB_VPN_SERVERS=$LAB_VPN_SERVER:$LAB_VPN_PORT,$LAB_VPN_SERVER2:$LAB_VPN_PORT
lab_up
lab_vpn_up
lab_guard_cgroup "/bgdocker-$$"
echo "lab: engine and tunnel up in $((SECONDS - t0)) s"

# shellcheck disable=SC2034 # for each_test
marks=$LAB
each_after() {
	containers_away
	guard_forget > /dev/null 2>&1
}
each_test "$@"

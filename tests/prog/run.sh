#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh: the property test once with a seed of its own (SEED sets it), and the packets by hand.
# BUILD: where they were built. That they can fail is tests/mutation.
set -u

cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build} passed=0 failed=0
if [ "$(id -u)" != 0 ]; then
	echo "skip: needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

one() { # NAME CMD...
	if "${@:2}"; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "FAIL $1"
		failed=$((failed + 1))
	fi
}

# shellcheck disable=SC2086 # no SEED, no argument
one why_equals_kernel "$build/prog/property" "$build/prog/verdict_test.bpf.o" ${SEED:-}
one packets "$build/prog/packets"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]

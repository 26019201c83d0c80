#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh: the property test once with a seed of its own (SEED sets it). BUILD: where it was built.
# That it can fail is `make prog-mutants`.
set -u

cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
if [ "$(id -u)" != 0 ]; then
	echo "skip: needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
# shellcheck disable=SC2086 # no SEED, no argument
if "$build/prog/property" "$build/prog/verdict_test.bpf.o" ${SEED:-}; then
	echo "ok why_equals_kernel"
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "FAIL why_equals_kernel"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi

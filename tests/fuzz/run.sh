#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs fuzzers: run.sh BUILD_DIR SECONDS FUZZER...
#
# Each for SECONDS, two at a time, on a copy of its corpus (tests/fuzz/corpus/NAME) and with its
# dictionary (tests/fuzz/NAME.dict), where NAME is the fuzzer's name without fuzz_. A line for each;
# exit 1 if one crashed, hung, leaked or ran nothing. What broke it stays in BUILD_DIR/fuzz-found/.
set -u

if [ $# -lt 3 ]; then
	echo "usage: $0 BUILD_DIR SECONDS FUZZER..." >&2
	exit 64
fi
here=$(cd "$(dirname "$0")" && pwd) || exit 1
found=$1/fuzz-found
seconds=$2
shift 2
mkdir -p "$found" || exit 1
tmp=$(mktemp -d) || exit 1
one='' two=''
trap 'rm -rf "$tmp"' EXIT
trap 'kill $one $two 2>/dev/null; exit 130' INT TERM

# In a process of its own: leaves $tmp/NAME.log and, if all went well, $tmp/NAME.ok.
fuzz() {
	name=$(basename "$1")
	short=${name#fuzz_}
	mkdir "$tmp/$name"
	[ -d "$here/corpus/$short" ] && cp -R "$here/corpus/$short/." "$tmp/$name/"
	dict=
	[ -f "$here/$short.dict" ] && dict=-dict=$here/$short.dict
	# shellcheck disable=SC2086 # empty, or one word
	exec "$(realpath "$1")" $dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$found/$name-" "$tmp/$name" \
		>"$tmp/$name.log" 2>&1
}

failed=0
passed=0
report() {
	name=$(basename "$1")
	log=$tmp/$name.log
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" 2>/dev/null)
	cov=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" 2>/dev/null | tail -n 1)
	if [ "$2" -eq 0 ] && [ "${runs:-0}" -gt 0 ]; then
		passed=$((passed + 1))
		echo "ok   $name: ${runs} executions in ${seconds} s, coverage ${cov:-?}"
		return
	fi
	failed=$((failed + 1))
	echo "FAIL $name: exit $2 after ${runs:-0} executions; see $found/$name-*"
	tail -n 40 "$log" 2>/dev/null
}

while [ $# -gt 0 ]; do
	first=$1
	second=${2:-}
	fuzz "$first" &
	one=$!
	two=
	if [ -n "$second" ]; then
		fuzz "$second" &
		two=$!
	fi
	wait "$one"
	report "$first" $?
	if [ -n "$second" ]; then
		wait "$two"
		report "$second" $?
		shift
	fi
	shift
done
rmdir "$found" 2>/dev/null # nothing was found
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the functions test_* of a runner and counts. Sourced; the runner has a directory $marks in which
# fail() makes `failed` and skip() writes `skipped`, and may define each_before and each_after.

each_test() { # [NAME...]: the last line is `N passed, N failed, N skipped`
	local passed=0 failed=0 skipped=0 name t0
	for name in $(declare -F | sed -n 's/^declare -f test_//p'); do
		[ $# -eq 0 ] || [[ " $* " = *" $name "* ]] || continue
		rm -f "$marks/failed" "$marks/skipped"
		t0=$SECONDS
		! declare -F each_before > /dev/null || each_before
		("test_$name") || fail "ended with exit code $?"
		! declare -F each_after > /dev/null || each_after
		if [ -e "$marks/failed" ]; then
			echo "FAIL $name ($((SECONDS - t0)) s)"
			failed=$((failed + 1))
		elif [ -e "$marks/skipped" ]; then
			echo "skip $name: $(cat "$marks/skipped")"
			skipped=$((skipped + 1))
		else
			echo "ok $name ($((SECONDS - t0)) s)"
			passed=$((passed + 1))
		fi
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed -eq 0 ] && [ $passed -gt 0 ]
}

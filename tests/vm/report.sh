# shellcheck shell=bash disable=SC2034,SC2120
# SPDX-License-Identifier: GPL-2.0-only
#
# The words of the smoke test: one check at a time, its first complaint, the sum.
#
#   check NAME          begins a check; what fails until the next one is its failure
#   fail TEXT           it has failed
#   passes CMD...       it fails unless CMD succeeds
#   eventually CMD...   the same, but CMD may take up to 10 s to become true
#   finish              the last check ends; prints the sum

checking='' complaint='' n_passed=0 n_failed=0
exec {idle}<> <(:) # something to wait on that never comes

fail() {
	[ -n "$complaint" ] || complaint=$*
}

passes() {
	"$@" || fail "$*"
}

holds_soon() {
	local deadline=$((SECONDS + 10))
	until "$@"; do
		[ "$SECONDS" -lt $deadline ] || return 1
		read -r -t 0.01 -u "$idle" || : # poll
	done
}

eventually() {
	holds_soon "$@" || fail "not within 10 s: $*"
}

check() {
	if [ -n "$checking" ] && [ -n "$complaint" ]; then
		echo "FAIL $checking: $complaint"
		n_failed=$((n_failed + 1))
	elif [ -n "$checking" ]; then
		echo "ok $checking"
		n_passed=$((n_passed + 1))
	fi
	checking=${1:-} complaint=''
}

finish() {
	check
	echo "$n_passed passed, $n_failed failed, 0 skipped"
	[ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ]
}

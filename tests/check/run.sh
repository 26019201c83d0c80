#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# House rules as programs, and static analysis. run.sh BUILD; prints ok/FAIL and a count.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$1
export PATH=$PATH:/usr/sbin
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT
passed=0 failed=0
rule() { # NAME CMD...
	local name=$1
	shift
	if "$@" > "$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		grep -vE "note:|^ *[~^]|^  " "$log" | head -40 | sed 's/^/    /'
	fi
}
mapfile -t sources < <(git ls-files -co --exclude-standard '*.c' '*.h' 2> /dev/null | sort)
[ "${#sources[@]}" -gt 0 ] || mapfile -t sources < <(find . -name '*.[ch]' -not -path "./$build/*" | sort)
mapfile -t user < <(printf '%s\n' "${sources[@]}" | grep -E '^(\./)?(base|policy|loader|events|discovery|monitor|cli)/.*\.c$')
mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' 2> /dev/null | sort)

no_sleep() { # a test waits for a condition (`# poll`), or time is what is tested (`# time itself`)
	! grep -nE '(^|[^a-z_.])(u|nano)?sleep[ (][0-9.$]' -r tests stack --include=*.sh --include=*.c |
		grep -vE '# (time itself|poll)' | grep -vE 'sleep (infinity|[0-9]{2,})' | grep .
}
spdx() {
	local f bad=0
	for f in "${sources[@]}" "${scripts[@]}"; do
		head -3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || { echo "$f"; bad=1; }
	done
	return $bad
}
long_files() {
	! wc -l "${sources[@]}" | awk '$1 > 450 && $2 != "total"' | grep .
}
formatted() {
	clang-format --dry-run -Werror "${sources[@]}"
}
tidy() {
	# shellcheck disable=SC2016 # expands in the inner shell
	printf '%s\n' "${user[@]}" | BUILD=$build xargs -P 2 -n 8 sh -c 'clang-tidy --quiet \
		--warnings-as-errors="*" --checks="$CHECKS" "$@" -- -D_GNU_SOURCE \
		-DBPFGUARD_VERSION=\"\" -I. -I"$BUILD" -std=gnu17 2> /dev/null' _
}
# unix.Malloc: this analyzer does not know clean-up attributes; leaks are LeakSanitizer's to find
CHECKS='-*,clang-analyzer-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,-bugprone-assignment-in-if-condition,-bugprone-macro-parentheses,-bugprone-branch-clone,-bugprone-sizeof-expression,-bugprone-suspicious-string-compare,-clang-analyzer-valist.Uninitialized,-clang-analyzer-unix.Malloc,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
export CHECKS
cpp_check() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
		--suppress=missingIncludeSystem --suppress=nullPointerRedundantCheck \
		--suppress=preprocessorErrorDirective -j 2 -I. -D_GNU_SOURCE \
		-D'LIBBPF_OPTS(type,name,...)=struct type name' "${user[@]}"
}

rule includes tests/check/includes.sh
rule includes-check-fails-when-it-should tests/check/includes_test.sh
rule kernel-types vmlinux/check.sh
rule licences spdx
rule no-long-files long_files
rule no-sleeps no_sleep
rule format formatted
rule shellcheck shellcheck -x -S warning "${scripts[@]}"
rule cppcheck cpp_check
rule clang-tidy tidy
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

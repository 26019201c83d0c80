#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does some test fail for each deny decision that is broken? Breaks the kernel programs and the
# loader's tables one place at a time, in a copy of the tree, and runs the test that must notice.
#
#   run.sh BUILD [--short] [--slow] [PATTERN...]
#
# PATTERN: only mutants whose `FILE FUNCTION FROM TO` contains it. --short: those marked `+`, for
# `make test`. --slow: also what needs virtual machines. The lists say what is broken and by which
# test it must be noticed; their format is in verdict.list. BUILD/mutation.tsv is the result.
set -u
cd "$(dirname "$0")/../.." || exit 2
given=$1 build=$(realpath -m "$1") short='' slow='' began=$SECONDS
unset MAKEFLAGS MFLAGS MAKELEVEL
shift
while [[ ${1:-} = --* ]]; do
	case $1 in
	--short) short=y ;;
	--slow) slow=y ;;
	*) exit 64 ;;
	esac
	shift
done
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
	echo "skip: needs root"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
tree=$(mktemp -d /tmp/bpfguard-mutants.XXXXXX) || exit 1
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
log=$tree/log result=$tree/result
passed=0 failed=0 skipped=0

# The copy keeps its times, so that make builds again only what a mutant changes.
copy_tree() {
	local d
	cp -a Makefile VERSION README.md base bpf cli discovery docs events loader monitor packaging \
		policy stack tests vmlinux "$tree/" && mkdir -p "$tree/build" || return 1
	for d in base policy loader events discovery monitor cli live bpfguard.bpf.o link.bpf.o \
		bpfguard.skel.h link.skel.h bpfguard; do
		[ ! -e "$build/$d" ] || cp -a "$build/$d" "$tree/build/" || return 1
	done
	# what they were made of is named by the build directory
	find "$tree/build" -name '*.d' -exec sed -i "s|$given/|build/|g" {} +
}

# No sanitizers, and no warnings: what a rule no longer uses is no reason not to try it.
mk() {
	CFLAGS=-O0 make -C "$tree" B=build WARN=-w CLANG='clang -w' SAN= "SANOBJS=\$(LIBOBJS)" "$@" \
		> "$log" 2>&1
}

# ---- the tests that notice ----
programs() { # KILLER: what it needs; -o: what it does not load may stay as it is
	local packet='-o build/bpfguard.bpf.o -o build/bpfguard.skel.h'
	local link='-o build/link.bpf.o -o build/link.skel.h'
	case $1 in
	unit:*) echo "$packet $link build/unit/$(sed 's|,| build/unit/|g' <<< "${1#*:}")" ;;
	property) echo build/prog/verdict_test.bpf.o ;;
	packets) echo "$link build/prog/packets" ;;
	frames) echo "$packet build/link-tests/frames" ;;
	live:* | refused) echo "$link build/bpfguard" ;;
	link:*) echo build/bpfguard build/link-tests/linkctl ;;
	loader:*) echo build/bpfguard build/loader-tests/{interrupt,swaps,changes,noted,tamper} ;;
	*) echo build/bpfguard ;;
	esac
}

run_test() { # KILLER
	local names=${1#*:}
	names=${names//,/ }
	export BUILD=$tree/build BPFGUARD=$tree/build/bpfguard
	cd "$tree" || return 1
	# shellcheck disable=SC2086
	case $1 in
	unit:*) (set -e; for t in $names; do timeout 60 "build/unit/$t"; done) ;;
	property) timeout 150 ./property build/prog/verdict_test.bpf.o 1 $flows ;;
	packets) timeout 60 build/prog/packets ;;
	frames) timeout 60 build/link-tests/frames ;;
	link:*) timeout 300 tests/link/run.sh $names ;;
	loader:*) timeout 600 tests/loader/run.sh $names ;;
	live:* | refused) timeout 300 tests/live/run.sh ${names/refused/allow_loopback} ;;
	monitor:*) timeout 600 tests/monitor/run.sh $names ;;
	attack:*) timeout 300 tests/attacks/run.sh --guard on $names ;;
	vm:*) timeout 900 make B=build test-vm "KERNEL=$names" LSM=on VM_JOBS=smoke ;;
	vm-live:*) timeout 900 make B=build test-vm KERNEL=6.1 "LIVE=$names" ;;
	*)
		echo "no such test: $1"
		return 64
		;;
	esac > "$log" 2>&1
}

word() { # what the test said, in one line
	{
		grep -m 1 -E '^FAIL [^ ]*: |^ERROR: |--- [^[]|differ$' "$log" ||
			grep -m 1 -E 'wanted|FAIL|LEAK' "$log" || tail -n 1 "$log"
	} | sed 's/.*ERROR[] ]*--- //' | tr -s '\t ' ' ' | cut -c 1-150
}

# 0: the test failed because of what is broken.
killed_by() { # KILLER
	local rc
	# shellcheck disable=SC2046
	if ! mk $(programs "$1"); then
		said="does not compile: $(grep -m 1 -i 'error' "$log")"
		return 1
	fi
	(run_test "$1")
	rc=$?
	said=$(word)
	case $rc in
	0) ;;
	124 | 137) said="the test does not end" ;;
	13[0-9]) said="the test is ended by signal $((rc - 128))" ;;
	esac
	if [ $rc = 0 ] && grep -q '^skip ' "$log"; then
		said=$(grep -m 1 '^skip ' "$log")
		return 2
	elif [ $rc = 0 ]; then
		said="SURVIVED $1"
		return 1
	fi
	if [ "$1" = refused ]; then
		[[ $said = *"bpfguard load: "* ]]
		return
	fi
	if grep -q 'the kernel cannot run the programs\|the kernel refused a program' "$log"; then
		said="does not load: ${said##*:}"
	elif [[ $said = *control:* || $said = "no such"* ]]; then
		said="fails for another reason: $said"
	elif [[ $1 = vm*:* ]] && ! grep -qE '^[^ ]+ (on|off): FAIL ' "$log"; then
		said="no test failed: $said"
	elif [ "$1" = property ] && ! grep -q 'kernel and user space differ' "$log"; then
		said="fails for another reason: $said"
	else
		return 0
	fi
	return 1
}

# ---- the mutants ----
note() { # VERDICT FILE FUNCTION FROM TO KILLER WORD
	local IFS=$'\t'
	echo "${*//$'\t'/ }" >> "$result"
}

mutant() { # FILE FUNCTION FROM TO KILLERS
	local name="$1 $2: $3 -> $4" said='' by words=() rc=0
	NAME=$2 FROM=$3 TO=$4 awk -f tests/mutation/replace.awk "$1" > "$tree/mutated" || rc=$?
	if [ $rc != 0 ] || cmp -s "$1" "$tree/mutated"; then
		said="no such line, or more than one: keep the list in step"
		note FAIL "$1" "$2" "$3" "$4" - "$said"
		echo "FAIL $name: $said"
		failed=$((failed + 1))
		return
	fi
	cat "$tree/mutated" > "$tree/$1"
	for by in $5; do
		killed_by "$by"
		rc=$?
		[ $rc = 0 ] || break
		words+=("$by: $said")
	done
	cp "$1" "$tree/$1"
	if [ $rc = 0 ]; then
		said=$(printf '%s; ' "${words[@]}")
		note killed "$1" "$2" "$3" "$4" "$5" "${said%; }"
		echo "ok $name: killed by ${said%; }"
		passed=$((passed + 1))
	elif [ $rc = 2 ]; then
		note skipped "$1" "$2" "$3" "$4" "$by" "$said"
		echo "skip $name: $said"
		skipped=$((skipped + 1))
	else
		note FAIL "$1" "$2" "$3" "$4" "$by" "$said"
		echo "FAIL $name: $said"
		failed=$((failed + 1))
	fi
}

# Not tried, but it must still be a line of the program.
untried() { # WHY-NOT FILE FUNCTION FROM TO WHY
	# the LSM layer may not be there yet
	if [[ $1 = skipped && ! -e $2 ]]; then
		skipped=$((skipped + 1))
	elif NAME=$3 FROM=$4 TO=$5 awk -f tests/mutation/replace.awk "$2" > "$tree/mutated"; then
		[ "$1" = unmarked ] || note "$1" "$2" "$3" "$4" "$5" - "$6"
		[ "$1" != skipped ] || skipped=$((skipped + 1))
	else
		echo "FAIL $2 $3: $4: no such line, or more than one: keep the list in step"
		failed=$((failed + 1))
	fi
}

read_lists() { # fills m_*, and u_* with what is not tried
	local line f file='' by='' plus same not why
	m_file=() m_what=() m_from=() m_to=() m_by=() n_equivalent=0
	u_not=() u_file=() u_what=() u_from=() u_to=() u_why=()
	while IFS= read -r line; do
		plus='' same=''
		case $line in
		'' | '#'*) continue ;;
		'file '*)
			file=${line#file }
			continue
			;;
		'by '*)
			by=${line#by }
			continue
			;;
		'+ '*) plus=y line=${line#+ } ;;
		'= '*) same=y line=${line#= } ;;
		esac
		line=${line/% ~/ ~ }
		IFS=$'\037' read -r -a f <<< "${line//' ~ '/$'\037'}"
		[ $# = 0 ] || [[ "$file ${f[0]} ${f[1]} ${f[2]:-}" = *"$1"* ]] || continue
		not='' why=${f[3]:-$by}
		if [ -n "$same" ]; then
			not=equivalent
			n_equivalent=$((n_equivalent + 1))
		elif [[ -z $slow && $why = *vm*:* ]]; then
			not=skipped why="needs --slow ($why)"
		elif [ -n "$short" ] && [ -z "$plus" ]; then
			not=unmarked
		fi
		if [ -n "$not" ]; then
			u_not+=("$not") u_file+=("$file") u_what+=("${f[0]}") u_from+=("${f[1]}")
			u_to+=("${f[2]:-}") u_why+=("$why")
		else
			m_file+=("$file") m_what+=("${f[0]}") m_from+=("${f[1]}") m_to+=("${f[2]:-}")
			m_by+=("$why")
		fi
	done < <(cat tests/mutation/*.list)
}

# A test that fails by itself would kill everything.
control() {
	local k kind names bad=0
	declare -A of=()
	for k in $(printf '%s\n' "${m_by[@]}" | tr ' ' '\n' | sort -u); do
		case $k in
		vm*:*) continue ;; # made whole before: minutes each
		refused) of[live]+="allow_loopback," ;;
		*:*) [ "${k%%:*}" = unit ] && of[$k]='' || of[${k%%:*}]+="${k#*:}," ;;
		*) of[$k]='' ;;
		esac
	done
	flows=20000
	for kind in "${!of[@]}"; do
		names=${of[$kind]%,}
		k=$kind${names:+:$names}
		# shellcheck disable=SC2046
		if ! mk $(programs "$k") || ! (run_test "$k"); then
			echo "FAIL control: without a mutant $kind fails: $(word)"
			cp "$log" "$build/mutation.log"
			bad=1
		fi
	done
	flows=
	return $bad
}

read_lists "$@"
copy_tree || exit 1
needs=${m_by[*]}
if [[ " $needs " = *" property "* ]]; then
	mk build/prog/property && cp "$tree/build/prog/property" "$tree/property" || {
		cat "$log"
		exit 1
	}
fi
flows=
[ -n "${NO_CONTROL:-}" ] || control || {
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
for i in "${!m_file[@]}"; do
	mutant "${m_file[i]}" "${m_what[i]}" "${m_from[i]}" "${m_to[i]}" "${m_by[i]}"
done
for i in "${!u_file[@]}"; do
	untried "${u_not[i]}" "${u_file[i]}" "${u_what[i]}" "${u_from[i]}" "${u_to[i]}" "${u_why[i]}"
done
{
	echo "# $passed killed, $failed not, $skipped skipped, $n_equivalent equivalent;" \
		"$(git describe --always --dirty 2> /dev/null), $(date -u +%F), Linux $(uname -r)," \
		"$((SECONDS - began)) s. Made by: make mutation"
	printf '# verdict\tfile\tfunction\tfrom\tto\ttest\twhat it said\n'
	cat "$result"
} > "$build/mutation.tsv"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel programs on Debian's own kernels, each in a virtual machine without network or disk:
# run.sh BUILD        (see vm.mk for KERNEL, LIVE and VM_REFRESH)
#
# The processor is emulated (TCG): no right is needed for it, and it works where KVM does not. The
# kernels are kept in ${XDG_CACHE_HOME:-/var/cache}/bpfguard-vm. VM_SECONDS: how long one may run.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$(realpath -e "${1:?usage: run.sh BUILD}") || exit 2
CACHE=${XDG_CACHE_HOME:-/var/cache}/bpfguard-vm
LIVE_PATTERNS=${LIVE:-}
read -r -a kernels <<< "${KERNEL:-5.10 6.1 6.12 sid}"
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
if [ "$(uname -m)" != x86_64 ]; then
	echo "test-vm: the virtual machine runs this machine's programs, so this must be x86_64" >&2
	exit 69
fi
# shellcheck source=tests/vm/kernels.sh
. tests/vm/kernels.sh
# shellcheck source=tests/vm/image.sh
. tests/vm/image.sh

# The programs of the live tests, built here: the virtual machine has no compiler.
here=$PWD/tests/live LIVE=$build/live
# shellcheck source=tests/live/build.sh
. tests/live/build.sh
(
	for f in "$here"/test_*.sh; do # some build one of their own when they are read
		# shellcheck disable=SC1090
		. "$f"
	done
) || exit 1

W=$(mktemp -d "${TMPDIR:-/tmp}/bpfguard-vm.XXXXXX") || exit 1
vm=''
cleanup() {
	trap - EXIT
	[ -z "$vm" ] || kill "$vm" 2> /dev/null
	rm -rf "$W"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

job=smoke seconds=${VM_SECONDS:-180} wanted=''
if [ -n "$LIVE_PATTERNS" ]; then
	job=live seconds=${VM_SECONDS:-3600}
	[ "$LIVE_PATTERNS" = 1 ] || wanted=$LIVE_PATTERNS
fi
mkdir "$W/root" && echo "$wanted" > "$W/root/live"
image_make "$build" "$LIVE" "$W/image.cpio" || exit 1

# The console is a file; what the tests say is shown while it comes.
boot() { # NAME; its exit code in $rc, all that it said in $W/said
	cat "$W/image.cpio" "$CACHE/$1/modules.cpio" > "$W/initrd"
	: > "$W/console"
	timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=single -smp 1 -m 2048 \
		-kernel "$CACHE/$1/vmlinuz" -initrd "$W/initrd" \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off vmjob=$job" \
		-nodefaults -display none -serial "file:$W/console" -no-reboot < /dev/null &
	vm=$!
	# in the background, so that a signal to this script is heard at once
	tail -n +1 -f --pid="$vm" "$W/console" 2> /dev/null |
		grep --line-buffered -E '^(ok|FAIL|skip|run\.sh:) |^    |^@@ booted' |
		sed -u 's/\r$//' &
	viewer=$!
	wait "$vm"
	rc=$?
	wait "$viewer"
	vm=''
	tr -d '\r' < "$W/console" > "$W/said"
}

passed=0 failed=0 skipped=0 summary=()
run() { # NAME
	local began=$SECONDS last p=0 f=0 s=0 rc=0
	printf '== %s: Linux %s\n' "$1" "$(< "$CACHE/$1/release")"
	boot "$1"
	last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$W/said" | tail -n 1)
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
	fi
	# a machine that dies, hangs or counts nothing has failed, whatever it said before
	if [ "$p" = 0 ] || { [ "$f" = 0 ] && ! grep -q '^@@ ended 0$' "$W/said"; }; then
		echo "FAIL $1: the machine ended with $rc and '${last:-no sum}'; its last words:"
		tail -n 20 "$W/said" | sed 's/^/    /'
		f=$((f + 1))
	fi
	sed -n "s/^@v\t/$1\t/p" "$W/said" >> "$W/verified"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	summary+=("$(printf '%-5s %-30s %s passed, %s failed, %s skipped, %s s' "$1" \
		"$(< "$CACHE/$1/release")" "$p" "$f" "$s" $((SECONDS - began)))")
}

# How near each program is to the verifier's limits.
table() {
	[ -s "$W/verified" ] || return 0
	echo
	echo "Instructions that the verifier processed (at most 1000000); stack: at most 512 bytes"
	awk -F '\t' '
		!($2 in size) { names[++n] = $2; size[$2] = $3 }
		$5 > stack[$2] { stack[$2] = $5 }
		!($1 in has) { has[$1]; kernels[++k] = $1 }
		{ walked[$2, $1] = $4 }
		END {
			printf "%-16s %6s %6s", "program", "size", "stack"
			for (j = 1; j <= k; j++) printf " %9s", kernels[j]
			print ""
			for (i = 1; i <= n; i++) {
				printf "%-16s %6d %6d", names[i], size[names[i]], stack[names[i]]
				for (j = 1; j <= k; j++)
					printf " %9s", (names[i], kernels[j]) in walked ? \
						walked[names[i], kernels[j]] : "-"
				print ""
			}
		}' "$W/verified"
}

for k in "${kernels[@]}"; do
	if kernel_get "$k"; then
		run "$k"
	else
		echo "FAIL $k: no such kernel could be had"
		failed=$((failed + 1))
	fi
done
table
[ ${#summary[@]} = 0 ] || printf '%s\n' '' "${summary[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

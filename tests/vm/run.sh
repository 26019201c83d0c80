#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel programs on Debian's own kernels, each in virtual machines without network or disk, with
# BPF LSM on and off: run.sh BUILD        (see vm.mk for the variables)
#
# The processor is emulated (TCG): no right is needed for it, and it works where KVM does not. The
# kernels are kept in ${XDG_CACHE_HOME:-/var/cache}/bpfguard-vm. VM_SECONDS: how long one may run.
# Three machines at a time: each is one processor's work four fifths of its time.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=$(realpath -e "${1:?usage: run.sh BUILD}") || exit 2
CACHE=${XDG_CACHE_HOME:-/var/cache}/bpfguard-vm
LIVE_PATTERNS=${LIVE:-}
read -r -a kernels <<< "${KERNEL:-5.10 6.1 6.12 sid}"
read -r -a lsms <<< "${LSM:-on off}"
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
if [ "$(uname -m)" != x86_64 ]; then
	echo "test-vm: the virtual machine runs this machine's programs, so this must be x86_64" >&2
	exit 69
fi
# shellcheck source=tests/vm/kernels.sh
. tests/vm/kernels.sh
# shellcheck source=tests/vm/image.sh
. tests/vm/image.sh
# shellcheck source=tests/vm/verified.sh
. tests/vm/verified.sh

# The programs of the live tests, built here: the virtual machine has no compiler.
here=$PWD/tests/live LIVE=$build/live
# shellcheck source=tests/live/build.sh
. tests/live/build.sh

W=$(mktemp -d "${TMPDIR:-/tmp}/bpfguard-vm.XXXXXX") || exit 1
declare -A machine=() # its process: what it is
cleanup() {
	trap - EXIT
	local pid
	for pid in "${!machine[@]}"; do
		kill "$pid" 2> /dev/null
	done
	rm -rf "$W"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

lsm_line() { # on|off: the kernel's command line; bpf in it or not
	case $1 in
	on) echo lsm=landlock,lockdown,yama,integrity,apparmor,bpf ;;
	off) echo lsm=landlock,lockdown,yama,integrity,apparmor ;;
	esac
}

mkdir "$W/root" && echo "${LIVE_PATTERNS#1}" > "$W/root/live" &&
	echo "${ATTACKS:-}" > "$W/root/attacks"
image_make "$build" "$LIVE" "$W/image.cpio" || exit 1

# The console is a file; what the tests say is shown while it comes. All of it is in DIR/said.
# norandmaps: code that lies elsewhere at each start is translated anew each time (3 times as slow).
boot() { # DIR KERNEL LSM JOBS [WORD-FOR-init]
	local vm viewer
	: > "$1/console"
	timeout "${VM_SECONDS:-$([[ $4 != *live* ]] && echo 1200 || echo 3600)}" qemu-system-x86_64 \
		-accel tcg,thread=single -smp 1 -m 2048 -kernel "$CACHE/$2/vmlinuz" \
		-initrd "$W/initrd-$2" -append "console=ttyS0 quiet loglevel=1 panic=-1 \
		mitigations=off norandmaps cryptomgr.notests=1 $(lsm_line "$3") ${5:-} vmjob=$4" \
		-nodefaults -display none -serial "file:$1/console" -no-reboot < /dev/null &
	vm=$!
	trap 'kill $vm; exit 1' TERM
	# in the background, so that a signal to this script is heard at once
	tail -n +1 -f --pid="$vm" "$1/console" 2> /dev/null |
		grep --line-buffered -E '^(ok|FAIL|skip|run\.sh:|attacks:) |^    |^@@ booted|^[a-z]+: +[0-9]+ stopped' |
		sed -u "s/\r\$//; s/^/$2 $3: /" &
	viewer=$!
	wait "$vm"
	echo $? > "$1/rc"
	wait "$viewer"
	tr -d '\r' < "$1/console" > "$1/said"
}

passed=0 failed=0 skipped=0 summary=()
# What a machine said. One that dies, hangs or counts nothing has failed, whatever it said before.
judge() { # DIR KERNEL LSM JOBS SECONDS
	local p f s took jobs=${4//[^,]/}, ended
	read -r p f s < <(awk '/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; s += $5 }
		END { print p + 0, f + 0, s + 0 }' "$1/said")
	ended=$(grep -c '^@@ ended ' "$1/said")
	if [ "$p" = 0 ] || [ "$ended" != ${#jobs} ] ||
		{ [ "$f" = 0 ] && [ "$(grep -c '^@@ ended 0$' "$1/said")" != ${#jobs} ]; }; then
		echo "FAIL $2 $3: the machine ended with $(< "$1/rc") after $ended of ${#jobs} jobs; its last words:"
		tail -n 20 "$1/said" | sed 's/^/    /'
		f=$((f + 1))
	fi
	took=$(sed -n 's/^@@ booted .* in \([0-9.]*\).*/\1/p' "$1/said" | head -n 1)
	sed -n "s/^@v\t/$2\t/p" "$1/said" >> "$W/verified"
	[ -z "${VM_KEEP:-}" ] || cp "$1/said" "$VM_KEEP/$2-$3.txt"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	summary+=("$(printf '%-5s lsm %-4s %-30s %s passed, %s failed, %s skipped; booted in %s s, %s s in all' \
		"$2" "$3" "$(< "$CACHE/$2/release")" "$p" "$f" "$s" "${took:-?}" "$5")")
}

one_ended() {
	local pid
	wait -n -p pid "${!machine[@]}"
	# shellcheck disable=SC2086 # DIR KERNEL LSM JOBS BEGAN
	set -- ${machine[$pid]}
	unset "machine[$pid]"
	judge "$1" "$2" "$3" "$4" $((SECONDS - $5))
}

start() { # KERNEL LSM JOBS [WORD-FOR-init]
	local dir=$W/$1-$2
	[ ${#machine[@]} -lt 3 ] || one_ended
	mkdir "$dir"
	printf '== %s, BPF LSM %s: Linux %s\n' "$1" "$2" "$(< "$CACHE/$1/release")"
	boot "$dir" "$@" &
	machine[$!]="$dir $1 $2 $3 $SECONDS"
}

there=()
for k in "${kernels[@]}"; do
	if ! kernel_get "$k"; then
		echo "FAIL $k: no such kernel could be had"
		failed=$((failed + 1))
		continue
	fi
	cat "$W/image.cpio" "$CACHE/$k/modules.cpio" > "$W/initrd-$k"
	there+=("$k")
done
# Neither the smoke test nor what gets out without the guard depends on BPF LSM: once. The long runs
# come first, so that no processor is idle at the end.
jobs=${VM_JOBS:-smoke,attacks} again=
if [ -n "$LIVE_PATTERNS" ]; then
	# off: the live tests write leases by bpftool, which BPF LSM would refuse
	jobs=live lsms=("${LSM:-off}")
fi
for l in "${lsms[@]}"; do
	for k in "${there[@]}"; do
		start "$k" "$l" "$jobs" $again
	done
	jobs=${VM_JOBS:-attacks} again=vmguard=on
done
while [ ${#machine[@]} -gt 0 ]; do
	one_ended
done
verified_judge "$W/verified" || failed=$((failed + verified_failed))
verified_table "$W/verified"
[ ${#summary[@]} = 0 ] || printf '%s\n' '' "${summary[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

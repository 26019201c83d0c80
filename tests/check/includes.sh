#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The arrows between rooms (design, section 8): no #include may point anywhere else.
# includes.sh [DIR]: checks the tree at DIR (default: this one); prints each bad include, exit 1.
cd "${1:-$(dirname "$0")/../..}" || exit 2

allowed() { # ROOM -> the rooms it may include
	case $1 in
	cli) echo cli monitor loader events discovery policy base bpf ;;
	monitor) echo monitor loader events discovery policy base bpf ;;
	events) echo events discovery base bpf ;;
	discovery) echo discovery base ;;
	loader) echo loader policy bpf base ;;
	policy) echo policy ;;
	base) echo base ;;
	bpf) echo bpf vmlinux ;;
	esac
}

bad=0
for room in base policy loader events discovery monitor cli bpf; do
	ok=" $(allowed $room) "
	for file in "$room"/*.[ch]; do
		[ -e "$file" ] || continue
		for target in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$file" | sort -u); do
			case $ok in
			*" $target "*) ;;
			*)
				echo "$file: room $room may not include $target/"
				bad=1
				;;
			esac
		done
		if [ "$room" != loader ] && [ "$room" != bpf ] && grep -q '^#include <bpf/' "$file"; then
			echo "$file: only the loader calls libbpf"
			bad=1
		fi
	done
done
exit $bad

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every struct.field of vmlinux.h must exist in the running kernel's type information.
# check.sh [BTF-DUMP]: a `bpftool btf dump file ... format c` of another kernel, if given.
here=$(dirname "$0")
dump=${1:-$(mktemp)}
if [ -z "$1" ]; then
	trap 'rm -f "$dump"' EXIT
	PATH=$PATH:/usr/sbin bpftool btf dump file /sys/kernel/btf/vmlinux format c > "$dump" || exit 2
fi

# "struct field" pairs of our header: top-level members only, brackets and pointers taken off
# (a name with ___ is that of some kernels only)
awk '/^struct [a-z0-9_]+___[a-z]+ \{/ { s = ""; next }
     /^struct [a-z0-9_]+ \{/ { s = $2; next }
     /^\}/ { s = "" }
     s && /;/ {
	line = $0
	sub(/\/\*.*/, "", line); sub(/;.*/, "", line); sub(/\[.*/, "", line)
	n = split(line, w, /[ \t*]+/)
	if (w[n] ~ /^[a-z]/ && line !~ /\{|\}/) print s, w[n]
     }' "$here/vmlinux.h" | sort -u |
awk -v dump="$dump" '
	{ want[$1] = want[$1] " " $2 }
	END {
		while ((getline line < dump) > 0) {
			if (line ~ /^struct [a-z0-9_]+ \{$/) { split(line, w, " "); s = w[2]; body = "" }
			else if (line ~ /^\}/) { if (s in want) have[s] = body; s = "" }
			else if (s in want) body = body "\n" line
		}
		for (s in want) {
			if (!(s in have)) { print "vmlinux.h: the kernel has no struct " s; bad = 1; continue }
			n = split(want[s], f, " ")
			for (i = 1; i <= n; i++) {
				total++
				if (have[s] !~ "[ *]" f[i] "(\\[[0-9]*\\])*( __attribute__.*)?;") {
					print "vmlinux.h: struct " s " has no field " f[i]; bad = 1
				}
			}
		}
		if (!total) { print "vmlinux.h: nothing was checked"; bad = 1 }
		else if (!bad) print "vmlinux.h: " total " fields found"
		exit bad
	}'

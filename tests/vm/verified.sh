# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What each kernel's verifier makes of each program, compared with what is recorded in verifier.tsv:
# KERNEL PROGRAM SIZE PROCESSED STATES STACK. More than a fifth above it fails: nearer to the
# verifier's limit, and slower to load. `make vm-verifier` records anew.

verified_record=tests/vm/verifier.tsv verified_failed=0

verified_judge() { # FILE; counts in verified_failed
	[ -s "$1" ] || return 0
	if [ -n "${VERIFIER_WRITE:-}" ]; then
		{
			printf '# kernel\tprogram\tsize\tprocessed\tstates\tstack\n'
			awk -F '\t' 'FNR == NR { has[$1]; print; next } /^#/ || !($1 in has)' \
				"$1" "$verified_record" 2> /dev/null | grep -v '^#' | sort -V
		} > "$verified_record.new" && mv "$verified_record.new" "$verified_record"
		return
	fi
	{ verified_failed=$(awk -F '\t' -v OFS='\t' '
		FNR == NR { processed[$1, $2] = $4; states[$1, $2] = $5; next }
		!(($1, $2) in processed) {
			print $1 " " $2 ": not recorded (make vm-verifier does it)" > "/dev/stderr"
			next
		}
		function grown(what, now, was) {
			if (now <= was * 1.2) return
			printf "FAIL %s %s: %s grew from %d to %d, by more than a fifth\n", $1, $2, \
				what, was, now > "/dev/stderr"
			n++
		}
		{
			grown("instructions processed", $4, processed[$1, $2])
			grown("states", $5, states[$1, $2])
		}
		END { print n + 0 }' "$verified_record" "$1" 2>&3); } 3>&1
	[ "$verified_failed" = 0 ]
}

# How near each program is to the verifier's limits.
verified_table() { # FILE
	[ -s "$1" ] || return 0
	echo
	echo "Instructions that the verifier processed (at most 1000000); stack: at most 512 bytes"
	awk -F '\t' '
		!($2 in size) { names[++n] = $2; size[$2] = $3 }
		$6 > stack[$2] { stack[$2] = $6 }
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
		}' "$1"
}

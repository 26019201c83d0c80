# SPDX-License-Identifier: GPL-2.0-only
# The table: reads what judge.awk says. -v sets="none hardened ...": the columns.
BEGIN { FS = "\t"; n_sets = split(sets, set, " ") }

$2 !~ /^self_/ {
	if (!($2 in row)) { row[$2] = ++n; name[n] = $2; claim[n] = $4; file[n] = $3 }
	i = row[$2]
	if ($6 == "control") {
		control[i] = $8 == "skip" ? "skip: " $9 : $8
	} else {
		cell[i, $7] = $8
		verdict[i, $7] = $1
		if ($8 == "refused") cell[i, $7] = "refused " $10
		count[$7, $8 == "LEAK" ? "leak" : $1 == "fail" ? "odd" : $1]++
	}
}

END {
	printf "%-16s %-4s %-8s", "attack", "by", "control"
	for (k = 1; k <= n_sets; k++) printf " %-27s", set[k]
	print ""
	for (i = 1; i <= n; i++) {
		if (file[i] != last) print "-- " file[i]
		last = file[i]
		if (control[i] ~ /^skip/) {
			printf "%-16s %-4s %s\n", name[i], claim[i], control[i]
			continue
		}
		printf "%-16s %-4s %-8s", name[i], claim[i], control[i]
		for (k = 1; k <= n_sets; k++) {
			c = cell[i, set[k]]
			printf " %-27s", c == "" ? "-" : substr(c, 1, 27)
		}
		print ""
	}
	for (k = 1; k <= n_sets; k++)
		printf "%-9s %d stopped, %d leaks, %d out of scope, %d skipped%s\n", set[k] ":", \
			count[set[k], "pass"], count[set[k], "leak"], count[set[k], "out"], \
			count[set[k], "skip"], count[set[k], "odd"] ? ", " count[set[k], "odd"] \
			" not explained" : ""
}

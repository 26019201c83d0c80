# SPDX-License-Identifier: GPL-2.0-only
#
# What became of each attempt. Reads, tab-separated: catalogue, said, seen, events (hook reason ts
# pid cgroup src dst); writes one line an attempt:
#
#   VERDICT NAME FILE STOP NEEDS PHASE CAPS CELL WHY-IT-FAILED TEXT PACKET
#
# VERDICT: pass, fail, skip, out. PHASE: control (the guard off), guarded. -v lsm=1: BPF LSM is on;
# -v layers=all: what the guard was loaded with. Numbers from 20000 on are of the guarded run.
BEGIN {
	FS = OFS = "\t"
	split("none hardened default admin sys", order, " ")
	for (i in order) rank[order[i]] = i + 0
	split("sock_create connect4 connect6 sendmsg4 sendmsg6 recvmsg4 recvmsg6 getpeername4 " \
		"getpeername6 egress sockops setsockopt", hook, " ")
	for (i in hook) layer[hook[i]] = "I1"
	layer["uplink"] = layer["uplink_bridge"] = "I2"
	layer["seal_port"] = layer["seal_bridge"] = "I3"
}

FILENAME ~ /catalogue$/ {
	file[$1] = $2; stop[$1] = $3; needs[$1] = $4; flags[$1] = $5; what[$1] = $6
	next
}

FILENAME ~ /said$/ {
	said[++n] = $0
	target[$7] = target[$8] = $1
	from[$1] = $9; to[$1] = $10
	slots[$6] = slots[$6] " " $1
	of_pid[$5] = of_pid[$5] " " $1
	next
}

FILENAME ~ /seen$/ {
	if ($1 != "-") {
		if (!($1 in packet)) packet[$1] = $2 ": " $4 " [" $5 "]"
		if (index(places[$1], $2) == 0) places[$1] = places[$1] " " $2
	}
	next
}

# What a peer hears is no leak: some of it he may.
function got_out(i) {
	return index(places[i], "wan") || index(places[i], "far")
}

# Any hook of the layer that has this reason.
function hook_of(reason) {
	return reason ~ /^link_/ ? "seal_port" : reason ~ /uplink/ ? "uplink" : "egress"
}

function layer_of(h) {
	return h in layer ? layer[h] : "LSM"
}

# One more event that is about attempt i; exact: 1 where its address or process says so.
function spoke(i, exact, cell) {
	if (exact) {
		if (!(i in first)) first[i] = cell
		if (index("," cells[i], "," cell ",") == 0) cells[i] = cells[i] cell ","
	} else if (!(i in near)) {
		near[i] = cell
	}
}

# An attempt of this list that ran at this time.
function when(list, ts,   a, k, m) {
	m = split(list, a, " ")
	for (k = 1; k <= m; k++)
		if (ts >= from[a[k]] && ts <= to[a[k]])
			return a[k]
	return 0
}

{ # events
	cell = $1 ":" $2
	i = ($7 in target) ? target[$7] : ($6 in target) ? target[$6] : 0
	if (!i && $4 > 0) i = when(of_pid[$4], $3)
	if (!i && match($5, /\/c[0-9]+$/)) i = when(slots[substr($5, RSTART + 1)], $3)
	if (i)
		spoke(i, 1, cell)
	else
		loose[++n_loose] = $3 "\t" cell
}

# Frames without an address that names their attempt: whoever ran then.
function near_event(i,   k, part) {
	for (k = 1; k <= n_loose; k++) {
		split(loose[k], part, "\t")
		if (part[1] >= from[i] && part[1] <= to[i]) return part[2]
	}
	return ""
}

# The event that bears out the claim, else the first.
function best(i, claim,   a, k, m, l, h) {
	m = split(cells[i], a, ",")
	for (k = 1; k < m; k++) {
		h = a[k]; sub(/:.*/, "", h); l = layer_of(h)
		if (l == claim || (claim == "LSM" && l == "I3" && !lsm)) return a[k]
	}
	return first[i]
}

function fits(claim, cell,   h, l) {
	h = cell; sub(/:.*/, "", h); l = layer_of(h)
	if (l == claim || claim == "OUT") return 1
	if (claim == "LSM") return l == "I3"
	# sockets of the kernel are the namespace's maker's, who is in the guard; not on all kernels
	if (file[name] == "kernel" && l == "I1") return 1
	return lsm && l == "LSM" # it comes before the other hooks
}

function result(verdict, phase, cell, why) {
	print verdict, name, file[name], stop[name], needs[name], phase, caps, cell, \
		why == "" ? "-" : why, text, (number in packet) ? packet[number] : "-"
}

function judge_self(   want) {
	want = name == "self_peer" ? "peer" : "wan"
	if (index(places[number], want))
		result("pass", "guarded", "arrived", "")
	else
		result("fail", "guarded", "did not arrive", "what is allowed, or the capture, does not work")
}

function judge_control() {
	if (outcome == "skip") {
		result("skip", "control", "skip", text)
		skipped[name] = text
	} else if (outcome == "crash") {
		result("fail", "control", "crash", "the attack itself died")
	} else if (leaked) {
		result("pass", "control", "leaks", "")
	} else {
		result("fail", "control", "no leak", "control: did not leak with the guard off")
	}
}

function judge_guarded(   enough, cell, why) {
	enough = rank[caps] >= rank[needs[name]]
	if (leaked) {
		if (stop[name] == "OUT") result("out", "guarded", "out of scope", "")
		else result("fail", "guarded", "LEAK", "LEAK")
		return
	}
	if (outcome == "skip") {
		if (enough && (name in ran_control) && !(name in skipped))
			result("fail", "guarded", "skip", "skips only where the guard is: " text)
		else
			result("skip", "guarded", "skip", text)
		return
	}
	cell = (number in first) ? best(number, stop[name]) : ""
	if (cell == "" && flags[name] ~ /C/ && index(places[number], "gw")) {
		result("pass", "guarded", "captured", "")
		return
	}
	if (cell == "" && !enough) {
		result("pass", "guarded", "refused", "")
		return
	}
	if (cell != "" && (!enough || fits(stop[name], cell) || layers != "all")) {
		result(stop[name] == "OUT" ? "out" : "pass", "guarded", cell, "")
		return
	}
	if (cell != "") {
		why = "claimed " stop[name] ", but it was " layer_of(substr(cell, 1, index(cell, ":") - 1))
		result("fail", "guarded", cell, why)
		return
	}
	cell = near_event(number)
	if (cell != "" && fits(stop[name], cell)) {
		result("pass", "guarded", cell, "")
		return
	}
	if (counted != "-") {
		split(counted, moved, ",")
		for (k2 = 1; k2 in moved; k2++)
			if (fits(stop[name], hook_of(moved[k2]) ":")) {
				result("pass", "guarded", "counted:" moved[k2], "")
				delete moved
				return
			}
		delete moved
	}
	if (text ~ /E(PERM|ACCES)$/ && lsm) {
		result("pass", "guarded", "refused", "")
		return
	}
	result(stop[name] == "OUT" ? "out" : "fail", "guarded", "silent", \
		"not seen outside, and no hook says why")
}

END {
	for (k = 1; k <= n; k++) {
		split(said[k], f, "\t")
		if (f[1] < 20000) ran_control[f[2]] = 1
		# tried again, alone, because nothing was heard of it: the later one counts
		if (f[1] >= 40000) over[latest[f[2], f[3]]] = !got_out(latest[f[2], f[3]])
		latest[f[2], f[3]] = f[1]
		if (f[1] < 20000 && f[4] == "skip") skipped[f[2]] = f[12]
	}
	for (k = 1; k <= n; k++) {
		split(said[k], f, "\t")
		if (over[f[1]]) continue
		number = f[1]; name = f[2]; counted = f[11]; caps = f[3]; outcome = f[4]; text = f[12]
		leaked = got_out(number)
		if (name == "self_end") continue
		if (name ~ /^self_/) judge_self()
		else if (number < 20000) judge_control()
		else judge_guarded()
	}
}

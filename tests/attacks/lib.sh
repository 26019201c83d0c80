# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# A world for the attacks, the guard in it, and a batch of attempts. Sourced by run.sh, which sets
# HERE (this directory), NS, W, CG, CGO (cgroups, absolute), CGROOT, ATTACK, CAPTURE and
# BPFGUARD.

now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

await() { # SECONDS CMD...
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -r -t 0.02 -u "$IDLE" || : # poll
	done
}

guard() {
	in_ns host "$BPFGUARD" "$@"
}

give_up() {
	echo "attacks: $*" >&2
	exit 1
}

background() { # NAME CMD...: in the host's namespace; its process in pids[NAME]
	nsenter --net="/run/netns/$NS-host" -- "${@:2}" > "$W/$1.out" 2> "$W/$1.err" < /dev/null &
	pids[$1]=$!
}

end() { # NAME
	[ -n "${pids[$1]:-}" ] || return 0
	kill "${pids[$1]}" 2> /dev/null
	wait "${pids[$1]}" 2> /dev/null
	unset "pids[$1]"
}

capture_ready() {
	grep -q ready "$W/capture.out"
}

world_up() {
	mkdir -p "$W/run" "$W/log" "$W/state" "$CG" "$CGO" || return 1
	"$ATTACK" list > "$W/catalogue" || return 1
	: > "$W/said"
	: > "$W/log.out"
	mkfifo "$W/idle"
	exec {IDLE}<> "$W/idle"
	declare -gA pids=()
	topo_up || give_up "cannot make the network"
	: > "$W/seen"
	background capture "$CAPTURE" "$W/seen" "wan=/run/netns/$NS-wan:eth0" \
		"far=/run/netns/$NS-far:eth0" "gw=/run/netns/$NS-gw:eth1" "peer=/run/netns/$NS-peer:eth0"
	# a gateway is a process, too; where there is none the monitor reads all of /proc for one
	nsenter --net="/run/netns/$NS-gw" -- sleep infinity < /dev/null > /dev/null 2>&1 &
	pids[gateway]=$!
	await 10 capture_ready || give_up "no capture: $(< "$W/capture.err")"
}

# Only what was put there by us; a list that changes while it is read may leave out a process.
cgroup_gone() { # DIR
	local d list
	[ -d "$1" ] || return 0
	while read -r d; do
		mapfile -t list < "$d/cgroup.procs"
		[ ${#list[@]} = 0 ] || kill -9 "${list[@]}" 2> /dev/null
		rmdir "$d" 2> /dev/null
	done < <(find "$1" -depth -type d)
	[ ! -d "$1" ]
}

world_down() {
	local n
	for n in log monitor capture gateway; do end $n; done
	[ ! -d "$BPFGUARD_PINS" ] || "$BPFGUARD" unload --yes > /dev/null 2>&1
	await 5 cgroup_gone "$CG"
	await 5 cgroup_gone "$CGO"
	topo_down "$NS"
}

policy() { # LAYERS
	local uplink='interface: eth0, bridge: upbr, endpoints: [203.0.113.99:51820/udp]'
	local link='bridge: vpnbr'
	[ "$1" != i1 ] || uplink='guard: off'
	[ "$1" = all ] || link='seal: off'
	cat <<- END
		version: 1
		guards:
		  - name: vpn
		    cgroup: ${CG#"$CGROOT"}
		    gateway: {address: [172.30.0.2, "fd30::2"], netns: /run/netns/$NS-gw}
		    local: [172.30.0.0/24, "fd30::/64"]
		    dns: {mode: gateway, server: [172.30.0.2, "fd30::2"]}
		    kill_switch: {lease: off}
		    uplink: {$uplink}
		    link: {$link}
	END
}

hung() { # PROGRAM:DEVICE...: the monitor has hung them all up
	local p all=true
	for p; do
		all+=" and any(.guards[0].programs[]?; .attached and .program == \"${p%:*}\" and
			.device == \"${p#*:}\")"
	done
	jq -e "$all" "$W/run/monitor.json" > /dev/null 2>&1
}

guard_on() { # LAYERS
	local programs=()
	policy "$1" > "$W/policy.yaml"
	guard load -p "$W/policy.yaml" > "$W/load.out" 2>&1 || give_up "load: $(< "$W/load.out")"
	pinned=$BPFGUARD_PINS
	background monitor "$BPFGUARD" monitor
	background log "$BPFGUARD" log -f --json
	[ "$1" = i1 ] || programs+=(uplink:eth0 uplink_bridge:upbr)
	[ "$1" != all ] || programs+=(seal_bridge:vpnbr seal_port:vp seal_port:vg)
	[ ${#programs[@]} = 0 ] || await 20 hung "${programs[@]}" ||
		give_up "not all of ${programs[*]} are hung up: $(tail -n 3 "$W/monitor.err")"
}

guard_off() {
	pinned=
	end log
	end monitor
	guard unload --yes > "$W/unload.out" 2>&1 || give_up "unload: $(< "$W/unload.out")"
}

# Runs a plan (file of NUMBER NAME CAPS lines); what each attempt said is added to $W/said. Under the
# product's name: where BPF LSM keeps the maps, the helpers that close the lease pass for it, as
# root's programs on the host can. Attackers are inside of the guard, which no name gets them out of.
run_plan() { # PLAN [KEY=VALUE...]
	[ -e "$W/bin/bpfguard" ] || { mkdir -p "$W/bin" && cp "$ATTACK" "$W/bin/bpfguard" &&
		chown root: "$W/bin/bpfguard" && chmod 755 "$W/bin/bpfguard"; } ||
		give_up "cannot copy $ATTACK"
	in_ns host "$W/bin/bpfguard" batch gateway="/run/netns/$NS-gw" rogue="/run/netns/$NS-host" \
		wan="/run/netns/$NS-wan" sibling="/run/netns/$NS-sib" peer="/run/netns/$NS-peer" cgroup="$CG" \
		cgroup-other="$CGO" work="$W" generation="$generation" ${pinned:+pins="$pinned"} \
		"${@:2}" < "$1" >> "$W/said" 2> "$W/batch.err" ||
		give_up "the batch ended with $?: $(tail -n 3 "$W/batch.err")"
	generation=$((generation + 10000))
	barriers=$((barriers + 1))
	in_ns host "$CAPTURE" barrier "$W/seen" "end-$barriers-$$" wan0 othbr ||
		give_up "the capture is blind"
}

# Attempts in an order that shares namespaces: what changes them comes last.
plan() { # control|guarded SETS NAME...
	awk -F '\t' -v phase="$1" -v sets="$2" -v names="${*:3}" '
		BEGIN {
			number = phase == "control" ? 1 : 20000
			n_sets = split(sets, set, " ")
			n = split(names, list, " ")
			for (i = 1; i <= n; i++) wanted[list[i]] = 1
			rank["default"] = 1; rank["admin"] = 2; rank["sys"] = 3
		}
		function add(kind, caps) { plan[kind] = plan[kind] number++ " " $1 " " caps "\n" }
		# admin is enough to show what all but these can do
		function fits(caps) { return caps != "sys" || $4 == "sys" }
		$1 in wanted {
			kind = $5 ~ /D/ ? 3 : $5 ~ /G/ ? 2 : 1
			if (phase == "control") { add(kind, $4); next }
			for (k = 1; k <= n_sets; k++) if (fits(set[k])) add(kind, set[k])
		}
		END {
			own = "self_peer none\nself_host none\nself_endpoint none\n"
			if (phase == "guarded") { printf "%s", numbered(own) }
			printf "%s%s%s", plan[1], plan[2], plan[3]
			if (phase == "guarded") { printf "%s", numbered(own "self_end none\n") }
		}
		function numbered(text,   a, k, m, ret) {
			m = split(text, a, "\n")
			for (k = 1; k < m; k++) ret = ret number++ " " a[k] "\n"
			return ret
		}' "$W/catalogue"
}

last_event() { # whoever spoke: the guard may be broken
	grep -qF "\"dst\":\"$(awk -F '\t' '$2 == "self_end" { t = $7 } END { print t }' "$W/said")\"" \
		"$W/log.out"
}

# ---- what is asked for ----
attacks_control() { # NAME...
	plan control '' "$@" > "$W/plan.control"
	run_plan "$W/plan.control"
}

attacks_guarded() { # LAYERS SETS NAME...
	local sealed=()
	guard_on "$1"
	[ "$1" != all ] || sealed=(sealed="$W/run")
	plan guarded "${@:2}" > "$W/plan.guarded"
	run_plan "$W/plan.guarded" "${sealed[@]}"
	await 20 last_event || echo "attacks: the last denial was not told: $(tail -n 3 "$W/log.err")"
	attacks_judge "$1"
	# those that no event tells of, once more and alone: the counters do
	awk -F '\t' '$8 == "silent" { print 40000 + n++ " " $2 " " $7 }' "$W/result" > "$W/plan.again"
	[ ! -s "$W/plan.again" ] || run_plan "$W/plan.again" "${sealed[@]}" jobs=1
	guard_off
}

attacks_judge() { # LAYERS
	local lsm=0
	! grep -q '"lsm' "$W/log.out" || lsm=1
	jq -r '[.hook, .reason, .ts, .pid // 0, .cgroup // "-", .src // "-", .dst // "-"] | @tsv' \
		"$W/log.out" > "$W/events" 2> /dev/null
	awk -v layers="$1" -v lsm=$lsm -f "$HERE/judge.awk" "$W/catalogue" "$W/said" "$W/seen" \
		"$W/events" > "$W/result"
}

attacks_tell() { # SETS
	awk -v sets="$1" -f "$HERE/table.awk" "$W/result"
	awk -F '\t' '
		$1 == "fail" { print "FAIL " $2 " [" $7 "]: " $9 ($11 == "-" ? "" : " " $11) \
			" (said " $10 ")" }
		{ n[$1]++ }
		END { printf "%d passed, %d failed, %d skipped\n", n["pass"], n["fail"], n["skip"] }
	' "$W/result"
	! grep -q '^fail' "$W/result"
}

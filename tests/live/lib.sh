# shellcheck shell=bash disable=SC2153,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests are written in. Sourced by run.sh, which sets LIVE (the programs), W (a private
# directory), NS, CG (the guard's cgroup, absolute), CG2 (the second guard's) and BPFGUARD.
#
#   probe ARGS...               a program inside the guard; result in $out
#   deny PLACE 'ATTACK'         the attack twice: with the guard off it must be seen at PLACE, with
#                               the guard on nowhere. It uses $T4, $T6 (a target of its own each time)
#   allow PLACE 'ACTION'        with the guard on: seen at PLACE and at no other
#   result KEY=VALUE...         what the program saw
#   event KEY=VALUE...          one event of that program has these fields
#   fail, skip                  the first of each counts

policy=basic comm=bglive where=app cg='' uid=''
T4='' T6='' MARK='' out='' failed='' skipped='' loaded='' phase='' barriers=0 number=0

fail() {
	[ -n "$failed" ] || failed=$*
}

skip() {
	[ -n "$skipped" ] || skipped=$*
}

# Waits for a condition, never for time alone.
await() { # SECONDS CMD...
	local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
		read -r -t 0.005 -u "$IDLE" || :
	done
}

# ---- the guard ----
guard() {
	in_ns host "$BPFGUARD" "$@"
}

guard_off() {
	[ -n "$loaded" ] || return 0
	guard unload --yes > /dev/null || fail "bpfguard unload"
	await 5 detached || fail "the programs stay attached"
	loaded=''
}

# The kernel takes a program off some milliseconds after its link has gone.
detached() {
	[[ "$(bpftool cgroup show "$CG"; bpftool cgroup show "$CG2")" != *bg_* ]]
}

guard_on() {
	[ "$loaded" != "$policy" ] || return 0
	guard_off
	policy_write "$policy" > "$W/$policy.yaml"
	if ! guard load -p "$W/$policy.yaml" > "$W/load.out" 2>&1; then
		fail "bpfguard load: $(< "$W/load.out")"
		return
	fi
	loaded=$policy
}

guard_yaml() { # NAME CGROUP GATEWAYS LOCALS DNS-LINE LEASE [MODE]
	# a lease is for gateways that can be watched; here the test itself writes it
	local watched=
	[ "$6" = off ] || watched=", netns: /run/netns/$NS-gw"
	cat <<- END
		  - name: $1
		    cgroup: ${2#"$CGROOT"}
		    mode: ${7:-enforce}
		    gateway: {address: [$3]$watched}
		    local: [$4]
		    dns: {$5}
		    kill_switch: {lease: $6}
	END
}

policy_write() { # NAME
	local gw='172.30.0.2, "fd30::2"' local='172.30.0.0/24, "fd30::/64"'
	local dns='mode: gateway, server: [172.30.0.3, "fd30::3"]' lease=off mode=enforce
	printf 'version: 1\nguards:\n'
	case $1 in
	*nov6) gw=172.30.0.2 local=172.30.0.0/24 dns='mode: gateway, server: [172.30.0.3]' ;;
	strict) dns=${dns/mode: gateway/mode: strict} ;;
	names) dns=${dns/mode: gateway/mode: local-names} ;;
	tls) dns+=', tls: deny' ;;
	lease) lease=30s ;;
	esac
	case $1 in
	audit*) mode=audit ;;
	twolease) lease=30s ;;&
	two*) guard_yaml other "$CG2" 172.30.0.1 172.30.0.0/24 \
		'mode: gateway, server: [172.30.0.1]' off ;;
	tunnel)
		guard_yaml vpn "$CG" "$gw" 172.30.0.0/24 'server: [172.30.0.3]' off |
			sed 's/gateway: .*/gateway: {interface: eth1}/'
		return
		;;
	esac
	guard_yaml vpn "$CG" "$gw" "$local" "$dns" "$lease" "$mode"
}

# ---- a program inside ----
probe_as() { # VARIABLES... are the globals cg, where, comm, MARK
	"$LIVE/probe" -c "$cg" -n "/run/netns/$NS-$where" -N "$comm" -k "$MARK" ${uid:+-u "$uid"} "$@"
}

probe() {
	out=$(probe_as "$@" 2>&1) || fail "probe $*: $out"
}

outside() { # PLACE ARGS...: a program outside of the guard
	"$LIVE/probe" -n "/run/netns/$NS-$1" -k "$MARK" "${@:2}"
}

# A program that takes its steps one by one: open, then say STEP..., then close.
loop_open() {
	# exec: the process we know by its number must be the program itself
	coproc LOOP {
		exec "$LIVE/probe" -c "$cg" -n "/run/netns/$NS-$where" -N "$comm" -k "$MARK" loop 2>&1
	}
	loop_pid=$LOOP_PID
	exec {loop_in}<&"${LOOP[0]}" {loop_out}>&"${LOOP[1]}"
}

# Inside the namespace that the program made for itself. Never in that of the machine: a mistake here
# would change its network.
in_fresh() { # CMD...
	if [ "/proc/$loop_pid/ns/net" -ef /proc/self/ns/net ]; then
		fail "the program has no namespace of its own"
		return 1
	fi
	nsenter --net="/proc/$loop_pid/ns/net" -- "$@"
}

say() {
	echo "$*" >&"$loop_out"
	out=''
	read -r -t 10 -u "$loop_in" out || fail "no answer to: $*"
}

loop_close() {
	exec {loop_out}>&- {loop_in}<&-
	# bash forgets its own ends when it hears that the program has gone
	[ -z "${LOOP[1]:-}" ] || eval "exec ${LOOP[1]}>&-"
	wait "$loop_pid" 2> /dev/null
	loop_pid=''
}

get() { # KEY: its value in $out
	[[ " $out " =~ [[:space:]]$1=([^[:space:]]*) ]] && echo "${BASH_REMATCH[1]}"
}

result() {
	local want
	for want in "$@"; do
		[[ " $out " = *" $want "* ]] || fail "wanted $want, got: $out"
	done
}

faster() { # MILLISECONDS
	[ "$(get ms)" -lt "$1" ] || fail "took $(get ms) ms, wanted less than $1"
}

# ---- the far ends ----
target() { # PHASE: addresses and a mark that no other test and no other phase has
	phase=$1
	local p=100
	[ "$phase" != on ] || p=101
	T4=198.51.$p.$number
	T6=2001:db8:$p::$number
	MARK=t${number}p$p
	: > "$W/seen"
}

# Lines of the capture that belong to this target or carry its mark.
seen() { # [PLACE]
	local line
	mapfile -t seen_lines < "$W/seen"
	for line in "${seen_lines[@]}"; do
		case $line in
		*" barrier "*) ;;
		"${1:-}"*" $T4 "* | "${1:-}"*" $T6 "* | "${1:-}"*" $MARK") echo "$line" ;;
		esac
	done
}

barrier_came() { # TOKEN COUNT
	local line n=0
	mapfile -t seen_lines < "$W/seen"
	for line in "${seen_lines[@]}"; do
		[[ $line != *" barrier "*" $1" ]] || n=$((n + 1))
	done
	[ "$n" -ge "$2" ]
}

# Frames behind what was sent: when they are seen everywhere, so is what came before them.
barrier() { # [NAMESPACE]
	local token=b$((++barriers))p$$ from=${1:-app} devices=eth0 n=3
	if [ "$from" = app ]; then
		devices='eth0 eth1' n=4
	fi
	# shellcheck disable=SC2086
	"$LIVE/probe" -n "/run/netns/$NS-$from" -k "$token" barrier $devices
	await 5 barrier_came "$token" "$n" || fail "the barrier did not arrive"
}

nothing_seen() {
	local lines
	barrier "$([ "$where" = host ] && echo host)"
	lines=$(seen)
	[ -z "$lines" ] || fail "LEAK: ${lines//$'\n'/; }"
}

attempt() { # PHASE ACTION
	target "$1"
	if [ "$1" = on ]; then guard_on; else guard_off; fi
	[ -n "$cg" ] || cg=$CG
	eval "$2"
}

deny() { # PLACE ACTION
	attempt off "$2"
	await 2 seen_at "$1" || fail "control: with the guard off nothing is seen at $1: $out"
	attempt on "$2"
	nothing_seen
}

seen_at() { # PLACE
	[ -n "$(seen "$1 ")" ]
}

allow() { # PLACE|none ACTION
	local place
	attempt on "$2"
	if [ "$1" != none ]; then
		await 2 seen_at "$1" || fail "nothing seen at $1: $out"
	fi
	barrier
	for place in "${TOPO_PLACES[@]}"; do
		[ "$place" = "$1" ] || [ -z "$(seen "$place ")" ] || fail "LEAK: $(seen "$place ")"
	done
}

# ---- evidence ----
log_read() {
	guard log --json > "$W/events" 2> "$W/log.err" || fail "bpfguard log: $(< "$W/log.err")"
}

event_filter() { # KEY=VALUE...
	local kv expr=true
	for kv in "$@"; do
		expr+=" and ((.${kv%%=*} | tostring) == \"${kv#*=}\")"
	done
	echo "$expr"
}

has_event() { # KEY=VALUE...
	log_read
	jq -e -s "map(select($(event_filter "$@"))) | length > 0" "$W/events" > /dev/null
}

# An event is in the ring before the call that it is about returns.
event() { # KEY=VALUE...; the program is the last that spoke in $out
	local pid
	pid=$(get pid)
	has_event tgid="$pid" pid="$pid" guard="${guard_name:-vpn}" comm="$comm" "$@" ||
		fail "no event with $*; of pid $pid: $(jq -c "select(.tgid == $pid) |
			{reason,hook,verdict,comm,dst,dport,next_hop,proto,dns_name,count}" "$W/events" |
			head -n 3)"
}

no_event() { # KEY=VALUE...
	! has_event "$@" || fail "an event with $*"
}

counter() { # REASON [GUARD] [allowed|denied]
	guard status --json | jq ".guards[] | select(.name == \"${2:-vpn}\") | .${3:-denied}.$1"
}

counter_is() { # REASON AT-LEAST
	[ "$(counter "$1")" -ge "$2" ]
}

lease() { # up|down|expired|SECONDS: what the monitor would write
	local until=0 state=1 hex i
	case $1 in
	up) until=$((1 << 62)) ;;
	down) state=0 until=$((1 << 62)) ;;
	expired) until=1 ;;
	[0-9]*)
		read -r until _ < /proc/uptime # boot clock, in 1/100 s
		until=$((${until/./}0000000 + $1 * 1000000000))
		;;
	esac
	hex=''
	for ((i = 0; i < 64; i += 8)); do
		hex+=$(printf ' %02x' $((until >> i & 255)))
	done
	# shellcheck disable=SC2086
	bpftool map update pinned "$BPFGUARD_PINS/maps/bg_lease" key hex 00 00 00 00 \
		value hex $hex 0$state 00 00 00 00 00 00 00 || fail "cannot write the lease"
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# A guard in the second slot obeys its own lease and its own pause; a guard that is not published
# refuses by each hook; audit and pause let through by each hook.

slot_of() { # GUARD
	local dir
	for dir in "$BPFGUARD_PINS"/guards/*-"$1"; do
		dir=${dir##*/}
		echo "${dir%%-*}"
	done
}

pause_slot() { # SLOT until|0: as `bpfguard pause` writes it
	local end='00 00 00 00 00 00 00 00'
	[ "$2" = 0 ] || end='00 00 00 00 00 00 00 40'
	# shellcheck disable=SC2086
	bpftool map update pinned "$BPFGUARD_PINS/maps/bg_pause" key hex "0$1" 00 00 00 \
		value hex $end || fail "cannot write the pause"
}

test_slots_lease() {
	policy=twolease
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
	attempt on 'probe udp $T4 9'
	[ "$(slot_of vpn)" != 0 ] || fail "control: the guard is in slot 0"
	result errno=EPERM
	event reason=vpn_down hook=sendmsg4
	loop_open
	say socket inet dgram 0
	say connect "$T4" 9
	result errno=OK
	say send
	result errno=EPERM
	out=pid=$loop_pid
	event reason=vpn_down hook=egress
	loop_close
	nothing_seen
}

every_call() { # ERRNO-UDP ERRNO-TCP ERRNO-RAW ERRNO-TCP6: by egress, sockops, sock_create, connect6
	probe udp "$T4" 7
	result errno="$1"
	probe tcp "$T4" 7
	result errno="$2"
	probe socket 2 3 1
	result errno="$3"
	probe tcp "$T6" 7
	result errno="$4"
}

test_slots_pause() {
	policy=twonov6
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	attempt on :
	every_call EPERM EHOSTUNREACH EPERM EPERM
	pause_slot 0 until # the other guard's
	every_call EPERM EHOSTUNREACH EPERM EPERM
	pause_slot 0 0
	nothing_seen
	pause_slot "$(slot_of vpn)" until
	every_call OK OK OK OK
	await 2 seen_at rogue || fail "a pause does not let through"
	[ "$(counter paused vpn allowed)" -ge 4 ] || fail "a pause is not counted"
	pause_slot "$(slot_of vpn)" 0
	target on
	every_call EPERM EHOSTUNREACH EPERM EPERM
	nothing_seen
}

test_slots_audit_calls() {
	policy=auditnov6
	allow gw 'probe tcp $T6 7 echo'
	result errno=OK
	event reason=ipv6_no_gateway hook=connect6 verdict=would_deny
	allow gw 'probe udp $T6 7 echo'
	result errno=OK
	event reason=ipv6_no_gateway hook=sendmsg6 verdict=would_deny
}

unpublish() {
	bpftool map delete pinned "$BPFGUARD_PINS/maps/bg_policy" key hex 00 00 00 00 ||
		fail "cannot take the policy away"
}

publish() {
	guard load -p "$W/basic.yaml" > "$W/load.out" 2>&1 || fail "$(< "$W/load.out")"
}

not_loaded() { # HOOK
	log_read
	has_event tgid="$loop_pid" reason=not_loaded hook="$1" || fail "no event of $1"
	nothing_seen
	loop_close
}

# What is denied unpublished has no flow, so one process's denials are one event: one each.
begin() { # KIND of socket
	publish
	loop_open
	say socket inet "$1" 0
	result errno=OK
}

# The way is the right one all the time: only that nothing is published is wrong.
test_slots_unpublished() {
	attempt on loop_open
	say socket inet dgram 0
	say connect "$T4" 7
	say echo
	result errno=OK
	barrier
	target on
	unpublish
	say send
	result errno=EPERM
	not_loaded egress
	loop_open
	say socket inet dgram 0
	result errno=EPERM
	not_loaded sock_create
	begin dgram
	unpublish
	say send "$T4" 9
	result errno=EPERM
	not_loaded sendmsg4
	begin stream
	unpublish
	say connect "$T4" 7
	result errno=EPERM
	not_loaded connect4
	publish
}

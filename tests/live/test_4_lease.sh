# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# The lease: what the monitor writes decides about the very next packet of each flow.

flows_stop() { # LEASE REASON POLICY stream|dgram 4|6: of an established connection, a connected socket
	local to=inet
	policy=$3
	attempt on loop_open
	lease up
	[ "$5" = 4 ] || to=inet6
	say socket $to "$4" 0
	if [ "$5" = 4 ]; then to=$T4; else to=$T6; fi
	say connect "$to" 7
	say echo
	result errno=OK
	lease "$1"
	barrier # what was captured of the echo is in the file that `target` empties
	target on
	say send
	[ "$4" = stream ] || result errno=EPERM
	nothing_seen
	out=pid=$loop_pid
	event reason="$2" hook=egress dport=7 family="ipv$5"
	lease up
	if [ "$4" = stream ]; then
		say recv # what was kept back is sent again by the kernel
	else
		say echo
	fi
	result errno=OK
	loop_close
}

test_lease_down_tcp4() { flows_stop down vpn_down basic stream 4; }
test_lease_down_tcp6() { flows_stop down vpn_down basic stream 6; }
test_lease_down_udp4() { flows_stop down vpn_down basic dgram 4; }
test_lease_down_udp6() { flows_stop down vpn_down basic dgram 6; }
test_lease_expired_tcp4() { flows_stop expired lease_expired lease stream 4; }
test_lease_expired_udp6() { flows_stop expired lease_expired lease dgram 6; }

# A guard with a lease starts closed: nobody has proved anything yet.
test_lease_starts_closed() {
	policy=lease
	guard_off
	deny gw 'probe udp $T4 9'
	result errno=EPERM
	[ -n "$(get pid)" ] || fail "no pid"
	event hook=sendmsg4 dst="198.51.101.$number"
	deny gw 'probe tcp $T4 7'
	result call=connect errno=EPERM
	event hook=connect4
	deny gw 'probe tcp $T4 7 mapped'
	result call=connect errno=EPERM
	event hook=connect6 dst="198.51.101.$number"
	deny gw 'probe ping $T6 0'
	event hook=egress
	lease up
	allow gw 'probe udp $T4 7 echo'
	result errno=OK
}

# Peers on the network need no tunnel.
test_lease_down_local() {
	attempt on :
	lease down
	allow peer 'probe udp 172.30.0.20 7 echo'
	result errno=OK
	allow none 'probe ping ::1 0 echo'
	result errno=OK
	lease up
}

# A lease that runs out by itself: no call, no write.
test_lease_runs_out() {
	policy=lease
	attempt on loop_open
	lease 1
	say socket inet dgram 0
	say connect "$T4" 7
	say echo
	result errno=OK
	await 4 run_out || fail "the lease does not run out"
	event reason=lease_expired hook=egress
	loop_close
}

run_out() {
	say send
	[ "$(get errno)" = EPERM ]
}

# shellcheck shell=bash disable=SC2016
# SPDX-License-Identifier: GPL-2.0-only
#
# The lease: what the monitor writes decides about the very next packet of each flow.

flows_stop() { # LEASE REASON: an established TCP connection and a connected UDP socket
	policy=${3:-basic}
	attempt on loop_open
	lease up
	say socket inet "$4" 0
	say connect "$T4" 7
	say echo
	result errno=OK
	lease "$1"
	target on
	say send
	[ "$4" = stream ] || result errno=EPERM
	nothing_seen
	out=pid=$loop_pid
	event reason="$2" hook=egress dport=7 next_hop=172.30.0.2
	lease up
	if [ "$4" = stream ]; then
		say recv # what was kept back is sent again by the kernel
	else
		say echo
	fi
	result errno=OK
	loop_close
}

test_lease_down_tcp() { flows_stop down vpn_down basic stream; }
test_lease_down_udp() { flows_stop down vpn_down basic dgram; }
test_lease_expired_tcp() { flows_stop expired lease_expired lease stream; }
test_lease_expired_udp() { flows_stop expired lease_expired lease dgram; }

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

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# Who it was: the program that made the socket, also when the kernel sends on its behalf.

test_identity_softirq_ack() {
	attempt on loop_open
	say socket inet stream 0
	say connect "$T4" 7
	say echo
	result errno=OK
	lease down
	target on
	push
	await 3 counter_is vpn_down 1 || fail "no acknowledgement was denied"
	out=pid=$loop_pid
	event reason=vpn_down hook=egress proto=tcp dport=7 src=172.30.0.10
	only_ours
	lease up
	loop_close
}

# The far end writes to its connections: our side must acknowledge, in softirq.
push() {
	in_ns rogue bash -c 'printf push > /dev/udp/172.30.0.2/7'
}

# No event names another process. An earlier test's connection may still be dying: it has its own name.
only_ours() {
	log_read
	jq -e -s "all(.tgid == $loop_pid or (.comm | startswith(\"t-\")) and
		  .comm != \"${comm:0:15}\")" "$W/events" > /dev/null ||
		fail "an event names another process: $(jq -c '{tgid,comm,reason}' "$W/events")"
}

# Sent once by the program, then again and again by a timer.
test_identity_retransmission() {
	attempt on loop_open
	say socket inet stream 0
	say connect "$T4" 7
	say echo
	result errno=OK
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	say send
	await 4 counter_is next_hop 3 || fail "no retransmission was denied"
	out=pid=$loop_pid
	event reason=next_hop hook=egress proto=tcp next_hop=172.30.0.1
	only_ours
	loop_close
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
}

# The last words of a process that is killed.
test_identity_after_death() {
	attempt on loop_open
	say socket inet stream 0
	say connect "$T4" 7
	say echo
	result errno=OK
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	disown "$loop_pid" # its death is no news to this shell
	kill -9 "$loop_pid"
	await 4 counter_is next_hop 1 || fail "no FIN was denied"
	out=pid=$loop_pid
	event reason=next_hop hook=egress proto=tcp next_hop=172.30.0.1
	loop_close
}

# The call knows who calls; the packet knows who made the socket, or who connected it last.
test_identity_child() {
	policy=nov6
	attempt on loop_open
	say socket inet6 dgram 0
	say child t-child send "$T6" 9
	result errno=EPERM
	comm=t-child
	event hook=sendmsg6 reason=ipv6_no_gateway
	[ "$(get pid)" != "$loop_pid" ] || fail "the child did not send"
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	say socket inet stream 0
	say child t-child connect "$T4" 7
	result errno=EHOSTUNREACH
	event hook=sockops reason=next_hop
	loop_close
}

test_identity_child_sends() {
	attempt on loop_open
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	say socket inet dgram 0
	say child t-child send "$T4" 9
	result errno=EPERM
	out=pid=$loop_pid
	event hook=egress reason=next_hop
	loop_close
}

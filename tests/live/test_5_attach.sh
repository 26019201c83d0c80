# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the programs hang: children cannot undo a refusal, guards do not mix, audit only reports.

in_child() { # CGROUP: the same attempts from a child
	cg=$1
	mkdir -p "$cg"
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	deny rogue 'probe udp $T4 9'
	result errno=EPERM
	event reason=next_hop hook=egress cgroup="${cg#"$CGROOT"}"
	deny rogue 'probe tcp $T4 7'
	result errno=EHOSTUNREACH
	attempt on 'probe socket 2 3 1'
	result errno=EPERM
}

test_attach_child() { in_child "$CG/a"; }
test_attach_grandchild() { in_child "$CG/a/b/c"; }

child_allows() { # link|legacy
	cg=$CG/own-$1
	mkdir -p "$cg"
	coproc PROG { exec "$LIVE/allowprog" "$cg" "$1" 2>&1; }
	local pid=$PROG_PID line=''
	read -r -t 5 -u "${PROG[0]}" line
	[ "$line" = attached=6 ] || fail "the child's programs: $line"
	in_child "$cg"
	eval "exec ${PROG[1]}>&-"
	wait "$pid" 2> /dev/null
}

test_attach_child_allows_by_link() {
	attempt on :
	child_allows link
}

test_attach_child_allows_before() {
	guard_off
	child_allows link
}

test_attach_child_allows_legacy() {
	attempt on :
	child_allows legacy
}

# A child cgroup that is made and removed again does not take the guard along.
test_attach_child_remade() {
	attempt on :
	mkdir -p "$CG/again"
	rmdir "$CG/again"
	in_child "$CG/again"
}

test_attach_audit() {
	policy=audit
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	allow rogue 'probe udp $T4 7 echo'
	result errno=OK
	event reason=next_hop hook=egress verdict=would_deny next_hop=172.30.0.1
	allow rogue 'probe tcp $T4 7 echo'
	result errno=OK
	event reason=next_hop verdict=would_deny proto=tcp
	attempt on 'probe socket 2 3 1'
	result errno=OK
	event reason=raw_socket verdict=would_deny hook=sock_create
}

# Each guard has its own gateway; what one allows, the other refuses.
test_attach_two_guards() {
	policy=two
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.1
	deny rogue 'probe udp $T4 9'
	result errno=EPERM
	event reason=next_hop
	no_event guard=other
	cg=$CG2
	allow rogue 'probe tcp $T4 7 echo'
	result errno=OK
	in_ns app ip route replace 198.51.0.0/16 via 172.30.0.2
	deny gw 'probe udp $T4 9'
	result errno=EPERM
	guard_name=other
	event reason=next_hop next_hop=172.30.0.2
	cg=$CG
	in_ns app ip route delete 198.51.0.0/16
	allow gw 'probe udp $T4 7 echo'
	result errno=OK
	# for this target alone: connections that earlier tests left behind would count, too
	attempt on 'in_ns app ip route replace "$T4" via 172.30.0.1; probe udp $T4 9'
	result errno=EPERM
	[ "$(counter next_hop vpn)" = 1 ] || fail "guard vpn counts $(counter next_hop vpn)"
	[ "$(counter next_hop other)" = 1 ] || fail "guard other counts $(counter next_hop other)"
}

# Another policy while a flow is up: the old one or the new one, nothing between.
test_attach_reload() {
	attempt on loop_open
	say socket inet dgram 0
	say connect "$T4" 7
	say echo
	result errno=OK
	policy_write basic | sed 's/172\.30\.0\.2, /172.30.0.4, /' > "$W/other.yaml"
	guard reload -p "$W/other.yaml" > "$W/load.out" 2>&1 || fail "$(< "$W/load.out")"
	loaded=other
	target on
	say send
	result errno=EPERM
	nothing_seen
	event reason=next_hop next_hop=172.30.0.2
	guard reload -p "$W/basic.yaml" > "$W/load.out" 2>&1 || fail "$(< "$W/load.out")"
	loaded=basic
	say echo
	result errno=OK
	loop_close
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# DNS: whoever is asked, the guard's resolver answers, and nobody else hears the question.
# Answers: 10.53.0.1 from the gateway, .2 from (a stand-in for) Docker's resolver, .3 from elsewhere.

ask() { # ADDRESS PORT NAME WORD...
	probe dns "$@"
}

queries() { # PLACE: what its server was asked
	grep "^$1 " "$W/queries"
}

# Everything that the gateway's server heard was for the resolver's own address.
only_resolver() {
	! queries rogue || fail "LEAK: rogue was asked: $(queries rogue | head -n 1)"
	! queries peer || fail "the peer was asked"
	! queries gw | grep -v ' 172\.30\.0\.3 \| fd30::3 ' ||
		fail "the gateway saw a query for another resolver"
	queries gw > /dev/null || fail "the guard's resolver was not asked"
}

resolv() { # NAMESERVER [OPTION...]: what the program finds in /etc/resolv.conf
	printf 'nameserver %s\n' "$1" > "$W/resolv.conf"
	printf 'options timeout:2 attempts:2 %s\n' "${2:-}" >> "$W/resolv.conf"
}

# With the guard off the question is answered by whoever has the route: here the wrong way out.
captured() { # ADDRESS WORD...
	in_ns app ip route replace 8.8.8.8 via 172.30.0.1
	in_ns app ip route replace 2001:db8::/32 via fd30::1
	attempt off "ask $1 53 control.example ${*:2}"
	result answer=10.53.0.3
	queries rogue > /dev/null || fail "control: rogue was not asked without guard"
	: > "$W/queries"
	attempt on "ask $1 53 captured.example ${*:2}"
	result answer=10.53.0.1 errno=OK
	only_resolver
}

test_dns_udp() { captured 8.8.8.8; result from=8.8.8.8:53; }
test_dns_udp_connected() { captured 8.8.8.8 connect; result from=8.8.8.8:53 peer=8.8.8.8:53; }
test_dns_tcp() { captured 8.8.8.8 tcp; result peer=8.8.8.8:53; }
test_dns_udp_mapped() { captured 8.8.8.8 mapped connect; result from=::ffff:8.8.8.8:53; }
test_dns_tcp_mapped() { captured 8.8.8.8 mapped tcp; result peer=::ffff:8.8.8.8:53; }
test_dns_udp_mapped_unconnected() { captured 8.8.8.8 mapped; result from=::ffff:8.8.8.8:53; }
test_dns_udp6() { captured 2001:db8::53; result from=2001:db8::53:53; }
test_dns_udp6_connected() { captured 2001:db8::53 connect; result peer=2001:db8::53:53; }
test_dns_tcp6() { captured 2001:db8::53 tcp; result peer=2001:db8::53:53; }

# The guard has IPv6 nowhere: a connected IPv6 query still gets its answer, over IPv4.
test_dns_udp6_without_ipv6() {
	policy=nov6
	captured 2001:db8::53 connect
	result peer=2001:db8::53:53
	captured 2001:db8::53 tcp
	attempt on 'ask 2001:db8::53 53 refused.example'
	result call=send errno=EPERM
	only_resolver
}

# Docker's address, at which nobody listens here: no reply but the resolver's.
test_dns_docker_address() {
	attempt off 'ask 127.0.0.11 53 control.example connect'
	result errno=ECONNREFUSED
	local words
	for words in '' connect tcp; do
		attempt on "ask 127.0.0.11 53 captured.example $words"
		result answer=10.53.0.1 errno=OK
	done
	only_resolver
}

libc_asks() { # NAMESERVER PROGRAM
	resolv "$1"
	out=$(probe_as -r "$W/resolv.conf" exec "${@:2}" 2>&1)
}

each_libc() { # NAMESERVER
	local libc
	for libc in glibc musl; do
		[ -x "$LIVE/resolve-$libc" ] || continue
		attempt on "libc_asks $1 $LIVE/resolve-$libc $libc.example"
		result answer=10.53.0.1 error=0
		faster 1500
		attempt on "libc_asks $1 $LIVE/resolve-$libc both.$libc.example unspec"
		result answer=10.53.0.1 error=0
		faster 1500
	done
	only_resolver
}

test_dns_libc_docker() { each_libc 127.0.0.11; }
test_dns_libc_elsewhere() { each_libc 8.8.8.8; }
test_dns_libc_elsewhere6() { each_libc 2001:db8::53; }

test_dns_libc_over_tcp() {
	resolv 8.8.8.8 use-vc
	attempt on 'out=$(probe_as -r "$W/resolv.conf" exec "$LIVE/resolve-glibc" vc.example 2>&1)'
	result answer=10.53.0.1 error=0
	queries gw | grep -q '^gw tcp ' || fail "not asked over TCP"
	only_resolver
}

test_dns_dig() {
	command -v dig > /dev/null || skip "no dig here"
	[ -z "$skipped" ] || return
	local words
	for words in '' +tcp; do
		attempt on "out=\$(probe_as exec dig +tries=1 +time=2 $words @8.8.8.8 dig.example A 2>&1)"
		[[ $out = *10.53.0.1* && $out = *"SERVER: 8.8.8.8#53"* ]] || fail "dig: $out"
	done
	only_resolver
}

# The same socket asks somebody else afterwards, who is not a resolver.
test_dns_socket_reused() {
	attempt on loop_open
	say socket inet dgram 0
	say connect 8.8.8.8 53
	result errno=OK
	say connect "$T4" 7
	result errno=OK
	say echo
	result errno=OK "reply=$T4"
	loop_close
}

# What a socket was shown before is over when it asks the resolver itself, and is true only of what
# the resolver sends.
test_dns_resolver_directly() {
	attempt on loop_open
	say socket inet dgram 0
	say ask 8.8.8.8 53 captured.example
	result errno=OK from=8.8.8.8:53 answer=10.53.0.1
	say echo 172.30.0.3 7
	result errno=OK reply=172.30.0.3
	say ask 172.30.0.3 53 right.example
	result errno=OK from=172.30.0.3:53 answer=10.53.0.1
	say socket inet dgram 0
	say ask 8.8.8.8 53 captured.example connect
	result errno=OK peer=8.8.8.8:53
	say ask 172.30.0.3 53 right.example connect
	result errno=OK peer=172.30.0.3:53 from=172.30.0.3:53
	loop_close
	only_resolver
}

# A SYN that carries data is captured like any other.
test_dns_fast_open() {
	in_ns app ip route replace 8.8.8.8 via 172.30.0.1
	attempt off 'probe tcp 8.8.8.8 53 tfo'
	await 2 seen_at rogue || fail "control: not seen at rogue"
	allow gw 'probe tcp 8.8.8.8 53 tfo'
	result errno=OK
	seen 'gw ' | grep -q ' 172\.30\.0\.3 53 ' || fail "not sent to the resolver: $(seen gw)"
}

# ---- strict ----
test_dns_strict() {
	policy=strict
	local words
	in_ns app ip route replace 8.8.8.8 via 172.30.0.1
	for words in '' connect; do
		attempt off "ask 8.8.8.8 53 control.example $words"
		result answer=10.53.0.3
		attempt on "ask 8.8.8.8 53 www.asked.example $words"
		result call=send errno=EPERM
		event reason=dns_elsewhere hook=egress dst=8.8.8.8 dport=53 \
			dns_name=www.asked.example
	done
	attempt on 'ask 8.8.8.8 53 www.asked.example tcp'
	result call=connect errno=EPERM
	event reason=dns_elsewhere hook=connect4 dst=8.8.8.8 proto=tcp
	attempt on 'ask 2001:db8::53 53 six.asked.example'
	result errno=EPERM
	event reason=dns_elsewhere dns_name=six.asked.example family=ipv6
	attempt on 'ask 172.30.0.3 53 right.example'
	result answer=10.53.0.1
	attempt on 'ask fd30::3 53 right.example tcp'
	result answer=10.53.0.1
	! queries rogue | grep -q asked || fail "LEAK: $(queries rogue)"
	only_right=$(queries gw | grep -c right.example)
	[ "$only_right" = 2 ] || fail "the right resolver was asked $only_right times"
}

test_dns_tls_denied() {
	policy=tls
	attempt off 'ask 8.8.8.8 853 control.example tcp'
	result answer=10.53.0.1
	attempt on 'ask 8.8.8.8 853 tls.example tcp'
	result call=connect errno=EPERM
	event reason=dns_elsewhere hook=connect4 dst=8.8.8.8 dport=853 proto=tcp
	attempt on 'ask 8.8.8.8 853 doq.example'
	result errno=EPERM
	event reason=dns_elsewhere hook=egress dport=853 proto=udp
	attempt on 'ask 172.30.0.3 853 right.example tcp'
	result answer=10.53.0.1
	policy=basic
	attempt on 'ask 8.8.8.8 853 allowed.example tcp'
	result answer=10.53.0.1
	! queries gw | grep 'tls.example\|doq.example' || fail "a refused query arrived"
}

# ---- local-names: Docker's resolver as Docker sets it up ----
docker_up() {
	local udp tcp
	[ ! -e "$W/docker.port" ] || return 0
	spawn "Docker's resolver" "$LIVE/server" docker "/run/netns/$NS-app" "$W/queries" \
		127.0.0.11 "$W/docker.port"
	read -r udp tcp < "$W/docker.port"
	docker_udp=$udp docker_tcp=$tcp
	in_ns app iptables-restore <<- END || fail "no NAT in this kernel"
		*nat
		:DOCKER_OUTPUT - [0:0]
		:DOCKER_POSTROUTING - [0:0]
		-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
		-A POSTROUTING -d 127.0.0.11/32 -j DOCKER_POSTROUTING
		-A DOCKER_OUTPUT -d 127.0.0.11/32 -p tcp --dport 53 -j DNAT --to-destination 127.0.0.11:$tcp
		-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp --dport 53 -j DNAT --to-destination 127.0.0.11:$udp
		-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p tcp --sport $tcp -j SNAT --to-source :53
		-A DOCKER_POSTROUTING -s 127.0.0.11/32 -p udp --sport $udp -j SNAT --to-source :53
		COMMIT
	END
}

test_dns_names_control() {
	docker_up
	attempt off 'ask 127.0.0.11 53 db'
	result answer=10.53.0.2 from=127.0.0.11:53
	attempt off 'ask 127.0.0.11 53 db tcp'
	result answer=10.53.0.2
	attempt off 'ask 127.0.0.11 53 leaks.example'
	result answer=10.53.0.2
	attempt off 'ask 127.0.0.11 "$docker_udp" leaks.example'
	result answer=10.53.0.2
	policy=basic
	: > "$W/queries"
	attempt on 'ask 127.0.0.11 53 db'
	result answer=10.53.0.1
	attempt on 'ask 127.0.0.11 "$docker_udp" leaks.example'
	result call=send errno=EPERM
	event reason=dns_elsewhere dns_name=leaks.example dst=127.0.0.11
	! queries docker || fail "LEAK: Docker's resolver was asked"
}

turned_back() { # BG_STAT_TURNED_BACK
	bpftool -j map lookup pinned "$BPFGUARD_PINS/maps/bg_stat" key hex 05 00 00 00 |
		jq '.formatted.values | map(.value) | add'
}

test_dns_names_glibc() {
	policy=names
	docker_up
	attempt on 'libc_asks 127.0.0.11 "$LIVE/resolve-glibc" database'
	result answer=10.53.0.2 error=0
	faster 1000
	attempt on 'libc_asks 127.0.0.11 "$LIVE/resolve-glibc" cache unspec'
	result answer=10.53.0.2 error=0
	faster 1000
	attempt on 'libc_asks 127.0.0.11 "$LIVE/resolve-glibc" www.dotted.example unspec'
	result answer=10.53.0.1 error=0
	faster 1000
	[ "$(turned_back)" -gt 0 ] || fail "what was turned back is not counted"
	! queries docker | grep dotted || fail "LEAK: Docker's resolver was asked for a dotted name"
	! queries gw | grep 'database\|cache' || fail "the gateway was asked for a container's name"
}

test_dns_names_musl() {
	[ -x "$LIVE/resolve-musl" ] || skip "no musl-gcc here"
	[ -z "$skipped" ] || return
	policy=names
	docker_up
	attempt on 'libc_asks 127.0.0.11 "$LIVE/resolve-musl" database'
	result answer=10.53.0.2 error=0
	faster 3000
	attempt on 'libc_asks 127.0.0.11 "$LIVE/resolve-musl" www.dotted.example'
	result answer=10.53.0.1 error=0
	! queries docker | grep dotted || fail "LEAK: Docker's resolver was asked for a dotted name"
}

# One thread asks for both kinds in turn.
test_dns_names_in_turn() {
	policy=names
	docker_up
	attempt on loop_open
	local i
	for i in 1 2 3; do
		say dns 127.0.0.11 53 "dotted$i.example"
		[[ $out = *errno=EPERM* ]] && say dns 127.0.0.11 53 "dotted$i.example"
		result answer=10.53.0.1
		say dns 127.0.0.11 53 "single$i"
		[[ $out = *errno=EPERM* ]] && say dns 127.0.0.11 53 "single$i"
		result answer=10.53.0.2
	done
	loop_close
	! queries docker | grep dotted || fail "LEAK: Docker's resolver was asked for a dotted name"
}

# The leave to ask Docker's resolver is for Docker's resolver, once, and soon.
test_dns_names_leave() {
	policy=names
	docker_up
	in_ns app ip route replace 8.8.8.8 via 172.30.0.1
	attempt on loop_open
	say dns 127.0.0.11 53 single
	result errno=EPERM
	say dns 8.8.8.8 53 elsewhere.example
	result errno=OK answer=10.53.0.1
	say dns 127.0.0.11 53 single
	result errno=OK answer=10.53.0.2
	leave_ends
	say dns 127.0.0.11 53 late
	result errno=EPERM
	loop_close
	! queries rogue || fail "LEAK: rogue was asked"
	! queries docker | grep late || fail "Docker's resolver was asked too late"
}

leave_ends() { # as if its three seconds had passed
	local key
	while read -r key; do
		# shellcheck disable=SC2086
		bpftool map update pinned "$BPFGUARD_PINS/maps/bg_dns_local" key hex $key \
			value hex 01 00 00 00 00 00 00 00 || fail "cannot end the leave"
	done < <(bpftool -j map dump pinned "$BPFGUARD_PINS/maps/bg_dns_local" |
		jq -r '.[].key | map(ltrimstr("0x")) | join(" ")')
}

test_dns_names_around() {
	policy=names
	docker_up
	attempt on 'ask 127.0.0.11 "$docker_udp" leaks.example'
	result call=send errno=EPERM
	event reason=dns_elsewhere hook=egress dst=127.0.0.11 dns_name=leaks.example
	attempt on 'ask 127.0.0.11 "$docker_udp" leaks.example connect'
	result errno=EPERM
	attempt on 'ask 127.0.0.11 "$docker_tcp" single tcp'
	result call=connect errno=EPERM
	event reason=dns_elsewhere hook=connect4 dst=127.0.0.11 proto=tcp
	attempt on 'ask 127.0.0.11 53 dotted.example tcp'
	result answer=10.53.0.1 peer=127.0.0.11:53
	attempt on 'ask 8.8.8.8 53 other'
	result answer=10.53.0.1
	! queries docker || fail "LEAK: Docker's resolver was asked: $(queries docker)"
	! queries rogue || fail "LEAK: rogue was asked"
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# What a second pair of eyes tried: each way got out, or refused what is legal, once.

red() { # KIND: as an ordinary user, straight to the port where Docker's resolver listens
	# a copy where that user can go: the tree may stand in /root
	{ chmod 711 "$W" && install -m 755 "$LIVE/red" "$W/red"; } || fail "cannot copy red"
	out=$(probe_as exec "$W/red" "$1" 127.0.0.11 "$docker_udp" 2>&1) || fail "red $1: $out"
}

docker_heard() { # NAME
	queries docker | grep -q " $1\$"
}

# A question to Docker's resolver that is answered has everything before it in the list.
docker_settled() {
	outside app dns 127.0.0.11 "$docker_udp" settled > "$W/settled"
	docker_heard settled || fail "Docker's resolver does not answer"
}

# Without the guard Docker's resolver hears NAME; with it never.
docker_deaf() { # KIND NAME
	policy=names uid=1000 comm=red
	docker_up
	attempt off "red $1"
	await 2 docker_heard "$2" || fail "control: Docker's resolver does not hear $2: $out"
	: > "$W/queries"
	attempt on "red $1"
	docker_settled
	! docker_heard "$2" || fail "LEAK: Docker's resolver was asked for $2"
	result errno=EPERM
	event reason=dns_elsewhere hook=egress dst=127.0.0.11
}

test_red_names_segments() { docker_deaf segments aaaa.leak.example; }
test_red_names_dots() { docker_deaf dots aaaa.leak.example; }
test_red_names_update() { docker_deaf update update; }

# What is judged must be what is delivered.
test_red_names_page() {
	policy=names uid=1000 comm=red
	docker_up
	attempt off 'red page'
	[ "$(get heard)" = other ] || skip "this kernel copies what is sent: $out"
	[ -z "$skipped" ] || return
	attempt on 'red page'
	[ "$(get heard)" != other ] || fail "LEAK: another name than was judged"
	result errno=EPERM
	event reason=dns_elsewhere hook=egress dst=127.0.0.11
}

# getaddrinfo() connects a datagram socket to each address, only to sort them: nothing is sent, so
# there is nothing to refuse and nothing to report, until something is sent.
test_red_address_order() {
	policy=nov6
	attempt on loop_open
	say socket inet6 dgram 0
	say connect "$T6" 9
	result errno=OK
	no_event reason=ipv6_no_gateway
	say send
	result errno=EPERM
	event reason=ipv6_no_gateway hook=egress
	loop_close
}

# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
#
# Counts: exact whatever is folded, exact when the ring is full.

# For this target alone: connections that earlier tests left behind go on trying, and would count.
wrong_way() {
	in_ns app ip route replace "$T4" via 172.30.0.1
}

sum_of_counts() { # REASON
	jq -s "map(select(.reason == \"$1\") | .count) | add // 0" "$W/events"
}

test_count_folded() {
	guard_off
	attempt on 'wrong_way; probe flood $T4 9 10000'
	result failed=10000 errno=EPERM
	log_read
	[ "$(counter next_hop)" = 10000 ] || fail "status counts $(counter next_hop)"
	[ "$(sum_of_counts next_hop)" = 10000 ] || fail "the log counts $(sum_of_counts next_hop)"
	[ "$(wc -l < "$W/events")" -lt 100 ] || fail "$(wc -l < "$W/events") events: nothing is folded"
	jq -e -s "all(.tgid == $(get pid) and .hook == \"egress\" and .verdict == \"deny\")" \
		"$W/events" > /dev/null || fail "an event of another"
	nothing_seen
}

# Folded repeats are reported for what they were.
test_count_folded_audit() {
	policy=audit
	guard_off
	attempt on 'wrong_way; probe flood $T4 9 1000'
	result failed=0
	log_read
	[ "$(sum_of_counts next_hop)" = 1000 ] || fail "the log counts $(sum_of_counts next_hop)"
	jq -e -s 'all(.verdict == "would_deny")' "$W/events" > /dev/null || fail "another verdict"
}

# Longer than one window of folding: each event brings what came since the one before.
test_count_long_burst() {
	local began=${EPOCHREALTIME/./} sent=0
	guard_off
	attempt on loop_open
	wrong_way
	say socket inet dgram 0
	say connect "$T4" 9
	await 20 many_sent 3 || fail "too slow"
	loop_close
	log_read
	[ "$(counter next_hop)" = "$sent" ] || fail "status counts $(counter next_hop) of $sent"
	[ "$(sum_of_counts next_hop)" = "$sent" ] || fail "the log counts $(sum_of_counts next_hop)"
	[ "$(wc -l < "$W/events")" -ge 3 ] || fail "control: only $(wc -l < "$W/events") events"
	[ "$(wc -l < "$W/events")" -le 8 ] || fail "$(wc -l < "$W/events") events: nothing is folded"
}

many_sent() { # SECONDS
	say send
	sent=$((sent + 1))
	[ $((${EPOCHREALTIME/./} - began)) -ge $(($1 * 1000000)) ]
}

test_count_last_denial() {
	guard_off
	attempt on 'wrong_way; probe udp $T4 9'
	[ "$(guard status --json | jq -r '.guards[0].last_denial | "\(.reason) \(.hook)"')" = \
		"next_hop egress" ] || fail "$(guard status --json | jq -c '.guards[0].last_denial')"
}

test_count_two_cpus() {
	guard_off
	attempt on 'wrong_way; probe_as flood $T4 9 20000 > "$W/f1" & probe_as flood $T4 9 20000 > "$W/f2"; wait $!'
	log_read
	[ "$(counter next_hop)" = 40000 ] || fail "status counts $(counter next_hop)"
	[ "$(sum_of_counts next_hop)" = 40000 ] || fail "the log counts $(sum_of_counts next_hop)"
}

# Nobody reads while more kinds of denial come than the ring holds.
test_count_ring_full() {
	guard_off
	attempt on 'wrong_way; probe flood $T4 1000 6000 1'
	result failed=6000
	[ "$(counter next_hop)" = 6000 ] || fail "status counts $(counter next_hop)"
	local events lost seq delivered
	read -r events lost seq < <(guard status --json |
		jq -r '"\(.stream.events) \(.stream.lost) \(.stream.seq)"')
	[ "$lost" -gt 0 ] || fail "the ring was not full, or what it lost is not counted"
	[ $((events + lost)) = "$seq" ] || fail "$events events and $lost lost of $seq numbers"
	[ "$seq" = 6000 ] || fail "the stream's number is $seq"
	log_read
	delivered=$(jq -s "map(select(.seq <= $seq)) | length" "$W/events")
	[ "$delivered" = "$events" ] || fail "$delivered events came, $events were sent"
	# the log's own word about it: the numbers that are missing
	[ "$(jq -s 'map(.lost) | add' "$W/events")" -ge "$lost" ] ||
		fail "the log misses $(jq -s 'map(.lost) | add' "$W/events"), the kernel lost $lost"
	# what found no room is not forgotten: each comes with the next event of its kind
	await 5 all_counted 6000 || fail "the log counts $(sum_of_counts next_hop)"
	[ "$(guard status --json | jq .stream.lost)" = "$lost" ] || fail "the flush loses events"
	nothing_seen
}

all_counted() { # HOW-MANY
	log_read
	[ "$(sum_of_counts next_hop)" = "$1" ]
}

# Two readings in a row: each event once, none reported lost that is there.
test_count_read_twice() {
	guard_off
	attempt on 'wrong_way; probe udp $T4 9'
	log_read
	probe udp "$T4" 9
	probe udp "$T4" 10
	log_read
	[ "$(wc -l < "$W/events")" = 3 ] || fail "$(wc -l < "$W/events") events of 3"
	[ "$(jq -s 'map(.lost) | add' "$W/events")" = 0 ] ||
		fail "lost $(jq -s 'map(.lost) | add' "$W/events"), though nothing was"
	loop_open
	say socket inet dgram 0
	say connect "$T4" 11
	say send
	say send # a single repeat
	loop_close
	log_read
	[ "$(sum_of_counts next_hop)" = 5 ] || fail "$(sum_of_counts next_hop) denials of 5"
}

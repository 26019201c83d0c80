# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The stream of denied attempts: who it was, down to the container's name and image.

test_event_fields() {
	local address=$LAB_NET_INET.91 event key pid out

	load
	must "start" lab_docker run -d --init --name fields --network bridge \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	# a process that lives on, so that all of it can be compared
	must "send" lab_docker exec -d -u 1234 fields firstpacket "$address" fields stay
	event=$(guard_event "TCP from fields" ".dst == \"$address\" and .proto == \"tcp\"") ||
		fail "no event"
	for key in \
		'.guard == "vpn"' '.verdict == "deny"' '.reason == "next_hop"' \
		'.container.name == "fields"' '.container.image == "lab-app"' \
		".container.id == \"$(lab_docker inspect -f '{{.Id}}' fields)\"" \
		".cgroup == \"$LAB_GUARD_CGROUP/$(lab_docker inspect -f '{{.Id}}' fields)\"" \
		'.comm == "firstpacket"' '.exe == "/usr/local/bin/firstpacket"' \
		'.uid == 1234' '.family == "ipv4"' '.proto == "tcp"' \
		'.dport == 7778' '.count == 1' '.lost == 0' \
		".src == \"$(lab_docker inspect -f '{{.NetworkSettings.IPAddress}}' fields)\"" \
		".next_hop == \"$(lab_docker inspect -f '{{.NetworkSettings.Gateway}}' fields)\"" \
		".netns == $(stat -Lc %i "/proc/$(lab_docker inspect -f '{{.State.Pid}}' fields)/ns/net")"; do
		[ "$(jq "$key" <<< "$event" 2>&1)" = true ] || fail "not $key in $event"
	done
	pid=$(lab_docker top fields -o pid,comm | awk '$2 == "firstpacket" { print $1 }')
	same "pid" "$pid $pid" "$(jq -r '"\(.pid) \(.tgid)"' <<< "$event")"
	out=$(guard log --container fields --json | jq -s length)
	[ "$out" -ge 1 ] || fail "log --container fields shows $out events"
	same "log --container of another" 0 "$(guard log --container other --json | jq -s length)"
	same "log --reason" "$address" \
		"$(guard log --reason next_hop --json | jq -r .dst | sort -u)"
}

# Repeats are folded into counts: a flood does not become a flood of lines, and none goes uncounted.
test_event_counts() {
	local address=$LAB_NET_INET.92 n=300 lines

	load
	must "start" lab_docker run -d --init --name flood --network bridge \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity
	must "flood" lab_docker exec flood sh -c \
		"i=0; while [ \$i -lt $n ]; do firstpacket $address flood > /dev/null; i=\$((i + 1)); done"
	must "all counted" lab_wait "$((n * 6)) denials" 10 all_counted "$address" $((n * 6))
	same "denials by status" $((n * 6)) "$(guard status --json |
		jq '[.. | objects | .next_hop? // empty | numbers] | add')"
	lines=$(guard_events ".dst == \"$address\"" | wc -l)
	[ "$lines" -lt $((n * 6)) ] || fail "$lines lines for $((n * 6)) denials: nothing was folded"
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2317 # id, work and cgroups are the caller's; tests are called by name
#
# Others' hands on what is loaded, while the monitor runs: noticed, put right, in the trail and in
# status; and what only looks like it (load, reload, unload by the user) is let alone.

pins() {
	echo "/sys/fs/bpf/$id"
}

tampered() { # JQ-CONDITION: a record of this test
	tail_has ".what == \"tamper\" and ($1)"
}

# Beginning of a test: a monitor that works, and where the trail stands.
untouched() {
	fresh
	wait_for 3 daemon_is "$(pid_of monitor)" || fail "no state"
	mark=$(wc -l < "$work/log/audit.jsonl")
}

whole() {
	bpfguard status --json | jq -e '.guards[0].hooks | all(.attached)'
}

repaired() { # TEXT
	wait_for 4 tampered ".repaired and (.damage | any(contains(\"$1\")))" ||
		fail "not noticed or not put right: $1: $(tail -n 3 "$work/monitor.log")"
	wait_for 4 whole || fail "not whole: $(bpfguard status 2>&1 | head -n 4)"
	wait_for 4 problem "$1" || fail "status does not show it"
	! bpfguard status > /dev/null 2>&1 || fail "status: exit 0 right after it"
	wait_for 10 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "the sender does not get through"
}

# To where nothing may go; whatever the pins are, it is refused.
forbidden_begin() {
	(sandboxed setsid "$work/sender" 172.50.0.20 9 1000) > "$work/forbidden.log" 2>&1 < /dev/null &
	echo $! > "$work/forbidden.pid"
	disown
	wait_for 3 grep -q closed "$work/forbidden.log" || fail "the other sender does not run"
}

forbidden_end() {
	end forbidden
	! grep -q open "$work/forbidden.log" || fail "a gap: $(cat "$work/forbidden.log")"
}

test_b_tamper_link_detached() {
	local link
	untouched
	link=$(bpfguard status --json | jq '.guards[0].hooks[] | select(.hook == "egress") | .link')
	bpftool link detach id "$link" || fail "cannot detach"
	repaired 'egress: its link was detached'
}

# The monitor holds the links, too: without the pins they go on, until new ones are there.
test_b_tamper_pins() {
	untouched
	forbidden_begin
	rm -r "$(pins)/guards" || fail "cannot remove"
	repaired 'egress: the pin of its link is gone'
	forbidden_end
}

test_b_tamper_all_pins() {
	untouched
	forbidden_begin
	rm -r "$(pins)" # which may meet what is being made anew
	repaired 'gone'
	forbidden_end
}

test_b_tamper_map_pins() {
	untouched
	rm "$(pins)"/maps/bg_port "$(pins)"/maps/bg_mac "$(pins)"/maps/bg_lease
	repaired 'the pin of map'
	# the new maps hold what the monitor knows: the peers reach each other
	wait_for 5 pings app 172.30.0.20 || fail "the new maps are empty"
}

test_b_tamper_policy_map() {
	untouched
	bpftool map delete pinned "$(pins)/maps/bg_policy" key 0 0 0 0 || fail "cannot delete"
	repaired 'the policy in force is gone'
	# what the monitor knows of the guard stays: it is not taken for a new one
	! tail_has '.what == "state" and .from == "boot"' || fail "forgotten meanwhile"
}

test_b_tamper_program() {
	untouched
	# another hook's program, which allows what it is asked, under the packet hook's link
	bpftool prog show pinned "$(pins)/flush" > /dev/null || fail "no program to use"
	replace_egress || fail "cannot replace"
	repaired 'egress: another program was put under its link'
}

replace_egress() { # by BPF_LINK_UPDATE: bpftool has no word for it
	python3 - "$(pins)" <<- 'END'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		def bpf(cmd, attr):
		    buf = ctypes.create_string_buffer(attr.ljust(144, b"\0"))
		    return libc.syscall(321, cmd, buf, 144)
		def get(path):
		    name = ctypes.create_string_buffer(path.encode())
		    return bpf(7, struct.pack("QII", ctypes.addressof(name), 0, 0))
		link, prog = get(sys.argv[1] + "/guards/0-vpn/egress"), get(sys.argv[1] + "/flush")
		sys.exit(bpf(29, struct.pack("IIII", link, prog, 0, 0)) != 0)
	END
}

# What was done while no monitor ran.
test_b_tamper_unwatched() {
	untouched
	end monitor
	replace_egress || fail "cannot replace"
	monitor_up
	repaired 'egress: another program was put under its link'
	end monitor
	rm -r "$(pins)"
	monitor_up
	wait_for 3 problem 'what was loaded is gone, and nobody unloaded' || fail "not told"
	bpfguard load -p "$work/policy.yaml" > /dev/null 2>&1 || fail "load: exit $?"
	wait_for 10 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "closed"
}

test_b_tamper_note() {
	untouched
	rm "$work/run/policy.yaml"
	repaired "the policy's text was taken"
}

# A socket of the old cgroup keeps that alive, links and all; its path leads to another by then.
hold_socket() {
	cat > "$work/holder.py" <<- 'END'
		import signal, socket, sys
		open(sys.argv[1], "w").write("0")
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		open(sys.argv[2], "w").write("0")
		print("held", flush=True)
		signal.pause()
	END
	spawn holder python3 "$work/holder.py" "$cgroups/$id/cgroup.procs" "$cgroups/cgroup.procs"
	wait_for 3 grep -q held "$work/holder.log" || fail "no socket is held: $(cat "$work/holder.log")"
}

test_b_tamper_cgroup() {
	untouched
	hold_socket
	end sender
	wait_for 3 rmdir "$cgroups/$id" || fail "cannot remove the cgroup"
	mkdir "$cgroups/$id" 2> /dev/null # the monitor may have been first
	(sandboxed setsid "$work/sender" 203.0.113.80 9 1000) > "$work/sender.log" 2>&1 < /dev/null &
	echo $! > "$work/sender.pid"
	disown
	repaired 'its cgroup'
	end holder
}

lease_until() { # SECONDS from now: forged
	python3 - "$1" "$(pins)/maps/bg_lease" <<- 'END'
		import struct, subprocess, sys, time
		until = time.clock_gettime_ns(time.CLOCK_BOOTTIME) + int(sys.argv[1]) * 10**9
		value = struct.pack("<QII", until, 1, 0)
		subprocess.run(["bpftool", "map", "update", "pinned", sys.argv[2], "key", "0", "0", "0",
		                "0", "value"] + [str(b) for b in value], check=True)
	END
}

test_b_tamper_lease() {
	local t
	untouched
	end tunnel KILL
	wait_for 2 sender_is closed || fail "open without a tunnel"
	wait_for 2 state_is down || fail "state $(state)"
	in_ns gateway ip route del default metric 100 # what opens for a moment must not leak
	t=$(now_ms)
	lease_until 3600
	wait_for 3 tampered '.repaired and .guard == "vpn" and (.damage[0] | contains("lengthened"))' ||
		fail "not noticed: $(tail -n 3 "$work/monitor.log")"
	denied_within "$t" 2500
	in_ns gateway ip route add default via 198.51.100.99 metric 100
	tunnel_up
	wait_for 5 state_is up || fail "state $(state)"
}

pause_until() { # HEX of 8 bytes, little-endian
	# shellcheck disable=SC2046 # a word a byte
	bpftool map update pinned "$(pins)/maps/bg_pause" key 0 0 0 0 value hex \
		$(sed 's/../& /g' <<< "$1")
}

opened_since() { # LINES of the sender's log
	tail -n +$(($1 + 1)) "$work/sender.log" | grep -q open
}

# A pause opens everything. Only the user's own, which is in the trail, stands.
test_b_tamper_pause() {
	local t until lines
	untouched
	end tunnel KILL
	wait_for 2 sender_is closed || fail "open without a tunnel"
	in_ns gateway ip route del default metric 100 # what opens for a moment must not leak
	for until in "$(python3 -c 'import struct, time
print(struct.pack("<Q", time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 3600 * 10**9).hex())')" \
		ffffffffffffffff; do
		mark=$(wc -l < "$work/log/audit.jsonl")
		lines=$(wc -l < "$work/sender.log")
		t=$(now_ms)
		pause_until "$until" || fail "cannot write"
		wait_for 2 opened_since "$lines" || fail "control: a pause opens nothing"
		wait_for 5 tampered '.repaired and (.damage[0] | contains("paused"))' ||
			fail "not noticed: $(tail -n 3 "$work/monitor.log")"
		denied_within "$t" 3500
	done
	mark=$(wc -l < "$work/log/audit.jsonl")
	bpfguard pause --for 4s > /dev/null || fail "pause: exit $?"
	wait_for 2 sender_is open || fail "not paused"
	wait_for 2 state_is paused || fail "state $(state)"
	wait_for 8 sender_is closed || fail "not re-armed"
	! tampered true || fail "the user's own pause was ended: $(tail -n 3 "$work/monitor.log")"
	in_ns gateway ip route add default via 198.51.100.99 metric 100
	tunnel_up
	wait_for 5 state_is up || fail "state $(state)"
}

test_b_tamper_maps() {
	untouched
	bpftool map delete pinned "$(pins)/maps/bg_uplink" key 0 0 0 0 || fail "cannot delete"
	wait_for 3 tampered '.repaired and (.damage[0] | contains("uplink"))' || fail "uplink: not noticed"
	bpftool map update pinned "$(pins)/maps/bg_mac" key 0 0 0 0 2 2 2 2 2 2 0 0 value 1 0 0 0 ||
		fail "cannot add"
	wait_for 3 tampered '.repaired and (.damage[0] | contains("MAC was added"))' ||
		fail "bg_mac: not noticed"
	! bpftool map dump pinned "$(pins)/maps/bg_mac" | grep -q '02 02 02 02 02 02' || fail "it stays"
	drop_a_port || fail "cannot drop"
	wait_for 3 tampered '.repaired and (.damage[0] | contains("entry was taken away"))' ||
		fail "bg_port: not noticed"
	wait_for 5 pings app 172.30.0.20 || fail "the port's entry is not there again"
	wait_for 3 state_is up || fail "state $(state)"
}

drop_a_port() {
	local n
	n=$(in_ns host ip -o link show vpa | cut -d: -f1)
	bpftool map delete pinned "$(pins)/maps/bg_port" key $((n & 255)) $((n >> 8)) 0 0
}

# What cannot be put right closes every lease, says so, and is tried again.
test_b_tamper_no_repair() {
	untouched
	mkdir "$work/run/policy.yaml.new" || fail "cannot make the obstacle"
	rm "$(pins)/guards/0-vpn/egress"
	wait_for 4 tampered '.repaired == false and .parts == 1 and (.why | length > 10)' ||
		fail "not told: $(tail -n 3 "$work/monitor.log")"
	wait_for 3 sender_is closed || fail "open although it could not be put right"
	wait_for 2 state_is down || fail "state $(state)"
	wait_for 2 problem 'cannot be put right' || fail "status does not say so"
	rmdir "$work/run/policy.yaml.new"
	wait_for 8 tampered .repaired || fail "not tried again"
	wait_for 10 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "closed"
}

# What the user does is no attack, however often.
test_b_tamper_not_the_user() {
	local i
	untouched
	for i in 1 2 3 4 5; do
		sed "s|local: .*|local: [172.30.0.0/24, \"fd30::/64\", 172.40.$i.0/24]|" \
			"$work/policy.yaml" > "$work/new.yaml"
		bpfguard reload -p "$work/new.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
		bpfguard load -p "$work/new.yaml" > /dev/null 2>&1 || fail "load: exit $?"
	done
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
	bpfguard unload --yes > /dev/null || fail "unload: exit $?"
	[ ! -e "$(pins)" ] || fail "unload left the pins"
	sleep 2.5 # time itself: nothing may come back
	[ ! -e "$(pins)" ] || fail "the monitor loaded again what was unloaded"
	wait_for 2 problem 'nothing is loaded' || fail "status: $(bpfguard status 2>&1)"
	bpfguard load -p "$work/policy.yaml" > /dev/null 2>&1 || fail "load: exit $?"
	wait_for 10 state_is up || fail "state $(state)"
	wait_for 3 sender_is open || fail "closed"
	! tampered true || fail "called tampering: $(grep tamper "$work/log/audit.jsonl" | tail -n 1)"
	bpfguard status > "$work/status" 2>&1 || fail "status: $(grep '!' "$work/status")"
}

# While a load is at work the policy's text may lag behind the kernel for a moment: no gap, and the
# guard is not taken for a new one.
test_b_tamper_half_way() {
	local lines
	untouched
	lines=$(wc -l < "$work/sender.log")
	spawn holder flock -F "$work/run/lock" sleep infinity
	wait_for 2 lock_is_held || fail "the lock is free"
	cp "$work/run/policy.yaml" "$work/noted.yaml"
	echo '# not yet' >> "$work/run/policy.yaml"
	sed -i 's/every: 1s/every: 2s/' "$work/run/policy.yaml"
	kill -HUP "$(pid_of monitor)"
	sleep 1 # time itself: less than is waited for a load
	cp "$work/noted.yaml" "$work/run/policy.yaml"
	end holder
	wait_for 3 tail_has '.what == "policy"' || fail "not read again"
	! tail_has '.what == "state"' || fail "$(tail -n 3 "$work/log/audit.jsonl")"
	[ "$(wc -l < "$work/sender.log")" = "$lines" ] || fail "a gap"
}

tail_has() { # JQ-CONDITION: a record of this test
	[ -n "$(tail -n +$((mark + 1)) "$work/log/audit.jsonl" | jq -c "select($1)")" ]
}

lock_is_held() {
	! flock -n "$work/run/lock" true
}

test_b_doctor() {
	untouched
	doctor_ends 0
	doctor_said ok guard.hooks
	doctor_said ok monitor.runs
	doctor_said warn docker.engine
	end monitor
	doctor_ends 1
	doctor_said bad monitor.runs
	sed 's/mode: .*//; s/    local:/    mode: audit\n    local:/' "$work/policy.yaml" > "$work/new.yaml"
	doctor_ends 1 "$work/new.yaml"
	doctor_said bad policy.audit
	doctor_said warn policy.in_force
}

doctor_ends() { # CODE [POLICY]
	bpfguard doctor --json -p "${2:-$work/policy.yaml}" > "$work/doctor.json" 2> "$work/doctor.err"
	[ $? = "$1" ] || fail "doctor: not exit $1: $(jq -c '.findings[] |
		select(.severity == "bad") | [.id, .what]' "$work/doctor.json")"
}

doctor_said() { # SEVERITY ID
	jq -e ".findings | any(.severity == \"$1\" and .id == \"$2\")" "$work/doctor.json" > /dev/null ||
		fail "doctor does not say $1 $2"
}

# Shown until it is acknowledged.
test_b_tamper_acknowledged() {
	untouched
	rm "$(pins)/guards/0-vpn/connect4"
	repaired 'connect4: the pin of its link is gone'
	kill -HUP "$(pid_of monitor)"
	wait_for 4 bpfguard status || fail "still shown: $(bpfguard status 2>&1 | grep '!')"
	trail_has '.what == "tamper_acknowledged"' || fail "not in the trail"
}

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154,SC2317 # id, work and cgroups are the caller's; tests are called by name
#
# What else is heard of a tunnel: the control API in each version and way of asking (the stand-in's
# own server, tests/gateway/control.c), Docker (a stand-in that answers what it is told,
# engine.py), WireGuard's handshake. All of it may close what is silent; none of it opens, closes
# what is proved, or holds anybody up.

control_server() { # VERSION on|rubbish|hang [ENV...]
	local version=$1 mode=$2
	shift 2
	end control
	[ -x "$work/control" ] || gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -o "$work/control" \
		tests/gateway/{control,roles}.c || fail "cannot compile the control server"
	mkdir -p "$work/control.d"
	spawn control nsenter --net="/run/netns/$id-gateway" -- \
		env HTTP_CONTROL_SERVER_AUTH_CONFIG_FILEPATH="$work/roles.toml" "$@" \
		"$work/control" "$work/control.d" "$version" "$mode"
	wait_for 5 listens 8000 || fail "no control server: $(cat "$work/control.log")"
}

listens() { # PORT
	in_ns gateway ss -Hltn "sport = :$1" | grep -q .
}

control_is() { # TEXT
	[ "$(jq -r '.guards[0].control_api' "$work/run/monitor.json")" = "$1" ]
}

# The policy in force with other lines for gateway.netns and for the lease; a monitor without a past.
with() { # SED-EXPRESSION
	policy "$work/with.yaml"
	sed -i "$1" "$work/with.yaml"
	bpfguard reload -p "$work/with.yaml" > "$work/load.log" 2>&1 ||
		fail "reload: exit $?: $(cat "$work/load.log")"
}

asked() { # WHAT AUTH SECRET TEXT: what the monitor says of the server that runs
	echo "$3" > "$work/secret"
	chmod 600 "$work/secret"
	if [ "$2" = none ]; then
		with "s|netns: .*|&\n      control: {port: 8000}|"
	else
		with "s|netns: .*|&\n      control: {port: 8000, auth: $2, secret_file: $work/secret}|"
	fi
	end monitor
	monitor_up
	wait_for 10 control_is "$4" ||
		fail "$1: '$(jq -r '.guards[0].control_api' "$work/run/monitor.json")', not '$4'"
	wait_for 5 state_is up || fail "$1: state $(state)"
}

roles() { # AUTH-LINES
	printf '[[roles]]\nname = "r"\nroutes = ["GET /v1/vpn/status"]\n%s\n' "$1" \
		> "$work/roles.toml"
}

test_b_a_control_versions() {
	local lines version denied='it wants other credentials (gateway.control.auth in the policy)'
	fresh
	lines=$(wc -l < "$work/sender.log")
	mkdir -p "$work/control.d"
	echo running > "$work/control.d/status"
	rm -f "$work/roles.toml"
	for version in v3.39.0 v3.39 v3.40 v3.41; do
		control_server $version on
		asked "$version" none '' running
	done
	control_server master on
	asked "master without a role" none '' "$denied"
	for version in v3.39 v3.40 v3.41 master; do
		roles $'auth = "basic"\nusername = "me"\npassword = "pass:word"'
		control_server $version on
		asked "$version, basic" basic me:pass:word running
		asked "$version, a wrong password" basic me:pass "$denied"
		roles $'auth = "apikey"\napikey = "key"'
		control_server $version on
		asked "$version, key" apikey key running
		asked "$version, a wrong key" apikey KEY "$denied"
		asked "$version, no key" none '' "$denied"
	done
	control_server v3.41 rubbish
	asked rubbish none '' "its answer cannot be read (is it Gluetun's control API?)"
	control_server v3.41 hang
	asked "one that hangs" none '' 'it does not answer'
	end control
	asked nobody none '' 'it does not answer'
	! grep -rqE 'pass:word|KEY' "$work/run" "$work/log" "$work/monitor.log" ||
		fail "a secret is shown"
	[ "$(wc -l < "$work/sender.log")" = "$lines" ] || fail "a gap: $(tail -n 2 "$work/sender.log")"
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
}

echoes() { # what the server has received of the probes
	in_ns server iptables -nvxL INPUT 1 | awk '{ print $1 }'
}

more_echoes() { # THAN
	[ "$(echoes)" -ge "$1" ]
}

# Milliseconds between the probes that the server received, the smallest and the greatest.
probe_gaps() {
	tcpdump -n -tt -r "$work/probes.pcap" 2> /dev/null |
		awk '{ ms = $1 * 1000 } NR > 1 { printf "%.0f\n", ms - was } { was = ms }' | sort -n |
		sed -n '1p; $p' | xargs
}

# The tunnel is not asked while it speaks by itself; once silent, each second or so, and never in step.
test_b_b_asks_the_silent() {
	local least most
	in_ns server sysctl -qw net.ipv4.icmp_ratelimit=0 # each datagram of the sender is answered
	fresh
	in_ns server iptables -I INPUT -i wgs -p icmp --icmp-type echo-request
	wait_for 5 jq -e '.guards[0].proved_by == "traffic"' "$work/run/monitor.json" ||
		fail "proved by $(jq -r '.guards[0].proved_by' "$work/run/monitor.json")"
	in_ns server iptables -Z INPUT
	sleep 4 # time itself: four times the interval
	[ "$(echoes)" = 0 ] || fail "asked $(echoes) times although it speaks"
	spawn probes nsenter --net="/run/netns/$id-server" -- tcpdump -n -p -U --immediate-mode \
		-Z root -i wgs -w "$work/probes.pcap" 'icmp[icmptype] == icmp-echo'
	wait_for 5 grep -q 'listening on' "$work/probes.log" || fail "no capture"
	in_ns server iptables -A OUTPUT -o wgs -p tcp -j DROP
	in_ns server iptables -A OUTPUT -o wgs -p icmp --icmp-type destination-unreachable -j DROP
	wait_for 15 more_echoes 8 || fail "asked $(echoes) times in 15 s of silence"
	state_is up || fail "state $(state)"
	end probes INT
	read -r least most < <(probe_gaps)
	echo "     $least to $most ms between probes"
	[ "$least" -ge 400 ] || fail "asked again after $least ms"
	[ $((most - least)) -ge 10 ] || fail "no jitter"
	in_ns server iptables -F INPUT
	in_ns server iptables -F OUTPUT
	in_ns server sysctl -qw net.ipv4.icmp_ratelimit=1000
}

ends_by_evidence() {
	jq -c 'select(.what == "state" and .to == "down" and .why == "evidence")' \
		"$work/log/audit.jsonl" | wc -l
}

more_evidence() { # THAN
	[ "$(ends_by_evidence)" -gt "$1" ]
}

# Something says that the tunnel is dead: nothing follows while it carries; once it is silent it is
# closed, long before the lease ends; and what it goes on saying does not keep it closed.
dead_and_back() { # WHAT
	local was
	was=$(ends_by_evidence)
	wait_for 8 state_is up || fail "$1: state $(state)"
	sleep 2 # time itself: it carries, and is asked again
	state_is up || fail "$1: closed against a proof"
	in_ns host ip link set ups down
	wait_for 15 more_evidence "$was" || fail "$1: not closed by it: $(jq -c .guards[0] "$work/run/monitor.json")"
	wait_for 2 sender_is closed || fail "$1: open"
	in_ns host ip link set ups up
	wait_for 15 state_is up || fail "$1: no recovery: $(state)"
	wait_for 3 sender_is open || fail "$1: closed"
}

test_b_b_control_stopped() {
	fresh
	rm -f "$work/roles.toml"
	mkdir -p "$work/control.d"
	echo stopped > "$work/control.d/status"
	control_server v3.41 on
	with "s|netns: .*|&\n      control: {port: 8000}|; s|lease: 5s|lease: 60s|"
	end monitor
	monitor_up
	wait_for 10 control_is stopped || fail "not asked"
	dead_and_back "control API"
	end control
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
}

last_handshake() {
	jq -r '.guards[0].tunnels[0].last_handshake' "$work/run/monitor.json"
}

# A handshake of 181 seconds ago: nobody waits for that here, so a stand-in says so in wireguard-go's
# place, whose device goes on.
test_b_b_handshake() {
	local socket=$work/run-gateway/tun0.sock
	fresh
	wait_for 8 handshake_is_shown || fail "no handshake is shown"
	bpfguard status | grep -q '^  handshake  20.* (tun0)$' || fail "nor by status"
	with "s|lease: 5s|lease: 60s|"
	end monitor
	monitor_up
	mv "$socket" "$socket.real"
	cat > "$work/uapi" <<- END
		public_key=$(printf '%064d' 1)
		endpoint=198.51.100.99:51820
		last_handshake_time_sec=$((${EPOCHREALTIME%.*} - 181))
		last_handshake_time_nsec=0
		errno=0

	END
	spawn uapi socat "UNIX-LISTEN:$socket,fork" "SYSTEM:read -r get; cat '$work/uapi'"
	wait_for 8 handshake_is_old || fail "not read"
	dead_and_back handshake
	end uapi
	mv "$socket.real" "$socket"
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
	fresh
}

handshake_is_shown() {
	[ -n "$(last_handshake)" ]
}

handshake_is_old() {
	[ -n "$(last_handshake)" ] &&
		[ "$(date -d "$(last_handshake)" +%s)" -lt $((${EPOCHREALTIME%.*} - 170)) ]
}

# ---- Docker
engine_says() { # FILTER: of the container's answer
	jq -c "$1" "$work/container.json" > "$work/container.new"
	mv "$work/container.new" "$work/container.json"
}

engine_up() {
	jq -nc --argjson pid "$(pid_of tunnel)" '{Id: ("a" * 64), Name: "/gw", Config: {Image: "i"},
		State: {Running: true, Paused: false, Pid: $pid, Health: {Status: "healthy"},
			StartedAt: "2026-01-01T00:00:00Z"}}' > "$work/container.json"
	spawn engine nsenter --net="/run/netns/$id-host" -- python3 tests/monitor/engine.py \
		"$work/no-docker.sock" "$work/container.json"
	wait_for 5 test -S "$work/no-docker.sock" || fail "no engine: $(cat "$work/engine.log")"
}

engine_asked() { # TIMES
	[ "$(wc -l < "$work/engine.log")" -ge "$1" ]
}

engine_end() {
	end engine
	rm -f "$work/no-docker.sock"
	bpfguard reload -p "$work/policy.yaml" > /dev/null 2>&1 || fail "reload: exit $?"
}

# Where cgroup v1 has the freezer (a hybrid machine) only Docker knows that a container is paused.
test_b_c_paused_by_engine() {
	local was
	fresh
	engine_up
	with "s|netns: .*|container: gw|"
	end monitor
	monitor_up
	wait_for 8 state_is up || fail "state $(state): $(tail -n 3 "$work/monitor.log")"
	wait_for 3 sender_is open || fail "closed"
	engine_says '.State.Paused = true'
	wait_for 5 trail_has '.what == "state" and .to == "down" and .why == "gateway_frozen"' ||
		fail "not noticed: $(state)"
	wait_for 2 sender_is closed || fail "open"
	engine_says '.State.Paused = false'
	wait_for 8 state_is up || fail "no recovery: $(state)"
	# what cannot be understood says nothing new
	echo '[]' > "$work/container.json"
	was=$(wc -l < "$work/engine.log")
	wait_for 10 engine_asked $((was + 3)) || fail "Docker is not asked any more"
	state_is up || fail "closed by an answer that says nothing: $(state)"
	engine_end
	wait_for 8 state_is up || fail "state $(state)"
}

test_b_c_unhealthy() {
	fresh
	engine_up
	engine_says '.State.Health.Status = "unhealthy"'
	with "s|netns: .*|container: gw|; s|lease: 5s|lease: 60s|"
	end monitor
	monitor_up
	dead_and_back "Docker's health"
	engine_end
	wait_for 8 state_is up || fail "state $(state)"
}

# ---- OpenVPN by name: only its connected socket tells where it goes.
test_b_d_openvpn_socket() {
	fresh
	end monitor
	end tunnel KILL
	wait_for 6 sender_is closed || fail "open without a tunnel"
	openvpn_server tcp-server
	openvpn_config tcp-client
	sed -i 's|^remote 198.51.100.99|remote vpn.test|' "$work/client.ovpn"
	echo '198.51.100.99 vpn.test' > "$work/hosts"
	monitor_up
	spawn ovpn unshare --mount --propagation private bash -c "
		mount --bind $work/hosts /etc/hosts
		exec nsenter --net=/run/netns/$id-gateway openvpn --config $work/client.ovpn"
	wait_for 10 trail_has '.what == "endpoints" and .endpoints[0] ==
		{endpoint: "198.51.100.99:1194/tcp", source: "openvpn socket"}' ||
		fail "not found: $(tail -n 2 "$work/log/audit.jsonl")"
	wait_for 15 state_is up ||
		fail "state $(state): $(tail -n 3 "$work/ovpn.log" "$work/monitor.log")"
	bpfguard status | grep -qF 'endpoint   198.51.100.99:1194/tcp (openvpn socket)' ||
		fail "status: $(bpfguard status | grep endpoint)"
	end ovpn KILL
	end ovpn-server
}

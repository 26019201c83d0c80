# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 # of lab.sh and run.sh; for another shell
#
# The monitor without its engine, and on_down: stop. Helpers: test_monitor.sh.

# ---- Docker away
engine_end() {
	local pid
	pid=$(lab_pid dockerd)
	kill "$pid"
	lab_wait "the engine to end" 20 lab_gone "$pid"
}

test_monitor_docker_down() {
	local pid
	watch
	lab_app app -- sleep infinity
	state_is up
	pid=$(lab_docker inspect -f '{{.State.Pid}}' app)
	engine_end
	same "state" up "$(guard_state)"
	# a restart of ours: the very same process is known
	guard_monitor_end
	guard_monitor
	state_is up
	status_says "Docker does not answer on $LAB/docker.sock"
	alive
	same "an answer" "src=$LAB_VPN_EXIT" "$(in_app "$pid")"
	# a file that says otherwise is not believed
	guard_monitor_end
	sed -i -E 's/^([0-9]+) ([0-9]+)/\1 1\2/' "$LAB/run/vpn.gateway"
	guard_monitor
	state_is no_gateway
	same "open" false "$(monitor_json '.guards[0].open')"
	alive
	lab_engine_start
	state_is up
	is_open
	# hanging instead of away
	guard_monitor_end
	kill -STOP "$(lab_pid dockerd)"
	guard_monitor
	state_is up
	alive
	# ... and the process is another's
	guard_monitor_end
	echo "$pid 1 1 x gateway" > "$LAB/run/vpn.gateway"
	guard_monitor
	state_is no_gateway
	status_says "Docker does not answer on $LAB/docker.sock"
	alive
	kill -CONT "$(lab_pid dockerd)"
	state_is up
}

in_app() { # PID: asked from the namespace and cgroup of a container, without Docker
	local cgroup
	cgroup=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
	(
		echo "$BASHPID" > "$LAB_CGROOT$cgroup/cgroup.procs"
		exec nsenter --net="/proc/$1/ns/net" -- curl -s -m 5 "http://$LAB_WEB/"
	)
}

# ---- on_down: stop
runs() { # NAME...
	local name
	for name; do
		[ "$(lab_docker inspect -f '{{.State.Running}}' "$name")" = true ] || return 1
	done
}

stopped() { # NAME...
	local name
	for name; do
		! runs "$name" || return 1
	done
}

# As a container that does not listen: only the end of the grace ends it.
deaf() { # NAME
	lab_docker run -d --name "$1" --network vpn_network --dns "$LAB_RESOLVER" \
		--cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity > /dev/null
}

finished_ms() { # NAME
	date -d "$(lab_docker inspect -f '{{.State.FinishedAt}}' "$1")" +%s%3N
}

started_at() { # NAME
	lab_docker inspect -f '{{.State.StartedAt}}' "$1"
}

compose() { # SERVICE [DEPENDS-ON]
	lab_app "$1" --label com.docker.compose.project=p --label "com.docker.compose.service=$1" \
		--label "com.docker.compose.depends_on=${2:-}" -- sleep infinity
}

test_monitor_on_down_stop() {
	local since apart
	watch 's/lease: 2s/&, on_down: stop/'
	state_is up
	deaf deaf1
	deaf deaf2
	deaf deaf3
	# in the order of their names and of their age the dependents come first
	compose aa bb:service_started:true
	compose bb cc:service_healthy:true,xx:service_started:false
	compose cc
	lab_app mine -- sleep infinity
	lab_app before -- sleep infinity
	lab_app touched -- sleep infinity
	lab_docker run -d --init --name outside lab-app sleep infinity > /dev/null
	lab_docker stop -t 0 before > /dev/null
	since=$(started_at outside)
	lab_peer_silent
	lab_wait "the containers to be stopped" 40 stopped aa bb cc mine touched deaf1 deaf2 deaf3 ||
		fail "not stopped"
	# together: one after the other they would be 10 s apart
	apart=$(($(finished_ms deaf3) - $(finished_ms deaf1)))
	[ ${apart#-} -lt 4000 ] || fail "those who use up the grace ended $apart ms apart"
	runs outside gateway || fail "stopped what is not protected"
	same "outside" "$since" "$(started_at outside)"
	# the user's: started and stopped again, and one removed
	lab_docker start touched > /dev/null
	lab_docker stop -t 0 touched > /dev/null
	lab_docker rm mine > /dev/null
	# a restart of ours in between, the hard way
	guard_monitor_kill
	guard_monitor
	lab_peer_back
	state_is up 60
	lab_wait "the containers to be started" 30 runs aa bb cc deaf1 deaf2 deaf3 || fail "not started"
	[[ "$(started_at cc)" < "$(started_at bb)" && "$(started_at bb)" < "$(started_at aa)" ]] ||
		fail "order: $(started_at aa) $(started_at bb) $(started_at cc)"
	lab_wait "the end of it" 10 nothing_remembered || fail "left: $(cat "$LAB/run/stopped.json")"
	stopped before touched || fail "started what the user had stopped"
}

nothing_remembered() {
	[ "$(jq '[.[][]] | length' "$LAB/run/stopped.json")" = 0 ]
}

# Killed while it stops them: what it was about to stop is known.
test_monitor_killed_while_stopping() {
	watch 's/lease: 2s/&, on_down: stop/'
	state_is up
	# it does not end at once: the grace is used up
	deaf slow
	lab_peer_silent
	lab_wait "the stop to begin" 30 grep -q slow "$LAB/run/stopped.json" || fail "no stop"
	runs slow || fail "remembered only when it was stopped"
	guard_monitor_kill
	lab_wait "the container to be stopped" 20 stopped slow || fail "not stopped"
	lab_peer_back
	guard_monitor
	state_is up 60
	lab_wait "the container to be started" 30 runs slow || fail "not started"
}

# One that cannot be started: asked ever later, then no more, and that is said. The others start.
test_monitor_start_gives_up() {
	local gaps
	watch 's/lease: 2s/&, on_down: stop/'
	state_is up
	mkdir "$LAB/going"
	lab_app broken --mount "type=bind,source=$LAB/going,target=/going" -- sleep infinity
	lab_app whole -- sleep infinity
	lab_peer_silent
	lab_wait "the containers to be stopped" 30 stopped broken whole || fail "not stopped"
	rmdir "$LAB/going"
	lab_peer_back
	state_is up 60
	lab_wait "the other to be started" 30 runs whole || fail "not started"
	lab_wait "the end of it" 90 nothing_remembered || fail "left: $(cat "$LAB/run/stopped.json")"
	stopped broken
	# seconds between the attempts: 2, 4, 8, 16 and what an attempt takes
	gaps=$(jq -r 'select(.what == "started" and any(.containers[]; .name == "broken")) | .ts' \
		"$LAB/denied/audit.jsonl" | xargs -I{} date -d {} +%s |
		awk 'NR > 1 { print $1 - was } { was = $1 }' | xargs)
	awk '{ exit !(NF == 4 && $1 >= 1 && $2 >= 3 && $3 >= 7 && $4 >= 15) }' <<< "$gaps" ||
		fail "attempts $gaps seconds apart"
	grep -q 'container broken does not start: given up after 5 times' "$LAB/log/monitor.log" ||
		fail "not said: $(tail -n 3 "$LAB/log/monitor.log")"
}

# Down for less than the lease, or with on_down: deny: nobody is stopped.
test_monitor_short_down() {
	local since
	watch
	lab_app app -- sleep infinity
	state_is up
	since=$(started_at app)
	lab_peer_silent
	lab_wait "the end of it" 20 guard_is down || fail "state $(guard_state)"
	sleep 4 # time itself: twice the lease
	lab_peer_back
	state_is up 60
	same "app" "$since" "$(started_at app)"
}

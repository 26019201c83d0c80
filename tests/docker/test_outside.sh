# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Containers that are not under the guard notice nothing: not before, during or after a load, a
# reload and an unload.

test_outside_unaffected() {
	local log=$LAB/outside.log exit_ host

	must "start" lab_docker run -d --init --name outside --network bridge lab-app sh -c \
		"while :; do curl -s -m 3 http://$LAB_WEB/ || echo failed; done"
	must "start in vpn_network" lab_docker run -d --init --name member --network vpn_network \
		--dns "$LAB_RESOLVER" lab-app sleep infinity
	must "an answer before" lab_wait "a first answer" 10 outside_answered 1
	load
	must "answers after load" lab_wait "more answers" 10 outside_answered \
		$(($(outside_answers) + 20))
	guard_policy strict
	must "reload" guard reload
	must "answers after reload" lab_wait "more answers" 10 outside_answered \
		$(($(outside_answers) + 20))
	exit_=$(lab_docker exec member curl -s -m 5 "http://$LAB_WEB/")
	same "an unguarded container of the VPN network" "src=$LAB_VPN_EXIT" "$exit_"
	host=$(lab_host curl -s -m 5 "http://$LAB_WEB/")
	same "the host itself" "src=$LAB_HOST_ADDR" "$host"
	must "unload" guard_forget
	must "answers after unload" lab_wait "more answers" 10 outside_answered \
		$(($(outside_answers) + 20))
	lab_docker logs outside > "$log" 2>&1
	same "requests that failed or left another way" 0 "$(grep -cvx "src=$LAB_HOST_ADDR" "$log")"
}

outside_answers() {
	lab_docker logs outside 2>&1 | grep -c src=
}

outside_answered() { # TIMES
	[ "$(outside_answers)" -ge "$1" ]
}

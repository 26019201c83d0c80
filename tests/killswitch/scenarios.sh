# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# The events of issue 3 and their targets. An event sets `at`, the moment from which the time to
# the last accepted packet counts: for what a command does at once, just before that command; for
# what Docker brings about in the course of one, when the kernel has done it (at_event).
#
#   event_NAME     does it
#   undo_NAME      makes recovery possible, where it does not come by itself
#
# Targets: NAME MILLISECONDS|same|calm|clear|=MILLISECONDS, where `same` is: nothing is refused,
# `calm`: refused at most once, `clear`: refused, however late, since only what leaks counts, `=`:
# not earlier than that, and not after the moment `latest`. What must leak without
# the guard is in `leaky`. That a host is suspended cannot be had in a namespace: not here.

scenarios=(
	'calibration =100'
	'tunnel_deleted 20'
	'tunnel_killed 50'
	'gateway_stopped 50'
	'gateway_killed 50'
	'gateway_paused 50'
	'gateway_recreated 50'
	'gateway_restarted 50'
	'gateway_opened clear'
	'peer_silent 5000'
	'monitor_killed 5000'
	'monitor_stopped 5000'
	'docker_restarted same'
	'uplink_flapping calm'
)
leaky=' gateway_opened gateway_restarted gateway_recreated '
needs_guard=' monitor_killed monitor_stopped '

# Measures the measuring, without any part of bpfguard: a refusal that comes a known time after the
# event. netfilter's DROP of a local packet is EPERM to its sender, too.
event_calibration() {
	sender=$(lab_docker inspect -f '{{.State.Pid}}' sender)
	at=$EPOCHREALTIME
	sleep 0.1 # time itself: what is to be measured
	nsenter --net="/proc/$sender/ns/net" -- iptables -A OUTPUT -d "$TARGET" -j DROP
	latest=$EPOCHREALTIME
}

undo_calibration() {
	nsenter --net="/proc/$sender/ns/net" -- iptables -D OUTPUT -d "$TARGET" -j DROP
}

# The device alone, by a program that reads the clock and asks the kernel at once.
event_tunnel_deleted() {
	at=$(in_gateway "$LAB/bin/when" delete tun0)
}

# wireguard-go ends with its device and the gateway starts another; OpenVPN goes on for a minute,
# without a device, until its ping-exit.
if [[ ${LAB_VPN_TYPE:-} = openvpn-* ]]; then
	undo_tunnel_deleted() {
		local pid
		for pid in $(gateway_program openvpn); do
			kill "$pid"
		done
	}
fi

event_tunnel_killed() {
	local pid
	pid=$(gateway_program "$tunnel_program" | head -n 1)
	at=$EPOCHREALTIME
	kill -9 "$pid"
}

event_gateway_stopped() {
	at_event exit "$gateway" lab_docker stop -t 1 gateway > /dev/null
}

undo_gateway_stopped() {
	lab_docker start gateway > /dev/null
}

event_gateway_killed() {
	at_event exit "$gateway" lab_docker kill gateway > /dev/null
}

undo_gateway_killed() {
	lab_docker start gateway > /dev/null
}

event_gateway_paused() {
	at_event frozen "$(gateway_cgroup)" lab_docker pause gateway > /dev/null
}

undo_gateway_paused() {
	lab_docker unpause gateway > /dev/null
}

event_gateway_recreated() {
	at_event exit "$gateway" lab_docker rm -f gateway > /dev/null
}

undo_gateway_recreated() {
	lab_gateway_up
}

event_gateway_restarted() {
	at_event exit "$gateway" lab_docker restart -t 0 gateway > /dev/null
}

# The worst that a gateway can do: a router without any rule, which even hides whom it routes for.
event_gateway_opened() {
	# shellcheck disable=SC2016 # for the inner shell
	at=$(in_gateway bash -c 'echo "$EPOCHREALTIME"
		for ipt in iptables-nft iptables-legacy; do
			for chain in INPUT OUTPUT FORWARD; do
				$ipt -P $chain ACCEPT
			done
			$ipt -F
			$ipt -t nat -F
		done 2> /dev/null
		iptables -t nat -A POSTROUTING -j MASQUERADE
		ip link del tun0')
}

# Only a start puts its rules back.
undo_gateway_opened() {
	lab_docker restart -t 0 gateway > /dev/null
}

event_peer_silent() {
	lab_peer_silent
	at=$EPOCHREALTIME # it is silent from here on at the latest
}

undo_peer_silent() {
	lab_peer_back
}

event_monitor_killed() {
	at=$EPOCHREALTIME
	kill -9 "$(lab_pid monitor)"
}

undo_monitor_killed() {
	guard_monitor
}

event_monitor_stopped() {
	at=$EPOCHREALTIME
	kill -STOP "$(lab_pid monitor)"
}

undo_monitor_stopped() {
	kill -CONT "$(lab_pid monitor)"
}

event_docker_restarted() {
	local pid
	pid=$(lab_pid dockerd)
	at=$EPOCHREALTIME
	kill "$pid"
	lab_wait "the engine to end" 20 lab_gone "$pid"
}

undo_docker_restarted() {
	lab_engine_start
}

# As a bad Wi-Fi: the link is away for 0.4 s, five times, with 0.8 s between.
event_uplink_flapping() {
	local i
	at=$EPOCHREALTIME
	for i in 1 2 3 4 5; do
		lab_in internet ip link set h0 down
		sleep 0.4 # time itself: how long the link is away
		lab_in internet ip link set h0 up
		sleep 0.8 # time itself: how long it is there again
	done
}

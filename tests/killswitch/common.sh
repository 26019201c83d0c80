# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kill switch is measured with: a protected container that sends all the time, the capture
# on the host's uplink, and the moments of things. Times are CLOCK_REALTIME in seconds with
# fractions, as the sender, the capture and bash's EPOCHREALTIME have it.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/lab.sh
. "$here/../lab/lab.sh"
# shellcheck source=tests/lab/guard.sh
. "$here/../lab/guard.sh"

TARGET=$LAB_NET_INET.90 # where the sender sends to; nobody else does

# An engine whose containers survive it, servers to choose from, capture at the host's end alone
# (a test takes the other end down), heads only: the count is what matters.
measured_lab() {
	LAB_ENGINE_CONFIG='{"live-restore": true}' LAB_CAPTURE_SIDES=host LAB_SNAP=128
	case ${LAB_VPN_TYPE:-wireguard} in
	wireguard) port=$LAB_VPN_PORT tunnel_program=wireguard-go ;;
	*) port=$LAB_OPENVPN_PORT tunnel_program=openvpn ;;
	esac
	LAB_VPN_SERVERS=$LAB_VPN_SERVER:$port,$LAB_VPN_SERVER2:$port
	lab_up
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -o "$LAB/bin/when" "$here/when.c" ||
		lab_die "cannot compile when.c"
	mkdir "$LAB/sent"
	lab_guard_cgroup "/bgkill-$$"
	lab_vpn_up
}

# ---- the sender
sender_start() { # RATE
	rm -f "$LAB/sent/log"
	lab_app sender -v "$LAB/sent:/sent" -- \
		sh -c "exec sender $TARGET 9999 $1 > /sent/log" || lab_die "cannot start the sender"
	rate=$1
}

sender_stop() {
	lab_docker rm -f sender > /dev/null 2>&1
}

# The last whole second was one of answers, and nothing was refused since.
flowing() {
	tail -n 20 "$LAB/sent/log" | awk -v rate="$rate" -v now="$EPOCHREALTIME" '
		$2 == "refused" { at = 0; bad = 1 }
		$2 == "sent" { at = 0; bad = 0 }
		$2 == "count" { got = at ? $5 - answers : 0; at = $1; answers = $5 }
		END { exit !(!bad && got >= rate / 2 && now - at < 2) }'
}

# FIELD of the first line of that kind after TIME, or nothing.
sender_said() { # WHAT TIME [FIELD]
	awk -v what="$1" -v since="$2" -v field="${3:-1}" '
		$2 == what && $1 > since { print $field; exit }' "$LAB/sent/log"
}

said() { # WHAT TIME
	[ -n "$(sender_said "$1" "$2")" ]
}

# ---- the guard
guard_there() {
	"$BPFGUARD" --help 2>&1 | grep -qE '^ *(bpfguard )?monitor\b'
}

guard_on() {
	local out
	guard_policy gateway 5s
	out=$(guard load 2>&1) || {
		echo "     load: $out" >&2
		return 1
	}
	guard_monitor
}

guard_off() {
	guard_monitor_end
	guard unload --yes > /dev/null 2>&1
}

# ---- the moments
# Sets `at` to when the process ended / the cgroup stood still, which CMD brings about.
at_event() { # exit PID|frozen CGROUP CMD...
	local what=$1 which=$2 watch
	shift 2
	(lab_exec tools "$LAB/bin/when" "$what" "$which") > "$LAB/when" 2> "$LAB/log/when.log" &
	watch=$!
	lab_wait "the watch of $what $which" 10 grep -q ready "$LAB/when" || return 1
	"$@" || return 1
	wait $watch || return 1
	at=$(sed -n 2p "$LAB/when")
}

gateway_pid() {
	lab_docker inspect -f '{{.State.Pid}}' gateway
}

gateway_cgroup() {
	echo "$LAB_CG/c/$(lab_docker inspect -f '{{.Id}}' gateway)"
}

# Pids of the host of a program in the gateway's container.
gateway_program() { # NAME
	local pid
	while read -r pid; do
		[ "$(cat "/proc/$pid/comm" 2> /dev/null)" != "$1" ] || echo "$pid"
	done < "$(gateway_cgroup)/cgroup.procs"
}

in_gateway() { # CMD...: in the gateway's network namespace, with the host's programs
	nsenter --net="/proc/$gateway/ns/net" -- "$@"
}

# After a round that went wrong: the next one is to start from what is known.
repair() {
	lab_peer_back
	lab_in internet ip link set h0 up
	lab_docker unpause gateway > /dev/null 2>&1
	lab_docker rm -f gateway > /dev/null 2>&1
	lab_gateway_up
	[ -n "$control" ] || {
		guard_monitor_end
		guard_monitor
	}
	sender_stop
	sender_start "$rate"
}

# ---- numbers
# Median and greatest of numbers, one a line; `-` when there is none.
median_max() {
	sort -n | awk '{ v[NR] = $1 } END {
		if (!NR) print "- -"
		else printf "%.1f %.1f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[NR] }'
}

milliseconds() { # FROM TO: not below 0
	awk -v a="$1" -v b="$2" 'BEGIN { d = (b - a) * 1000; printf "%.3f\n", (d > 0 ? d : 0) }'
}

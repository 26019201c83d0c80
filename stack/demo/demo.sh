#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `make demo`: bpfguard at work on a real Docker engine with a real WireGuard tunnel, in network
# namespaces of the demo's own. Your own engine, networks and firewall are not touched. Every claim
# is checked; exit code 0 only if all of them held. NO_COLOR is respected.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
began=$SECONDS

bold='' dim='' green='' red='' reset=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' dim=$'\033[2m' green=$'\033[32m' red=$'\033[31m' reset=$'\033[0m'
fi

title() {
	printf '\n%s%s%s\n' "$bold" "$*" "$reset"
}

tell() {
	printf '  %s\n' "$@"
}

# Shows a command as a user would type it, and what it says; that is kept in $said, its exit code
# in $rc.
show() { # SHOWN CMD...
	printf '  %s$ %s%s\n' "$dim" "$1" "$reset"
	shift
	said=$("$@" 2>&1)
	rc=$?
	[ -z "$said" ] || printf '%s\n' "    ${said//$'\n'/$'\n    '}"
}

claims=0 broken=0
claim() { # WHAT CMD...: holds if CMD succeeds
	local what=$1
	shift
	claims=$((claims + 1))
	if "$@" > /dev/null; then
		printf '  %sok%s      %s\n' "$green" "$reset" "$what"
	else
		broken=$((broken + 1))
		printf '  %sFAILED%s  %s\n' "$red" "$reset" "$what"
	fi
}

says() { # TEXT: the last command printed it
	[[ $said = *"$1"* ]]
}

refused_fast() { # FROM: it failed, and within 3 s of the second FROM
	[ "$rc" -ne 0 ] && [ $((SECONDS - $1)) -le 3 ]
}

if [ "$(id -u)" != 0 ]; then
	echo "demo: needs root for network namespaces and BPF (run: sudo make demo)" >&2
	exit 77
fi

title "Packages and build"
"$top/packaging/deps.sh" demo | sed 's/^/  /'
[ "${PIPESTATUS[0]}" = 0 ] || exit 1
make -s -C "$top" B="${B:-build}" || exit 1
case ${B:-build} in
/*) BPFGUARD=$B/bpfguard ;;
*) BPFGUARD=$top/${B:-build}/bpfguard ;;
esac
tell "$("$BPFGUARD" --version)"

# shellcheck source=tests/killswitch/common.sh
. "$top/tests/killswitch/common.sh"
tunnel_program=wireguard-go

title "A host of the demo's own"
tell "Three network namespaces: a Docker host ($LAB_HOST_ADDR), an internet, a VPN provider." \
	"The Docker engine in it is the demo's; your own is not touched."
lab_up
lab_guard_cgroup "/bpfguard-demo-$$"
lab_capture_start demo || exit 1
show "docker version" lab_docker version -f 'engine {{.Server.Version}}'
claim "a real engine runs, without containers" test -z "$(lab_docker ps -aq)"

title "The guard is loaded first, as at boot: before any container exists"
guard_policy gateway 5s
show "cat policy.yaml" cat "$LAB/policy.yaml"
show "bpfguard load" guard load
claim "load says that it is enforced" test "$rc" = 0
[ "$rc" = 0 ] || exit 1 # without it there is nothing to show
guard_collect
guard_monitor
tell "" "bpfguard monitor runs as a service: nothing passes the gateway until it has proved the tunnel."

title "Gateway and a protected container"
tell "The gateway is a stand-in that behaves as Gluetun does: kill switch, WireGuard, DNS." \
	"vpn_network has no host address and no masquerade; its default gateway is the VPN."
lab_vpn_up
claim "the monitor has found the gateway, guards its uplink and has proved its tunnel" \
	lab_wait "the tunnel to be proved" 20 guard_is up
lab_app app -- sleep infinity || exit 1
show "docker exec app curl http://$LAB_WEB/" lab_docker exec app curl -sS -m 5 "http://$LAB_WEB/"
claim "traffic goes through the tunnel: the internet sees the VPN's exit $LAB_VPN_EXIT" \
	test "$said" = "src=$LAB_VPN_EXIT"
show "docker exec app curl http://www.example.org/" \
	lab_docker exec app curl -sS -m 5 http://www.example.org/
claim "names work, too" test "$said" = "src=$LAB_VPN_EXIT"

title "Attempt 1: a protected container on the wrong network"
tell "On Docker's default bridge the way out is the host's own address."
lab_docker run -d --init --name wrong --network bridge --cgroup-parent "$LAB_GUARD_CGROUP" \
	lab-app sleep infinity > /dev/null || exit 1
from=$SECONDS
show "docker exec wrong curl http://$LAB_WEB/" \
	lab_docker exec wrong curl -sS -m 10 "http://$LAB_WEB/"
claim "refused" refused_fast "$from"
from=$SECONDS
show "docker exec wrong ping -c 1 $LAB_WEB" lab_docker exec wrong ping -c 1 -W 1 "$LAB_WEB"
claim "ping is refused as well" refused_fast "$from"

title "Attempt 2: a DNS question past the gateway"
show "docker exec app dig +short asked.example @$LAB_NET_INET.54" \
	lab_docker exec app dig +tries=1 +time=3 +short asked.example "@$LAB_NET_INET.54"
claim "the question was answered" says "$LAB_WEB"
show "the internet's record of it" grep -w asked.example "$LAB/log/requests"
claim "by the gateway's resolver: it came out at $LAB_VPN_EXIT, and not for $LAB_NET_INET.54" \
	test "$(awk '$6 == "asked.example" { print $2, $4 }' "$LAB/log/requests" | sort -u)" = \
	"$LAB_VPN_EXIT $LAB_DNS"
port=$(nsenter --net="/proc/$(lab_docker inspect -f '{{.State.Pid}}' app)/ns/net" \
	iptables -t nat -S DOCKER_OUTPUT | sed -n 's/.* -p udp .*--to-destination 127.0.0.11://p')
show "docker exec app dig +short hidden.example @127.0.0.11 -p ${port:=53}" \
	lab_docker exec app dig +tries=1 +time=2 +short hidden.example @127.0.0.11 -p "$port"
claim "the way around, to the port where Docker's own resolver listens, is refused" \
	test "$rc" != 0
claim "and nobody outside has heard of that name" \
	test -z "$(grep -w hidden.example "$LAB/log/requests")"

title "Attempt 3: a process of a container gets into the host's network namespace"
lab_docker run -d --init --name escape --pid host --cap-add SYS_ADMIN --cap-add SYS_PTRACE \
	--security-opt seccomp=unconfined --security-opt apparmor=unconfined --network vpn_network \
	--dns "$LAB_RESOLVER" --cgroup-parent "$LAB_GUARD_CGROUP" lab-app sleep infinity \
	> /dev/null || exit 1
from=$SECONDS
show "docker exec escape nsenter --net=HOST curl http://$LAB_WEB/" lab_docker exec escape \
	nsenter -t "$(lab_pid host)" -n curl -sS -m 10 "http://$LAB_WEB/"
claim "refused" refused_fast "$from"

title "The kill switch: a container sends 500 packets a second, and the tunnel's process is killed"
mkdir -p "$LAB/sent"
sender_start 500
lab_wait "packets to flow" 20 flowing
gateway=$(gateway_pid)
at=$EPOCHREALTIME
show "kill -9 wireguard-go" kill -9 "$(gateway_program "$tunnel_program" | head -n 1)"
lab_wait "a refusal" 10 said refused "$at"
after=$(milliseconds "$at" "$(sender_said refused "$at" 3)")
tell "the last packet that the guard let into the gateway: ${after%.*} ms after the kill"
claim "refused within a quarter of a second, on whatever machine this is" \
	test "${after%.*}" -lt 250
lab_wait "packets to flow again" 30 flowing
claim "and open again by itself, when the new tunnel was proved" guard_is up

title "The gateway is restarted: for a tenth of a second it routes and has no rule"
show "docker restart -t 0 gateway" lab_docker restart -t 0 gateway
lab_wait "packets to flow again" 60 flowing
claim "open again by itself" guard_is up
show "bpfguard audit verify" guard audit verify
claim "each change of state is in the audit trail, whose chain is whole" test "$rc" = 0
sender_stop

title "What bpfguard says about it"
guard_event "the container on the wrong network" \
	'.container.name == "wrong" and .reason == "next_hop"' > "$LAB/event.wrong"
guard_event "the question to Docker's resolver" \
	'.container.name == "app" and .reason == "dns_elsewhere"' > "$LAB/event.dns"
guard_event "the escape" \
	'.container.name == "escape" and .reason == "host_namespace" and .comm == "curl"' \
	> "$LAB/event.escape"
show "bpfguard log" guard log
claim "attempt 1 is in it, with its container" test -s "$LAB/event.wrong"
claim "attempt 2 is in it, with its container" test -s "$LAB/event.dns"
claim "attempt 3 is in it, with container and process" test -s "$LAB/event.escape"
show "bpfguard why app 93.184.216.34:443/tcp" guard why app 93.184.216.34:443/tcp
claim "why: app may, through the gateway" test "$rc" = 0
show "bpfguard why wrong 93.184.216.34:443/tcp" guard why wrong 93.184.216.34:443/tcp
claim "why: wrong may not" test "$rc" = 1
show "bpfguard status" guard status
claim "status: enforced" test "$rc" = 0

title "What the wire says"
lab_capture_stop demo || broken=$((broken + 1))
tunnel=$(lab_packets demo host "udp and host $LAB_VPN_SERVER and port $LAB_VPN_PORT" | wc -l)
clear=$(lab_leaks demo | wc -l)
tell "captured on the host's uplink since before the first container:" \
	"$tunnel packets of the tunnel, $clear packets in clear"
claim "the tunnel was used" test "$tunnel" -gt 0
claim "0 packets in clear" test "$clear" = 0

title "Control: the same attempts without bpfguard"
guard_forget > /dev/null 2>&1
lab_capture_start control || exit 1
show "docker exec wrong curl http://$LAB_WEB/" \
	lab_docker exec wrong curl -sS -m 5 "http://$LAB_WEB/"
claim "the container on the wrong network shows the host's address" \
	test "$said" = "src=$LAB_HOST_ADDR"
show "docker exec escape nsenter --net=HOST curl http://$LAB_WEB/" lab_docker exec escape \
	nsenter -t "$(lab_pid host)" -n curl -sS -m 5 "http://$LAB_WEB/"
claim "so does the process in the host's namespace" test "$said" = "src=$LAB_HOST_ADDR"
sender_start 500
lab_wait "packets to flow" 20 flowing
show "docker restart -t 0 gateway" lab_docker restart -t 0 gateway
lab_wait "packets to flow again" 60 flowing
sender_stop
lab_capture_stop control || broken=$((broken + 1))
claim "and so does the restart of the gateway: $(lab_leaks control | grep -c "$TARGET") packets in clear" \
	test "$(lab_leaks control | grep -c "$TARGET")" -gt 0
claim "and the capture sees it: $(lab_leaks control | wc -l) packets in clear" \
	test "$(lab_leaks control | wc -l)" -gt 0

title "Clean-up"
lab=$LAB cgroup=$LAB_CGROOT$LAB_GUARD_CGROUP
lab_down
claim "nothing is left: no process, namespace, cgroup, mount or file of the demo" \
	test ! -e "$lab" -a ! -e "$cgroup" -a ! -e "$LAB_CG"

title "$claims claims, $((claims - broken)) held ($((SECONDS - began)) s)"
[ "$broken" = 0 ]

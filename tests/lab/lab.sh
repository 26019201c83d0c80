# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2015 # "A && B || die" is meant so
#
# The laboratory: an internet, a VPN server and a Docker host in network namespaces of their own,
# with a real Docker engine and a real WireGuard tunnel. To be sourced by bash with `set -u`.
#
#   lab_up                      build it (state directory in $LAB); taken down when the script ends
#   lab_host CMD...             run on the lab's Docker host (its network and mount namespace)
#   lab_docker ARGS...          the docker client against the lab's engine
#   lab_vpn_up                  networks, gateway container, tunnel proved by an answer through it
#   lab_peer_silent, lab_peer_back   the VPN servers take nothing any more, and do again
#   lab_app NAME [ARGS] -- CMD  a protected container below $LAB_GUARD_CGROUP
#   lab_capture_start NAME, lab_capture_stop NAME, lab_leaks NAME, lab_packets NAME SIDE FILTER
#   lab_wait WHAT SECONDS CMD   wait for a condition, with a limit
#   lab_down                    take all down; also done by a watcher if the script is killed
#
# Several labs can stand side by side: nothing has a global name except the state directory and one
# cgroup called like it. A function `lab_cleanup`, if there is one, runs before lab_down at the end.
# LAB_KEEP=1 leaves the lab standing and says how to enter and how to remove it.
# LAB_VPN_TYPE=openvpn-udp or openvpn-tcp is OpenVPN instead of WireGuard; LAB_VPN_SERVERS what the
# gateway may choose from, anew at each start (default: one); LAB_GATEWAY_ARGS an array of further
# arguments of its `docker create` (tests/gateway/entry.sh has its variables); LAB_ENGINE_CONFIG the
# text of daemon.json.
# LAB_DOCKER_GENERATION=26 or 28 runs that Docker engine (engines.sh) instead of the machine's.
#
# Addresses, first three numbers each, all inside the namespaces:
LAB_NET_UPLINK=${LAB_NET_UPLINK:-198.51.100}	# the host's uplink: host .10, router .1
LAB_NET_TRANSIT=${LAB_NET_TRANSIT:-198.51.101}	# to the VPN server
LAB_NET_INET=${LAB_NET_INET:-203.0.113}		# web .80, DNS .53, VPN servers .98 .99, VPN exit .200
LAB_NET_TUNNEL=${LAB_NET_TUNNEL:-10.99.0}	# inside the tunnel: server .1, client .2
LAB_NET_OPENVPN=${LAB_NET_OPENVPN:-10.98}	# the same of OpenVPN: .0 by UDP, .1 by TCP
LAB_NET_GW=${LAB_NET_GW:-172.31.0}		# Docker network `uplink`: gateway .2
LAB_NET_VPN=${LAB_NET_VPN:-172.30.0}		# `vpn_network`: next hop .2, gateway container .3

LAB_WEB=$LAB_NET_INET.80
LAB_DNS=$LAB_NET_INET.53
LAB_VPN_SERVER=$LAB_NET_INET.99
LAB_VPN_SERVER2=$LAB_NET_INET.98
LAB_VPN_PORT=${LAB_VPN_PORT:-51820}
LAB_OPENVPN_PORT=${LAB_OPENVPN_PORT:-1194}
LAB_VPN_EXIT=$LAB_NET_INET.200
LAB_HOST_ADDR=$LAB_NET_UPLINK.10
LAB_MARK=$LAB_NET_INET.7
LAB_NEXT_HOP=$LAB_NET_VPN.2
LAB_RESOLVER=$LAB_NET_VPN.3
LAB_GUARD_CGROUP=${LAB_GUARD_CGROUP:-}

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/images.sh
. "$LAB_DIR/images.sh"
# shellcheck source=tests/lab/engines.sh
. "$LAB_DIR/engines.sh"
# shellcheck source=tests/lab/vpn.sh
. "$LAB_DIR/vpn.sh"
# shellcheck source=tests/lab/capture.sh
. "$LAB_DIR/capture.sh"

lab_die() {
	echo "lab: $*" >&2
	exit 1
}

lab_wait() { # WHAT SECONDS CMD...
	local what=$1 seconds=$2 deadline=$((SECONDS + $2))
	shift 2
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || {
			echo "lab: waited $seconds s in vain for: $what" >&2
			return 1
		}
		sleep 0.05 # poll
	done
}

# Runs a command as a process of the lab, so that the reaper finds it and whatever it starts.
lab_exec() { # PLACE CMD...: replaces the (sub)shell
	mkdir -p "$LAB_CG/$1" && echo "$BASHPID" > "$LAB_CG/$1/cgroup.procs" ||
		lab_die "cannot enter the cgroup $LAB_CG/$1"
	shift
	exec "$@"
}

# In the background, with output in $LAB/log/NAME.log and its pid in $LAB/NAME.pid.
lab_spawn() { # NAME CMD...
	local name=$1
	shift
	(lab_exec "$name" setsid "$@") > "$LAB/log/$name.log" 2>&1 < /dev/null &
	echo $! > "$LAB/$name.pid"
	disown # its end is the reaper's matter, not this shell's
}

lab_pid() {
	cat "$LAB/$1.pid"
}

# Runs a command inside one of the three places: internet, vpn, host. Not in the lab's cgroup when
# it is short-lived: see lab_host for what a test starts.
lab_in() { # PLACE CMD...
	local pid
	pid=$(lab_pid "$1")
	shift
	nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" --wdns="$PWD" -- "$@"
}

lab_host_exec() { # CMD...: replaces the (sub)shell
	local pid
	pid=$(lab_pid host)
	lab_exec tools nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" \
		--wdns="$PWD" -- "$@"
}

lab_host() {
	(lab_host_exec "$@")
}

lab_docker() {
	env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY DOCKER_CONFIG="$LAB/client" \
		DOCKER_HOST="unix://$LAB/docker.sock" "$LAB_DOCKER_CLIENT" "$@"
}

# The cgroup of a guard, whose processes then belong to the lab and end with it.
lab_guard_cgroup() { # PATH below the cgroup2 root
	local dir=$LAB_CGROOT$1
	case $1 in
	/?*) ;;
	*) lab_die "guard cgroup '$1' must be a path from the root" ;;
	esac
	grep -qxF "$dir" "$LAB/cgroups" && return
	! grep -qs '^populated 1' "$dir/cgroup.events" ||
		lab_die "$dir has processes already: choose another guard cgroup for the lab"
	echo "$dir" >> "$LAB/cgroups"
	LAB_GUARD_CGROUP=$1
}

# A process that does nothing but hold a network and a mount namespace open.
lab_place() { # NAME: stdin is a script that runs in the new namespaces first
	local script
	script=$(cat)
	lab_spawn "$1" unshare --net --mount --propagation private -- bash -euc "$script
		touch '$LAB/$1.ready'; exec sleep infinity"
	lab_wait "namespaces of $1 (see $LAB/log/$1.log)" 10 test -e "$LAB/$1.ready" ||
		lab_die "$(cat "$LAB/log/$1.log")"
}

lab_links() {
	lab_in internet ip -batch - <<- END || lab_die "cannot make the links"
		link set lo up
		link add h0 type veth peer name up0 netns $(lab_pid host)
		link add v0 type veth peer name v0 netns $(lab_pid vpn)
		link set h0 up
		link set v0 up
		address add $LAB_NET_UPLINK.1/24 dev h0
		address add $LAB_NET_TRANSIT.1/30 dev v0
		route add $LAB_VPN_SERVER via $LAB_NET_TRANSIT.2
		route add $LAB_VPN_SERVER2 via $LAB_NET_TRANSIT.2
		route add $LAB_VPN_EXIT via $LAB_NET_TRANSIT.2
		route add local default dev lo
	END
	lab_in host ip -batch - <<- END || lab_die "cannot set the host's addresses"
		link set lo up
		address add $LAB_HOST_ADDR/24 dev up0
		link set up0 up
		route add default via $LAB_NET_UPLINK.1
	END
	lab_in vpn ip -batch - <<- END || lab_die "cannot set the VPN server's addresses"
		link set lo up
		address add $LAB_VPN_SERVER/32 dev lo
		address add $LAB_VPN_SERVER2/32 dev lo
		address add $LAB_VPN_EXIT/32 dev lo
		address add $LAB_NET_TRANSIT.2/30 dev v0
		link set v0 up
		route add default via $LAB_NET_TRANSIT.1 src $LAB_VPN_SERVER
	END
}

lab_internet() {
	gcc -std=gnu17 -D_GNU_SOURCE -O2 -Wall -o "$LAB/bin/internet" "$LAB_DIR/internet.c" ||
		lab_die "cannot compile internet.c"
	lab_spawn internet-server nsenter --net="/proc/$(lab_pid internet)/ns/net" -- \
		"$LAB/bin/internet" "$LAB/log/requests" "$LAB_WEB"
	lab_wait "the internet's servers" 10 grep -qx ready "$LAB/log/internet-server.log" ||
		lab_die "$(cat "$LAB/log/internet-server.log")"
}

# A client that speaks to this engine: newer clients refuse older engines.
lab_find_client() {
	local LAB_DOCKER_CLIENT client
	for client in ${LAB_ENGINE:+"$LAB_ENGINE/docker"} /usr/bin/docker $(type -ap docker); do
		LAB_DOCKER_CLIENT=$client
		lab_docker version > /dev/null 2>&1 && echo "$client" && return
	done
	return 1
}

lab_engine() {
	local driver=vfs
	mkdir -p "$LAB/overlay"/{lower,upper,work,merged}
	# tried in a mount namespace that goes at once, so that nothing has to be undone
	# shellcheck disable=SC2016 # $0 is for the inner shell
	lab_in host unshare -m sh -c 'mount -t overlay overlay -o \
		"lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/merged"' \
		"$LAB/overlay" 2> /dev/null && driver=overlay2
	rm -rf "$LAB/overlay"
	echo "${LAB_ENGINE_CONFIG:-{\}}" > "$LAB/daemon.json"
	LAB_DOCKER_DRIVER=$driver
	lab_engine_start
	LAB_DOCKER_CLIENT=$(lab_find_client)
}

# Also for a test that has ended the engine. PATH: dockerd finds containerd, and that finds its shim
# and runc, by name.
lab_engine_start() {
	lab_spawn dockerd nsenter --net="/proc/$(lab_pid host)/ns/net" \
		--mount="/proc/$(lab_pid host)/ns/mnt" -- \
		env PATH="${LAB_ENGINE:+$LAB_ENGINE:}$PATH" dockerd \
		--config-file "$LAB/daemon.json" \
		--data-root "$LAB/data" --exec-root "$LAB/exec" -H "unix://$LAB/docker.sock" \
		--pidfile "$LAB/engine.pid" --storage-driver "$LAB_DOCKER_DRIVER" \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "${LAB_CG#"$LAB_CGROOT"}/c"
	lab_wait "the Docker engine (see $LAB/log/dockerd.log)" 60 lab_find_client || {
		tail -n 20 "$LAB/log/dockerd.log" >&2
		lab_die "no Docker engine"
	}
}

lab_up() {
	local tool
	[ "$(id -u)" = 0 ] || lab_die "needs root (run: sudo $0)"
	PATH=$PATH:/usr/sbin:/sbin
	for tool in dockerd ip nsenter unshare tcpdump wireguard-go wg iptables dnsmasq busybox \
		tini curl dig getent gcc musl-gcc; do
		command -v $tool > /dev/null ||
			lab_die "$tool is missing (run: packaging/deps.sh demo)"
	done
	LAB_ENGINE=
	[ -z "${LAB_DOCKER_GENERATION:-}" ] || lab_engine_get "$LAB_DOCKER_GENERATION" ||
		lab_die "no Docker engine of generation $LAB_DOCKER_GENERATION"
	LAB_CGROOT=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
	[ -n "$LAB_CGROOT" ] || lab_die "no cgroup2 mount (mount -t cgroup2 cgroup2 DIR)"
	LAB=$(mktemp -d "${TMPDIR:-/var/tmp}/bglab.XXXXXX") || lab_die "no state directory"
	LAB_CG=$LAB_CGROOT/${LAB##*/}
	mkdir -p "$LAB"/{bin,log,client,capture,images,data,exec}
	echo "$LAB_CG" > "$LAB/cgroups"
	# shellcheck disable=SC2046 # fields of the text behind "(comm) "
	set -- $(sed 's/.*) //' "/proc/$$/stat")
	echo "$$ ${20}" > "$LAB/owner"
	trap lab_exit EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	if [ -z "${LAB_KEEP:-}" ]; then
		setsid "$LAB_DIR/reap.sh" --watch "$LAB" > /dev/null 2>&1 < /dev/null &
		disown
	fi
	mkdir "$LAB_CG" || lab_die "cannot make the cgroup $LAB_CG"

	lab_place internet <<- END
		sysctl -qw net.ipv4.ip_forward=1
	END
	lab_place vpn <<- END
		mount -t tmpfs tmpfs /run
		sysctl -qw net.ipv4.ip_forward=1
	END
	# The engine must find cgroup2 where it looks for it, whatever the machine has there, and
	# write neither to the machine's /run nor to its /etc. What was mounted below /sys goes first:
	# hidden, it would still be listed.
	lab_place host <<- END
		umount -R -l /sys
		mount -t sysfs sysfs /sys
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mount -t bpf bpf /sys/fs/bpf
		mount -t securityfs securityfs /sys/kernel/security || :
		mount -t tmpfs tmpfs /run
		mkdir /run/etc
		cp -a /etc/. /run/etc
		rm -rf /run/etc/docker /run/etc/resolv.conf
		echo 'nameserver $LAB_DNS' > /run/etc/resolv.conf
		mount --bind /run/etc /etc
		sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
	END
	lab_links
	lab_internet
	lab_vpn_server
	lab_engine
	lab_images
}

lab_exit() {
	local rc=$?
	trap '' INT TERM HUP
	! declare -F lab_cleanup > /dev/null || lab_cleanup
	lab_down
	exit $rc
}

lab_down() {
	[ -n "${LAB:-}" ] && [ -d "$LAB" ] || return 0
	if [ -n "${LAB_KEEP:-}" ]; then
		echo "lab: left standing: $LAB"
		echo "lab:   enter: nsenter -t $(lab_pid host) -n -m"
		echo "lab:   docker: docker -H unix://$LAB/docker.sock"
		echo "lab:   remove: $LAB_DIR/reap.sh $LAB"
		return 0
	fi
	"$LAB_DIR/reap.sh" "$LAB"
}

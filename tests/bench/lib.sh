# shellcheck shell=bash
# shellcheck disable=SC2086,SC2016 # names and numbers of our own, without blanks; sh -c scripts
# SPDX-License-Identifier: GPL-2.0-only
#
# What a benchmark is made of: a pair of namespaces and a cgroup for each variant, all alike but for
# what is put between the socket and the wire. Source it; set BUILD before.
#
#   bench_setup              makes the working place; everything goes when the script ends
#   bench_pair NAME [bridge] namespaces `app` and `gw` joined by a veth pair (or two of them and a
#                            bridge in a third namespace), sink in gw, cgroup
#   bench_guard NAME BINARY PREFIXES   puts the guard of BINARY on it
#   bench_nft NAME PREFIXES  a `socket cgroupv2` rule with the same addresses
#   bench_lpm NAME PREFIXES  the address-only BPF program
#   bench_empty NAME         a BPF program that only says yes: the price of the hook itself
#   bench_spec NAME DST      the argument for `bench run`
#   bench_env NAME CMD...    runs bpfguard's environment of this guard

BENCH_CPU=${BENCH_CPU:-0} # senders
# Both sides on one CPU: what the other CPUs do is no matter then, and all cost is on one clock.
BENCH_SINK_CPU=${BENCH_SINK_CPU:-$BENCH_CPU}
BENCH_LOCAL=10.77.0.2 # on-link peer; the gateway's next hop, too
BENCH_REMOTE=203.0.113.80 # behind the gateway

bench_setup() {
	TAG=bgbench$$
	DIR=$(mktemp -d "/tmp/$TAG.XXXXXX")
	PIDS=() PAIRS=() GUARDS=()
	CG_ROOT=$(awk '$0 ~ / - cgroup2 / && $4 == "/" { print $5; exit }' /proc/self/mountinfo)
	[ -n "$CG_ROOT" ] || {
		echo "bench: no cgroup v2 is mounted (mount -t cgroup2 none /sys/fs/cgroup)" >&2
		exit 69
	}
	CG=$CG_ROOT/$TAG
	trap bench_clean EXIT
	trap 'exit 130' INT TERM HUP
	mkdir "$CG"
}

# Ends what was started, in the reverse order, whatever exists of it.
bench_clean() {
	local name pid i
	set +e
	for pid in "${PIDS[@]}"; do kill "$pid" 2> /dev/null; done
	for pid in "${PIDS[@]}"; do wait "$pid" 2> /dev/null; done
	for name in "${GUARDS[@]}"; do
		bench_env "$name" "$DIR/$name.bin" unload --yes > /dev/null 2>&1
	done
	for name in "${PAIRS[@]}"; do
		ip netns del "$TAG-$name-app" 2> /dev/null
		ip netns del "$TAG-$name-gw" 2> /dev/null
		[ ! -e "/run/netns/$TAG-$name-sw" ] || ip netns del "$TAG-$name-sw"
	done
	for ((i = 0; i < 100; i++)); do # the last of the killed may still be leaving
		[ -d "$CG" ] || break
		find "$CG" -depth -type d -exec rmdir {} + 2> /dev/null && break
		sleep 0.05 # poll
	done
	rm -rf "$DIR"
}

# Starts a helper and waits until it says that it is ready.
bench_start() {
	local line out
	exec {out}< <(exec "$@" 2>&1)
	PIDS+=($!)
	read -r -t 20 line <&"$out" || line='nothing'
	[ "$line" = ready ] || {
		echo "bench: $*: said $line" >&2
		exit 1
	}
}

bench_pair() {
	local app=$TAG-$1-app gw=$TAG-$1-gw sw=$TAG-$1-sw
	PAIRS+=("$1")
	mkdir -p "$CG/$1"
	ip netns add "$app"
	ip netns add "$gw"
	if [ -n "${2:-}" ]; then
		ip netns add "$sw"
		ip -n "$sw" link add br0 type bridge
		ip -n "$sw" link set br0 up
		ip link add eth0 netns "$app" address 02:00:00:77:00:10 type veth peer name app netns "$sw"
		ip link add eth0 netns "$gw" address 02:00:00:77:00:02 type veth peer name gw netns "$sw"
		ip -n "$sw" link set app master br0 up
		ip -n "$sw" link set gw master br0 up
	else
		ip link add eth0 netns "$app" address 02:00:00:77:00:10 type veth \
			peer name eth0 netns "$gw" address 02:00:00:77:00:02
	fi
	ip -n "$app" link set lo up
	ip -n "$gw" link set lo up
	ip -n "$app" addr add 10.77.0.10/24 dev eth0
	ip -n "$gw" addr add $BENCH_LOCAL/24 dev eth0
	ip -n "$gw" addr add $BENCH_REMOTE/32 dev lo
	ip -n "$app" link set eth0 up
	ip -n "$gw" link set eth0 up
	ip -n "$app" neigh replace $BENCH_LOCAL lladdr 02:00:00:77:00:02 dev eth0 nud permanent
	ip -n "$gw" neigh replace 10.77.0.10 lladdr 02:00:00:77:00:10 dev eth0 nud permanent
	ip -n "$app" route add default via $BENCH_LOCAL
	bench_start "$BUILD/bench/bench" sink "/run/netns/$gw" "$BENCH_SINK_CPU"
}

# N prefixes; the peer's network is among them, and for nft and lpm (WIDE) the remote one, since an
# address is all that these can tell.
bench_prefixes() { # N [WIDE]
	local i
	echo 10.77.0.0/24
	[ -z "${2:-}" ] || echo 203.0.113.0/24
	for ((i = 1; i < $1; i++)); do echo "10.$((100 + i / 65536)).$((i / 256 % 256)).$((i % 256))/32"; done
}

bench_env() { # NAME CMD...
	(bench_exec "$@")
}

# The same in place of this shell, for one that goes to the background: its pid is the program's.
bench_exec() { # NAME CMD...
	local name=$1
	shift
	exec env BPFGUARD_POLICY="$DIR/$name.yaml" BPFGUARD_RUN="$DIR/$name.run" \
		BPFGUARD_PINS="/sys/fs/bpf/$TAG-$name" BPFGUARD_LOG="$DIR/$name.log" \
		BPFGUARD_DOCKER="$DIR/none.sock" "$@"
}

bench_policy() { # NAME PREFIXES
	mkdir -p "$DIR/$1.run" "$DIR/$1.log"
	{
		cat <<- END
			version: 1
			guards:
			  - name: vpn
			    cgroup: /$TAG/$1
			    gateway: {address: [$BENCH_LOCAL]}
			    dns: {mode: gateway, server: [$BENCH_LOCAL]}
			    kill_switch: {lease: off}
			    local:
		END
		bench_prefixes "$2" | sed 's/^/      - /'
	} > "$DIR/$1.yaml"
}

bench_guard() { # NAME BINARY PREFIXES
	bench_policy "$1" "$3"
	ln -sf "$(realpath "$2")" "$DIR/$1.bin"
	GUARDS+=("$1")
	bench_env "$1" "$2" load > /dev/null
}

bench_nft() { # NAME PREFIXES
	local level=2
	bench_prefixes "$2" wide > "$DIR/$1.prefixes"
	{
		echo 'table ip bench {'
		echo 'set local { type ipv4_addr; flags interval; elements = {'
		paste -sd, "$DIR/$1.prefixes"
		echo '} }'
		echo 'chain out { type filter hook output priority 0;'
		echo "socket cgroupv2 level $level \"$TAG/$1\" ip daddr != @local drop"
		echo '}'
		echo '}'
	} > "$DIR/$1.nft"
	# nft looks for cgroups where most systems have them
	unshare -m sh -c 'mount --bind "$1" /sys/fs/cgroup && exec nsenter --net="$2" nft -f "$3"' \
		- "$CG_ROOT" "/run/netns/$TAG-$1-app" "$DIR/$1.nft"
}

bench_lpm() { # NAME PREFIXES
	local prefixes
	mapfile -t prefixes < <(bench_prefixes "$2" wide)
	bench_start "$BUILD/bench/bench" lpm "$BUILD/bench/lpm.bpf.o" "$CG/$1" "${prefixes[@]}"
}

bench_empty() { # NAME
	bench_start "$BUILD/bench/bench" lpm "$BUILD/bench/empty.bpf.o" "$CG/$1" 0.0.0.0/0
}

bench_spec() { # NAME DST [CGROUP-BELOW]
	echo "$1=/run/netns/$TAG-$1-app:$CG/$1${3:-}:$2"
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench: the guard against no guard, against nft with the address part of the same policy, and
# against an address-only BPF program. Tells; judges nothing: times are the machine's. docs/bench.md
# says what each table means.
#
#   run.sh BUILD    BENCH_ROUNDS (default 100), BENCH_CPU, BENCH_SINK_CPU
# shellcheck disable=SC2086 # names and numbers of our own, without blanks
set -euo pipefail

BUILD=${1:?the build directory}
GUARD=$BUILD/bpfguard
ROUNDS=${BENCH_ROUNDS:-100}
# shellcheck source=lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" != 0 ]; then
	echo "bench: needs root (run sudo make bench)" >&2
	exit 77
fi
for tool in ip nft jq unshare nsenter; do
	command -v $tool > /dev/null || {
		echo "bench: needs $tool (make deps names the packages)" >&2
		exit 69
	}
done

head_of() { # TITLE UNIT
	printf '\n### %s\n\n| | ns/%s | speed, %% of the first (quartiles) | ns more (quartiles) |%s\n' \
		"$1" "$2" "${3:+ ns in the program |}"
	printf '|---|---|---|---|%s\n' "${3:+---|}"
}

# bench run's lines as rows of a table
rows() { # [with program times]
	awk -F'\t' -v prog="${1:-}" '{
		printf "| %s | %.0f | %.1f (%.1f to %.1f) | %.0f (%.0f to %.0f) |", $1, $2, $3, $4, $5, $6, $7, $8
		print prog ? " " $9 " |" : ""
	}'
}

measure() { # TITLE UNIT DST OP [OPTIONS...] -- NAMES...
	local title=$1 unit=$2 dst=$3 op=$4 opts=() specs=()
	shift 4
	while [ "$1" != -- ]; do opts+=("$1") && shift; done
	shift
	while [ $# -gt 0 ]; do specs+=("$(bench_spec "$1" "$dst")") && shift; done
	head_of "$title" "$unit"
	"$BUILD/bench/bench" run -c "$BENCH_CPU" -r "$ROUNDS" "${opts[@]}" "$op" "${specs[@]}" | rows
}

median_ms() { # FILE of ns, one a line
	sort -n "$1" | awk '{ v[NR] = $1 / 1e6 } END {
		printf "%.1f (%.1f to %.1f)", v[int((NR + 1) / 2)], v[int((NR + 3) / 4)], v[int((3 * NR + 3) / 4)] }'
}

timed() { # FILE CMD...
	local file=$1 start=${EPOCHREALTIME/./}
	shift
	"$@" > /dev/null
	echo $(((${EPOCHREALTIME/./} - start) * 1000)) >> "$file"
}

packets() {
	local others='none none-again empty guard nft lpm'
	measure "UDP, 18 bytes, to a peer on the link" packet $BENCH_LOCAL udp -- $others
	measure "UDP, 18 bytes, through the gateway" packet $BENCH_REMOTE udp -- $others
	measure "UDP, 18 bytes, unconnected socket: sendmsg is judged, too" packet $BENCH_LOCAL \
		udp-sendto -- $others
	measure "TCP, bulk" MiB $BENCH_REMOTE tcp -- $others
	head_of "Time inside the egress programs (kernel.bpf_stats: some 60 ns of each are its own)" packet yes
	"$BUILD/bench/bench" run -c "$BENCH_CPU" -r "$ROUNDS" -s udp \
		"$(bench_spec none $BENCH_REMOTE)" "$(bench_spec empty $BENCH_REMOTE)" \
		"$(bench_spec guard $BENCH_REMOTE)" "$(bench_spec lpm $BENCH_REMOTE)" | rows yes
}

bridge() {
	measure "UDP, 18 bytes, to a peer across a bridge, as containers are" packet $BENCH_LOCAL udp -- \
		bridge-none bridge-empty bridge-guard bridge-nft bridge-lpm
}

calls() {
	measure "connect(), UDP" call $BENCH_REMOTE connect-udp -- none none-again guard
	measure "connect(), TCP: the call with the handshake" call $BENCH_REMOTE connect-tcp -- \
		none none-again guard
	measure "socket(), TCP" call $BENCH_REMOTE socket -- none none-again guard
}

scale() {
	local i name many=()
	measure "1 and 10,000 local prefixes" packet $BENCH_LOCAL udp -- none guard guard-10000 \
		nft-10000 lpm-10000
	# The empty program tells how much of it is the hook's own: a cgroup has its list of programs,
	# which is one more thing that 1,000 cgroups do not keep in the cache.
	head_of "1,000 sockets by turns, in one cgroup" packet
	"$BUILD/bench/bench" run -c "$BENCH_CPU" -r "$ROUNDS" -k 1000 udp \
		"$(bench_spec none $BENCH_REMOTE)" "$(bench_spec none-again $BENCH_REMOTE)" \
		"$(bench_spec empty $BENCH_REMOTE)" "$(bench_spec guard $BENCH_REMOTE)" | rows
	head_of "1,000 sockets by turns, each in a cgroup of its own" packet
	for name in none none-again empty guard; do
		mkdir -p "$CG/$name/many"
		for ((i = 0; i < 1000; i++)); do mkdir "$CG/$name/many/$i"; done
		many+=("$name=/run/netns/$TAG-$name-app:$CG/$name/many/%u:$BENCH_REMOTE")
	done
	"$BUILD/bench/bench" run -c "$BENCH_CPU" -r "$ROUNDS" -k 1000 udp "${many[@]}" | rows
}

commands() {
	local i runs=25 rss pid
	bench_policy times 1
	mkdir -p "$CG/times"
	ln -sf "$(realpath "$GUARD")" "$DIR/times.bin"
	GUARDS+=(times)
	for ((i = 0; i < runs; i++)); do
		timed "$DIR/load" bench_env times "$GUARD" load
		timed "$DIR/status" bench_env times "$GUARD" status
		timed "$DIR/start" "$GUARD" --version
		bench_env times "$GUARD" unload --yes > /dev/null
	done
	printf '\n### Commands, %d runs, process start included\n\n' $runs
	printf '| | ms, median (quartiles) |\n|---|---|\n| load | %s |\n| status | %s |\n| --version | %s |\n' \
		"$(median_ms "$DIR/load")" "$(median_ms "$DIR/status")" "$(median_ms "$DIR/start")"
	# the log service, while denied packets come in
	bench_exec guard "$GUARD" log --collect > /dev/null 2>&1 &
	pid=$!
	PIDS+=("$pid")
	sh -c 'echo $$ > "$1/cgroup.procs"; exec nsenter --net="$2" bash -c "$3"' - "$CG/guard" \
		"/run/netns/$TAG-guard-app" \
		'for ((i = 0; i < 3000; i++)); do echo > /dev/udp/169.254.1.1/$((10000 + i)); done' \
		2> /dev/null || true
	for ((i = 0; i < 100; i++)); do # until the collector has written the last of them
		[ "$(wc -l < "$DIR/guard.log/denied.jsonl" 2> /dev/null || echo 0)" -ge 3000 ] && break
		sleep 0.1 # poll
	done
	rss=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
	printf '\n### The log service\n\n%s events written; resident at most %s kB, %s kB of it its own.\n' \
		"$(wc -l < "$DIR/guard.log/denied.jsonl")" "$rss" \
		"$(awk '/^Private_/ { s += $2 } END { print s }' "/proc/$pid/smaps_rollup")"
}

bench_setup
for name in none none-again empty guard nft lpm guard-10000 nft-10000 lpm-10000; do bench_pair $name; done
for name in none empty guard nft lpm; do bench_pair bridge-$name bridge; done
bench_guard guard "$GUARD" 1
bench_guard guard-10000 "$GUARD" 10000
bench_guard bridge-guard "$GUARD" 1
for name in nft bridge-nft; do bench_nft $name 1; done
bench_nft nft-10000 10000
for name in lpm bridge-lpm; do bench_lpm $name 1; done
bench_lpm lpm-10000 10000
for name in empty bridge-empty; do bench_empty $name; done

printf '%s, %s, %s CPUs; %s rounds a table\n' "$(uname -r)" \
	"$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" "$ROUNDS"
packets
bridge
calls
scale
commands

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2015 # "A && B || die" is meant so
#
# Takes a laboratory down from what its state directory says, whether or not the script that made
# it still lives. Everything a lab starts is in a cgroup of the lab, so what is in that cgroup is
# exactly what has to end; its namespaces, mounts and pins end with the last of its processes.
#
#   reap.sh LAB          take this one down (again is harmless)
#   reap.sh --watch LAB  wait until the owner of the lab is gone, then take it down
#   reap.sh --all        take down every lab in the default place whose owner is gone
set -u

# A pid alone may be somebody else's by now; with its start time it is not.
alive() { # PID START
	local stat
	stat=$(cat "/proc/$1/stat" 2> /dev/null) || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # fields
	set -- "$2" $stat
	[ "$1" = "${21}" ]
}

owner_alive() { # LAB
	local pid start
	read -r pid start < "$1/owner" 2> /dev/null || return 1
	alive "$pid" "$start"
}

kill_tree() { # absolute cgroup directory
	local deadline=$((SECONDS + 20)) procs
	[ -d "$1" ] || return 0
	while grep -qs '^populated 1' "$1/cgroup.events"; do
		# kernels before 5.14 have no cgroup.kill
		if ! echo 1 2> /dev/null > "$1/cgroup.kill"; then
			procs=$(find "$1" -name cgroup.procs -exec cat {} + 2> /dev/null)
			# shellcheck disable=SC2086 # one pid a word
			[ -z "$procs" ] || kill -9 $procs 2> /dev/null
		fi
		[ $SECONDS -lt $deadline ] || {
			echo "reap: $1 still has processes after 20 s" >&2
			return 1
		}
		sleep 0.05 # poll
	done
	find "$1" -depth -type d -exec rmdir {} + 2> /dev/null
	[ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} +
}

reap() { # LAB
	local lab=$1 path pid start rc=0
	[ -d "$lab" ] || return 0
	[ -f "$lab/owner" ] && [ -f "$lab/cgroups" ] || {
		echo "reap: $lab is not a lab" >&2
		return 64
	}
	while read -r path; do
		kill_tree "$path" || rc=1
	done < "$lab/cgroups"
	if read -r pid start 2> /dev/null < "$lab/watcher" && [ "$pid" != $$ ] &&
		alive "$pid" "$start"; then
		kill -- "-$pid" 2> /dev/null
	fi
	[ $rc = 0 ] || return 1
	rm -rf --one-file-system "$lab"
}

case ${1:-} in
--watch)
	lab=${2:?}
	read -r pid _ < "$lab/owner"
	stat=$(cat /proc/$$/stat)
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	echo "$$ ${20}" > "$lab/watcher"
	tail --pid="$pid" -f /dev/null
	reap "$lab"
	;;
--all)
	for lab in "${TMPDIR:-/var/tmp}"/bglab.*; do
		[ -f "$lab/owner" ] && ! owner_alive "$lab" && reap "$lab"
	done
	exit 0
	;;
/*) reap "$1" ;;
*)
	echo "usage: reap.sh LAB | --watch LAB | --all   (LAB: absolute path)" >&2
	exit 64
	;;
esac

# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# The LSM programs, sourced by job.sh after its controls: nothing is loaded then, the network is
# there. Each thing that they refuse is tried with them and without; where the kernel was booted
# without BPF LSM all of it must succeed, and status must say so.
try=$top/build/lsmtry
mkdir -p "$W/sec" "$W/bin" "$CG"
if mount -t securityfs none "$W/sec" && grep -qw bpf "$W/sec/lsm"; then
	lsm=on
else
	lsm=off
fi
umount "$W/sec" # the loader has to look for itself
echo "    lsm=$lsm"

trying() { # WORD ARGS...: what it must say behind WHAT, from inside; outside without CG
	local want=$1
	shift
	out=$("$try" ${CG:+-c "$CG"} "$@" 2>&1)
	[ "${out##* }" = "$want" ] || fail "$*: wanted $want, got: $out"
}

outside() { # WORD ARGS...
	CG='' trying "$@"
}

status_json() { # JQ-CONDITION
	"$bpfguard" status --json > "$W/status"
	jq -e "$1" "$W/status" > /dev/null || fail "status is not $1: $(jq -c '[.status,.problems,.lsm.state]' "$W/status")"
}

refused() { # REASON HOOK: counted and reported, for the last thing that was tried
	status_json ".guards[0].denied.$1 > 0"
	event ".reason == \"$1\"" ".hook == \"lsm_$2\"" '.comm == "lsmtry"'
}

odd_sockets() { # ERROR
	local f
	for f in '17 3 0' '2 10 0' '44 3 0' '15 3 2' '40 1 0' '30 2 0' '21 5 0' '31 3 1' '29 3 1' '43 1 0'; do
		# shellcheck disable=SC2086
		out=$("$try" -c "$CG" socket $f 2>&1)
		case $1,${out##* } in
		EPERM,EPERM) ;;
		OK,OK | OK,E*NOSUPPORT) ;; # a kernel without that family
		*) fail "socket $f: wanted $1, got: $out" ;;
		esac
	done
	for f in '1 1 0' '16 3 0' '38 5 0' '2 1 0' '10 2 0'; do
		# shellcheck disable=SC2086
		out=$("$try" -c "$CG" socket $f 2>&1)
		case ${out##* } in
		OK | EAFNOSUPPORT) ;;
		*) fail "socket $f is refused: $out" ;;
		esac
	done
}

uring_sockets() { # ERROR
	local how
	for how in inline async sqpoll; do
		out=$("$try" -c "$CG" uring $how 17 3 0 2>&1)
		case $(uname -r) in
		5.*) [ "${out##* }" = EINVAL ] || fail "uring $how: $out" ;; # it has no such call
		*) [ "${out##* }" = "$1" ] || fail "uring $how: wanted $1, got: $out" ;;
		esac
	done
}

foreign_sockets() { # ERROR
	local how
	for how in connect send write sendfile splice listen packet; do
		trying "$1" moved $how
	done
	for how in unix netlink; do
		trying OK moved $how
	done
	trying OK -n /run/netns/app accepted
}

handed_sockets() { # ERROR-OF-SCM ERROR-OF-PIDFD
	local kind
	for kind in udp packet procs; do
		trying "$1" scm $kind
		trying "$2" pidfd $kind
	done
	trying OK scm unix
	trying OK pidfd unix
}

ways_out() { # ERROR
	mkdir -p "$CG/below" /sys/fs/cgroup/elsewhere
	trying "$1" leave /sys/fs/cgroup/elsewhere
	trying "$1" into /sys/fs/cgroup/elsewhere
	trying OK leave "$CG/below"
}

no_lsm_programs() {
	[[ "$(bpftool prog show)" != *bg_lsm_* ]]
}

room_again() {
	[[ "$(bpftool prog show)" != *test_fill* ]]
}

moved_udp() { # sends a mark to the rogue from a socket that is not the guard's
	mark=m$((++marks))
	out=$("$try" -c "$CG" -n /run/netns/app moved udp $T4 "BPFGUARD-LIVE-MARK:$mark" 2>&1)
}

link_id() { # PIN: of a link
	bpftool --json link show pinned "$BPFGUARD_PINS/$1" | jq .id
}

lsm_policy() { # FILE NAME [MORE]
	cat > "$1" <<- END
		version: 1
		guards:
		  - name: $2
		    cgroup: /bgvm
		    gateway: {address: [172.30.0.2]}
		    local: [172.30.0.0/24]
		    kill_switch: {lease: off}
		${3:-}
	END
}
lsm_policy "$W/lsm.yaml" vpn
lsm_policy "$W/lsm2.yaml" vpn '    dns: {mode: strict}'
lsm_policy "$W/audit.yaml" vpn '    mode: audit'

check lsm_load
"$bpfguard" load -p "$W/lsm.yaml" > "$W/load" 2>&1 || fail "$(< "$W/load")"
status_json '.status == "enforced"'
if [ $lsm = on ]; then
	status_json '.lsm.state == "active" and (.lsm.hooks | length >= 15 and all(.attached))'
	status_json '.lsm.not_refused == []'
	"$bpfguard" status | grep -q 'lsm .*active, 1[56] of 1[56]' || fail "status does not say it"
else
	status_json '.lsm.state == "not_active" and .lsm.hooks == [] and (.lsm.why | test("boot with"))'
	status_json '.lsm.not_refused | index("foreign_socket")'
	"$bpfguard" status | grep -q 'lsm .*not active: bpf is not in' || fail "status does not say it"
	[ ! -e "$BPFGUARD_PINS/lsm" ] || fail "programs that would never run are pinned"
fi

[ $lsm = on ] && says=EPERM says_scm=EACCES || says=OK says_scm=OK

check lsm_socket_families
odd_sockets $says
[ $lsm = off ] || refused packet_socket socket_create
[ $lsm = off ] || refused socket_family socket_create

check lsm_uring
uring_sockets $says

check lsm_foreign_sockets
foreign_sockets $says
[ $lsm = off ] || refused foreign_socket socket_connect

check lsm_handed_sockets
handed_sockets $says_scm $says
[ $lsm = off ] || refused foreign_socket file_receive

check lsm_leaves_nothing
: > "$W/seen"
moved_udp
if [ $lsm = on ]; then
	[ "$out" = "udp EPERM" ] || fail "got: $out"
	nothing_at rogue none
else
	eventually seen rogue # past the cgroup's hooks, and no link seal hangs in this network
fi

check lsm_ways_out
ways_out $says
[ $lsm = off ] || refused tamper file_open

check lsm_outside_is_free
for f in '17 3 0' '1 1 0' '16 3 0' '2 2 0'; do
	# shellcheck disable=SC2086
	outside OK socket $f
done
for how in connect send write sendfile splice listen packet unix; do
	outside OK moved $how
done
outside OK scm udp
outside OK scm packet
outside OK pidfd udp
outside OK leave /sys/fs/cgroup/elsewhere
outside OK into /sys/fs/cgroup/elsewhere

# What frees everything else does not free the guard itself.
kept() {
	[ $lsm = off ] || ! rm "$BPFGUARD_PINS/maps/bg_lease" 2> /dev/null ||
		fail "a pin could be removed"
}

check lsm_pause
"$bpfguard" pause --for 1m > "$W/out" 2>&1 || fail "$(< "$W/out")"
trying OK socket 17 3 0
trying OK moved connect
kept
"$bpfguard" pause --end > "$W/out" 2>&1 || fail "$(< "$W/out")"
trying $says socket 17 3 0

check lsm_audit
"$bpfguard" reload -p "$W/audit.yaml" > "$W/out" 2>&1 || fail "$(< "$W/out")"
trying OK socket 17 3 0
trying OK moved connect
kept
[ $lsm = off ] || event '.reason == "packet_socket"' '.verdict == "would_deny"'
"$bpfguard" reload -p "$W/lsm2.yaml" > "$W/out" 2>&1 || fail "$(< "$W/out")"
trying $says socket 17 3 0

# What others do to the guard. Where it is not refused, the next load must put it right.
tampers() { # NAME CMD...: refused, and still whole; or done, seen by status, and put right
	local name=$1
	shift
	if [ $lsm = on ]; then
		! "$@" > "$W/out" 2>&1 || fail "$name: not refused"
		status_json '.status == "enforced"'
		event '.reason == "tamper"' ".hook == \"lsm_$name\""
	else
		"$@" > "$W/out" 2>&1 || fail "$name: $(< "$W/out")"
		"$bpfguard" status > "$W/out" && fail "$name: status does not see it"
		"$bpfguard" load -p "$W/lsm2.yaml" > "$W/out" 2>&1 || fail "$name: $(< "$W/out")"
		status_json '.status == "enforced"'
	fi
}

tried_bpf() { # ARGS...: fails when it was refused
	out=$("$try" "$@" 2>&1)
	[ "${out##* }" = OK ]
}

check lsm_tamper_pins
tampers inode_unlink rm "$BPFGUARD_PINS/guards/0-vpn/egress"
tampers inode_unlink rm "$BPFGUARD_PINS/maps/bg_lease"
tampers inode_rename mv "$BPFGUARD_PINS/guards/0-vpn/egress" "$BPFGUARD_PINS/guards/0-vpn/other"
[ $lsm = on ] || rm "$BPFGUARD_PINS/guards/0-vpn/other"
tampers inode_rename mv "$BPFGUARD_PINS/guards/0-vpn/egress" /sys/fs/bpf/other
[ $lsm = on ] || rm /sys/fs/bpf/other
[ $lsm = off ] || tampers inode_rename mv "$BPFGUARD_PINS" "$BPFGUARD_PINS.away"
[ $lsm = off ] || tampers inode_unlink rm "$BPFGUARD_PINS/lsm/inode_unlink"
mkdir /sys/fs/bpf/others && rmdir /sys/fs/bpf/others || fail "others' directories are protected, too"

check lsm_tamper_cgroup
rmdir "$CG/below"
tampers inode_rmdir rmdir "$CG"
mkdir -p /sys/fs/cgroup/elsewhere/x && rmdir /sys/fs/cgroup/elsewhere/x || fail "of others, too"

check lsm_tamper_links
tampers bpf tried_bpf detach "$(link_id guards/0-vpn/egress)"
if [ $lsm = on ]; then
	tampers bpf tried_bpf update "$(link_id guards/0-vpn/egress)"
fi

check lsm_tamper_maps
if [ $lsm = on ]; then
	# but for its constants, which are frozen, all maps of the program are ours
	ids=$(bpftool --json prog show name bg_egress | jq '[.] | flatten | .[-1].map_ids[]')
	held=0
	for id in $ids; do
		outside OK map "$id" read
		tried_bpf map "$id" write || held=$((held + 1))
	done
	[ "$held" -ge $(($(wc -w <<< "$ids") - 1)) ] || fail "$held of $ids"
	event '.reason == "tamper"' '.hook == "lsm_bpf_map"' '.comm == "lsmtry"'
fi

check lsm_tamper_mount
mkdir -p "$W/fs"
if [ $lsm = on ]; then
	tampers sb_umount umount -l /sys/fs/bpf
	tampers sb_mount mount -t tmpfs none "$BPFGUARD_PINS"
	mount --bind /sys/fs/bpf "$W/fs" && umount "$W/fs" || fail "another mount of it is held, too"
fi

# Who bpfguard is: the name, the owner, the rights of the file, the pid namespace, no guard.
check lsm_identity
if [ $lsm = on ]; then
	mkdir -p "$W/bin/a" "$W/bin/b"
	cp "$bpfguard" "$W/bin/a/guardian" && cp "$bpfguard" "$W/bin/b/bpfguard"
	! "$W/bin/a/guardian" unload --yes > /dev/null 2>&1 || fail "another name"
	chmod o+w "$W/bin/b/bpfguard"
	! "$W/bin/b/bpfguard" unload --yes > /dev/null 2>&1 || fail "anybody can write it"
	chmod o-w "$W/bin/b/bpfguard"
	chown 7 "$W/bin/b/bpfguard"
	! "$W/bin/b/bpfguard" unload --yes > /dev/null 2>&1 || fail "not root's"
	chown 0 "$W/bin/b/bpfguard"
	! unshare -p -f "$W/bin/b/bpfguard" unload --yes > /dev/null 2>&1 || fail "from a container"
	! "$LIVE/probe" -c "$CG" exec "$W/bin/b/bpfguard" unload --yes > /dev/null 2>&1 || fail "from inside"
	status_json '.status == "enforced"'
	"$W/bin/b/bpfguard" reload -p "$W/lsm.yaml" > "$W/out" 2>&1 || fail "a copy: $(< "$W/out")"
fi

# As an interrupted load leaves it: those inside have no policy, all others must not notice.
check lsm_unpublished
if [ $lsm = on ]; then
	cp "$try" "$W/bin/bpfguard"
	"$W/bin/bpfguard" unpublish "$BPFGUARD_PINS/maps/bg_policy" > "$W/out" 2>&1
	[ "$(< "$W/out")" = 'unpublish OK' ] || fail "$(< "$W/out")"
	trying EPERM socket 17 3 0
	trying EPERM moved connect
	trying OK socket 1 1 0
	outside OK socket 17 3 0
	outside OK moved connect
	"$bpfguard" load -p "$W/lsm.yaml" > "$W/out" 2>&1 || fail "$(< "$W/out")"
	status_json '.status == "enforced"'
fi

check lsm_unload
"$bpfguard" unload --yes > "$W/out" 2>&1 || fail "$(< "$W/out")"
[ ! -e "$BPFGUARD_PINS" ] || fail "left: $(find "$BPFGUARD_PINS")"
eventually no_lsm_programs

# Without it each of these succeeds: so it was the programs that refused.
check lsm_controls
odd_sockets OK
uring_sockets OK
foreign_sockets OK
handed_sockets OK OK
ways_out OK
: > "$W/seen"
moved_udp
eventually seen rogue
rmdir "$CG/below" /sys/fs/cgroup/elsewhere

# Active, but no room for ours: a refusal, unless that hole is accepted by name.
if [ $lsm = on ]; then
	check lsm_missing
	helper "$try" fill socket_create
	filler=$!
	"$bpfguard" load -p "$W/lsm.yaml" > "$W/out" 2>&1
	[ $? = 69 ] || fail "load ends otherwise: $(< "$W/out")"
	grep -q 'accept-missing=lsm' "$W/out" || fail "it does not say what to do: $(< "$W/out")"
	"$bpfguard" status > /dev/null
	[ $? = 2 ] || fail "something is left of it"
	"$bpfguard" load -p "$W/lsm.yaml" --accept-missing=lsm > "$W/out" 2>&1 || fail "$(< "$W/out")"
	status_json '.lsm.state == "failed" and .guards[0].accepted == ["lsm"]'
	[ ! -e "$BPFGUARD_PINS/lsm" ] || fail "some of it is left"
	trying OK socket 17 3 0
	"$bpfguard" unload --yes > "$W/out" 2>&1 || fail "$(< "$W/out")"
	kill "$filler"
	eventually room_again
fi

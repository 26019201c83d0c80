#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From `make install` to a machine that boots with the guard: the real units under the real systemd,
# Debian's Docker with the systemd cgroup driver, a reboot, and a boot with a broken policy.
#
#   tests/boot/run.sh [TEST...]       env BUILD=build directory; BOOT_BASE=a Debian made before
#
# Each test_* says `fail` when a claim does not hold. They follow each other on one little VM.
set -u
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/boot/vm.sh
. tests/boot/vm.sh
export PATH=$PATH:/usr/sbin:/sbin
trap boot_clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
passed=0 failed=0 skipped=0
mkdir "$BOOT_DIR" || exit 2

fail() {
	echo "     $*" >&2
	touch "$BOOT_DIR/failed"
}
same() { # WHAT EXPECTED GOT
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '${3:0:400}'"
}
has() { # WHAT WORD TEXT
	[[ $3 = *"$2"* ]] || fail "$1: '$2' is not in '${3:0:400}'"
}
must() { # CMD...
	local out
	out=$("$@" 2>&1) || fail "'$*' ended with $?: ${out:0:400}"
}
must_not() { # CMD...
	local out
	! out=$("$@" 2>&1) || fail "'$*' did not fail: ${out:0:400}"
}
run() { # TEST...: in this shell, so that they share the VM
	local name t0
	for name in "$@"; do
		t0=$SECONDS
		rm -f "$BOOT_DIR/failed"
		"test_$name"
		if [ -e "$BOOT_DIR/failed" ]; then
			echo "FAIL $name ($((SECONDS - t0)) s)"
			failed=$((failed + 1))
		else
			echo "ok $name ($((SECONDS - t0)) s)"
			passed=$((passed + 1))
		fi
	done
}
finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ] && [ $passed -gt 0 ]
	exit
}
skip_rest() { # WHY
	echo "skip boot: $*"
	skipped=$((skipped + 1))
	finish
}

# ---- what the tests ask
policy() { # [more networks in local]
	cat > "$BOOT_ROOT/etc/bpfguard/policy.yaml" <<- END
	version: 1
	guards:
	  - name: vpn
	    cgroup: bpfguard.slice
	    gateway: {address: [172.30.0.2]}
	    local: [172.30.0.0/24${1:+, $1}]
	END
}
log=/var/log/bpfguard/denied.jsonl
denied() { # records of the container in the denied stream
	grep -c '"name":"boxed"' "$BOOT_ROOT$log" 2> /dev/null
}
more_denied() { # THAN
	[ "$(denied)" -gt "$1" ]
}
prop() { # UNIT PROPERTY
	vm systemctl show --value -p "$2" "$1"
}
journal() { # UNIT: what it said since the VM was switched on (`-b` is the machine's own boot)
	vm journalctl -o cat --no-pager --since "@$boot_time" -u "$1" _TRANSPORT=stdout
}
main_pid() { # of the container
	vm docker inspect -f '{{.State.Pid}}' boxed
}
still_denied() { # the container goes on to be refused, and nothing of it was seen outside
	local n
	n=$(denied)
	wait_for "a further denial ($1)" 10 more_denied "${n:-0}" || fail "$1: no further denial"
	same "packets outside, $1" 0 "$(outside 4444)"
}
control_seen() { # what is not guarded does get out, so `outside` can see
	vm docker run --rm app bash -c ': > /dev/tcp/198.51.100.1/4445' > /dev/null 2>&1
	[ "$(outside 4445)" -gt 0 ] || fail "control: an unguarded container was not seen outside"
}

# The little VM is one by a cgroup namespace, which load refuses unless told; its systemd and Docker
# live below that namespace's root, so it is what the guard must cover here.
accept_the_vm() {
	local dir=$BOOT_ROOT/etc/systemd/system/bpfguard.service.d verb
	mkdir -p "$dir"
	{
		echo '[Service]'
		for verb in Start:load Reload:reload; do
			echo "Exec${verb%:*}="
			echo "Exec${verb%:*}=/usr/sbin/bpfguard ${verb#*:} --accept-missing=host-cgroup"
		done
	} > "$dir/accept.conf"
}

# ---- the tests, in their order
test_install() {
	must make -s install B="${BUILD:-build}" DESTDIR="$BOOT_DIR/dest" PREFIX=/usr
	must_not grep -r '@[A-Z]*@' "$BOOT_DIR/dest/usr/lib/systemd"
	for f in sbin/bpfguard lib/systemd/system/bpfguard.{service,slice} \
		lib/systemd/system/bpfguard-log.service share/man/man8/bpfguard.8; do
		[ -s "$BOOT_DIR/dest/usr/$f" ] || fail "/usr/$f is missing"
	done
	# the units start what was installed
	has "ExecStart" "ExecStart=/usr/sbin/bpfguard load" \
		"$(cat "$BOOT_DIR/dest/usr/lib/systemd/system/bpfguard.service")"
}

test_units_verify() {
	same "systemd-analyze verify" "" "$(vm systemd-analyze --man=no verify \
		/usr/lib/systemd/system/bpfguard.{service,slice} \
		/usr/lib/systemd/system/bpfguard-{log,monitor}.service 2>&1)"
}

test_guard_before_docker() {
	local guard docker
	same "bpfguard.service" active "$(prop bpfguard.service ActiveState)"
	same "bpfguard-log.service" active "$(prop bpfguard-log.service ActiveState)"
	same "docker.service" active "$(prop docker.service ActiveState)"
	guard=$(prop bpfguard.service ActiveEnterTimestampMonotonic)
	docker=$(prop docker.service ExecMainStartTimestampMonotonic)
	[ "${guard:-0}" -gt 0 ] && [ "$guard" -lt "${docker:-0}" ] ||
		fail "guard in force at '$guard' us, Docker started at '$docker' us"
	must vm bpfguard status
	has "accepted hole" 'accepted":["host-cgroup"]' "$(vm bpfguard status --json)"
	has "load without the option" "is not the machine's root cgroup" "$(vm bpfguard load 2>&1)"
	same "cgroup driver" systemd "$(vm docker info -f '{{.CgroupDriver}}')"
	same "the slice's cgroup" /bpfguard.slice "$(prop bpfguard.slice ControlGroup)"
}

test_container() {
	local id
	# shellcheck disable=SC2046 # one library a word
	tar -C "$BOOT_ROOT" -ch bin/busybox bin/bash $(chroot "$BOOT_ROOT" ldd /bin/bash |
		grep -o '/[^ ]*' | cut -c 2-) | vm docker import - app > /dev/null || fail "no image"
	vm docker run -d --name boxed --restart always --cgroup-parent bpfguard.slice app bash -c \
		'while :; do : > /dev/tcp/198.51.100.1/4444; busybox sleep 1; done' > /dev/null || # poll
		fail "the container does not start"
	id=$(vm docker inspect -f '{{.Id}}' boxed)
	same "cgroup" "0::/bpfguard.slice/docker-$id.scope" \
		"$(vm grep ^0: "/proc/$(main_pid)/cgroup")"
	still_denied "in a new container"
	has "its first attempt" "No route to host" "$(vm docker logs boxed 2>&1 | head -1)"
	has status boxed "$(vm bpfguard status)"
	control_seen
	same "packets outside, after the control" 0 "$(outside 4444)"
}

test_log() {
	local line pid
	wait_for "the journal" 5 eval 'journal bpfguard-log.service | grep -q boxed'
	line=$(journal bpfguard-log.service | grep -m1 boxed)
	has "the journal's line" next_hop "$line"
	has "the journal's line" 198.51.100.1:4444 "$line"
	has "priority warning" boxed "$(vm journalctl -p warning..warning -u bpfguard-log -o cat)"
	line=$(grep -m1 '"name":"boxed"' "$BOOT_ROOT$log")
	for word in '"reason":"next_hop"' '"dst":"198.51.100.1"' '"comm":"bash"' \
		"\"cgroup\":\"/bpfguard.slice/docker-"; do
		has "the file's line" "$word" "$line"
	done
	pid=$(prop bpfguard-log.service MainPID)
	must vm systemctl restart bpfguard-log.service
	[ "$pid" != "$(prop bpfguard-log.service MainPID)" ] || fail "restart: the same process"
	still_denied "after a restart of the log service"
	mv "$BOOT_ROOT$log" "$BOOT_ROOT$log.old"
	must vm systemctl kill -s HUP bpfguard-log.service
	still_denied "after HUP"
	pid=$(prop bpfguard-log.service MainPID)
	mv "$BOOT_ROOT$log" "$BOOT_ROOT$log.old"
	must vm systemctl reload bpfguard-log.service
	still_denied "after systemctl reload"
	same "process after reload" "$pid" "$(prop bpfguard-log.service MainPID)"
	must_not grep -E '"lost":[1-9]' "$BOOT_ROOT$log" "$BOOT_ROOT$log.old"
}

test_stop_takes_nothing_away() {
	local pid
	pid=$(main_pid)
	must_not vm systemctl stop bpfguard.service
	must_not vm systemctl restart bpfguard.service
	same "docker.service after systemctl stop" active "$(prop docker.service ActiveState)"
	must vm bpfguard status
	same "container after systemctl stop" "$pid" "$(main_pid)"
	still_denied "after systemctl stop bpfguard"
	vm systemctl kill -s KILL bpfguard-log.service
	wait_for "the log service" 10 vm systemctl is-active bpfguard-log.service
	still_denied "after the log service was killed"
}

test_reload() {
	policy 172.17.0.0/16
	must vm systemctl reload bpfguard.service
	has "why after reload" "verdict  allow" "$(vm bpfguard why boxed 172.17.0.1:80/tcp)"
	echo 'version: 2' > "$BOOT_ROOT/etc/bpfguard/policy.yaml"
	must_not vm systemctl reload bpfguard.service
	same "bpfguard.service after a bad reload" active "$(prop bpfguard.service ActiveState)"
	same "docker.service after a bad reload" active "$(prop docker.service ActiveState)"
	has "why after a bad reload" "verdict  allow" "$(vm bpfguard why boxed 172.17.0.1:80/tcp)"
	still_denied "after reload"
	policy
	must vm systemctl reload bpfguard.service
	has "why after reload" "verdict  deny" "$(vm bpfguard why boxed 172.17.0.1:80/tcp)"
}

test_monitor() { # a watched gateway that is not there: closed, said, and the daemon always back
	local pid
	must vm systemctl enable --now bpfguard-monitor.service
	same "bpfguard-monitor.service" active "$(prop bpfguard-monitor.service ActiveState)"
	policy
	sed -i 's/gateway: {/gateway: {container: gw, /' "$BOOT_ROOT/etc/bpfguard/policy.yaml"
	must vm systemctl reload bpfguard.service
	wait_for "the monitor's word" 20 eval 'vm bpfguard status | grep -q "there is no such container"'
	has "state" no_gateway "$(vm bpfguard status)"
	pid=$(prop bpfguard-monitor.service MainPID)
	vm systemctl kill -s KILL bpfguard-monitor.service
	wait_for "the monitor" 10 eval \
		'! [[ "$pid 0" = *$(prop bpfguard-monitor.service MainPID)* ]]' ||
		fail "the monitor is not started again"
	wait_for "its readiness" 10 vm systemctl is-active bpfguard-monitor.service
	must vm bpfguard audit verify
	still_denied "after the monitor was killed"
	policy
	must vm systemctl reload bpfguard.service
}

test_reboot() { # the container comes back with Docker, and its guard before it
	local before ready
	boot_down || fail "does not power off"
	before=$(denied)
	boot_up || fail "does not boot again"
	test_guard_before_docker
	ready=$(prop bpfguard-monitor.service ActiveEnterTimestampMonotonic)
	[ "${ready:-0}" -gt 0 ] &&
		[ "$ready" -lt "$(prop docker.service ExecMainStartTimestampMonotonic)" ] ||
		fail "the monitor was ready at '$ready' us, after Docker started"
	wait_for "the container" 20 more_denied "$before" || fail "no denial after the reboot"
	still_denied "after a reboot"
	control_seen
	same "packets outside, after the control" 0 "$(outside 4444)"
}

test_slice_stays() {
	vm docker rm -f boxed > /dev/null 2>&1
	must vm systemctl daemon-reload
	must vm systemctl daemon-reexec
	wait_for "systemd" 10 boot_is_up
	must vm test -d /sys/fs/cgroup/bpfguard.slice
	same "bpfguard.slice" active "$(prop bpfguard.slice ActiveState)"
	must vm bpfguard status
	same "problems" "" "$(vm bpfguard status --json | grep -o '"problems": *\[[^]]' )"
}

test_slice_stopped() { # whoever stops the slice stops Docker; Docker's start raises the guard first
	must vm systemctl stop bpfguard.slice
	same "docker.service without the slice" inactive "$(prop docker.service ActiveState)"
	must_not vm bpfguard status
	must vm systemctl start docker.service
	must vm bpfguard status
}

test_no_docker_without_guard() {
	local kind word
	for kind in broken missing; do
		boot_down || fail "does not power off"
		if [ $kind = broken ]; then
			echo '    mod: audit' >> "$BOOT_ROOT/etc/bpfguard/policy.yaml"
			word="did you mean 'mode'?"
		else
			rm "$BOOT_ROOT/etc/bpfguard/policy.yaml"
			word="No such file"
		fi
		boot_up || fail "does not boot"
		same "bpfguard.service, policy $kind" failed "$(prop bpfguard.service ActiveState)"
		wait_for "the journal" 5 eval 'journal bpfguard.service | grep -q .'
		has "journal, policy $kind" "$word" "$(journal bpfguard.service)"
		# each start of Docker tries again, and says the same
		same "lines in the journal, policy $kind" 1 "$(journal bpfguard.service | sort -u | wc -l)"
		must_not vm timeout 20 docker info
		[ "$(prop docker.service ActiveState)" != active ] || fail "Docker runs, policy $kind"
	done
	policy
	vm systemctl reset-failed
	must vm systemctl start docker.service
	must vm bpfguard status
}

run install
command -v debootstrap > /dev/null || skip_rest "debootstrap is missing (packaging/deps.sh test)"
[ "$(id -u)" = 0 ] || skip_rest "needs root"
if [ -n "${BOOT_BASE:-}" ]; then
	cp -a --reflink=auto "$BOOT_BASE" "$BOOT_ROOT" || exit 2
elif ! boot_make "$BOOT_ROOT"; then
	skip_rest "debootstrap: $(tail -1 "$BOOT_DIR/debootstrap.log")"
fi
cp -a "$BOOT_DIR/dest/." "$BOOT_ROOT/" || exit 2
mkdir -p "$BOOT_ROOT/etc/bpfguard"
policy
accept_the_vm
must chroot "$BOOT_ROOT" systemctl -q enable bpfguard.service bpfguard-log.service docker.service
boot_up || { echo "FAIL boot"; failed=1; finish; }
run units_verify guard_before_docker container log stop_takes_nothing_away reload monitor reboot slice_stays \
	slice_stopped no_docker_without_guard
finish

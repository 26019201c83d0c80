#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line as a user meets it: help, versions, exit codes, completion, man pages, install.
# Needs no guard. run.sh; env BPFGUARD=binary, BUILD=build directory.
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${BPFGUARD:-build/bpfguard}
export PATH=$PATH:/usr/sbin
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
export BPFGUARD_PINS=/sys/fs/bpf/bg-cli-$$ BPFGUARD_RUN=$tmp/run BPFGUARD_LOG=$tmp/log
export BPFGUARD_DOCKER=$tmp/no.sock
cp "$B" "$tmp/bpfguard" # the tree may stand where only root can go
chmod 755 "$tmp"
passed=0 failed=0

t() { # NAME CONDITION...: the rest is a command that must succeed
	local name=$1
	shift
	if "$@" > "$tmp/out" 2> "$tmp/err"; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name"
		sed 's/^/    /' "$tmp/out" "$tmp/err" | head -20
	fi
}
exits() { # CODE COMMAND...
	local want=$1 got
	shift
	"$@" < /dev/null > "$tmp/o" 2> "$tmp/e"
	got=$?
	[ "$got" = "$want" ] || { echo "exit $got, wanted $want: $*"; cat "$tmp/o" "$tmp/e"; return 1; }
}
one_error() { # CODE WORD COMMAND...: exactly one line on stderr, `bpfguard: ...`, with WORD in it
	local code=$1 word=$2
	shift 2
	exits "$code" "$@" || return 1
	[ "$(wc -l < "$tmp/e")" = 1 ] && grep -q '^bpfguard: ' "$tmp/e" && grep -qF -- "$word" "$tmp/e" ||
		{ echo "stderr was:"; cat "$tmp/e"; return 1; }
	[ ! -s "$tmp/o" ] || { echo "stdout was not empty"; return 1; }
}
verbs="load reload unload status log why policy doctor completion"

t version-is-the-file sh -c "[ \"\$($B --version)\" = \"bpfguard \$(cat VERSION)\" ]"
t help-names-every-verb sh -c "for v in $verbs; do $B --help | grep -q \"^  \$v \" || exit 1; done"
for v in $verbs; do
	t "help-$v" sh -c "$B $v --help | grep -q '^Usage: bpfguard $v'"
	t "help-is-plain-$v" sh -c "! $B $v --help | grep -q '[[:cntrl:]]'"
	t "bad-option-$v" one_error 64 "--nonsense" "$B" "$v" --nonsense
done
t no-verb-is-usage exits 64 "$B"
t unknown-verb-suggests one_error 64 "did you mean status?" "$B" statsu
t unknown-option-suggests one_error 64 "did you mean --json?" "$B" status --jsn
t option-needs-argument one_error 64 "needs an argument" "$B" load -p
t too-many-arguments one_error 64 "too many" "$B" status now
t bad-color one_error 64 "--color=pink" "$B" --color=pink status
t status-not-loaded one_error 2 "nothing is loaded" "$B" status
t status-json-not-loaded sh -c "$B status --json | jq -e '.schema==1 and .status==\"not_enforced\"'"
t unload-not-loaded one_error 2 "nothing is loaded" "$B" unload --yes
t unload-asks one_error 64 "say --yes" "$B" unload
t why-not-loaded one_error 2 "nothing is loaded" "$B" why 1 1.1.1.1:53/udp
t why-bad-destination one_error 64 "not a destination" "$B" why 1 example.org:80
t load-no-policy one_error 65 "write a policy" "$B" load -p "$tmp/none.yaml"
t load-bad-policy exits 65 "$B" load -p /dev/null
t shipped-policy-is-good exits 0 "$B" policy check packaging/policy.yaml
t shipped-policy-tests-pass exits 0 "$B" policy test packaging/policy.yaml
t doctor-not-loaded exits 2 "$B" doctor
t doctor-says-no-docker sh -c "$B doctor | grep -q 'no engine answers on $tmp/no.sock'"
t doctor-json sh -c "$B doctor --json | jq -e '.schema==1 and .verdict==\"not_enforced\" and
	.bad == ([.findings[] | select(.severity == \"bad\")] | length) and
	all(.findings[]; .severity == \"ok\" or (.why != \"\" and .remedy != \"\"))'"
t doctor-plain-in-a-pipe sh -c "! $B doctor | grep -q '[[:cntrl:]]'"
t doctor-colour-when-asked sh -c "$B --color=always doctor | grep -q '[[:cntrl:]]\['"
t doctor-bad-policy sh -c "$B doctor -p /dev/null --json | jq -e '.findings[] |
	select(.id == \"policy.file\" and .severity == \"bad\")'"
t doctor-unprivileged one_error 77 "run as root" setpriv --reuid 65534 --clear-groups "$tmp/bpfguard" doctor
t no-colour-in-a-pipe sh -c "! $B status 2>&1 | grep -q '[[:cntrl:]]\['"
t closed-stdout-is-no-crash sh -c "$B --help >&-; [ \$? -lt 126 ]"
for s in bash zsh fish; do
	if command -v $s > /dev/null; then
		t "completion-$s-parses" sh -c "$B completion $s > $tmp/c && $s -n $tmp/c"
	else
		echo "skip completion-$s-parses: no $s here"
	fi
done
t completion-bash-completes bash -c "eval \"\$($B completion bash)\"
	COMP_WORDS=(bpfguard sta); COMP_CWORD=1; _bpfguard; [ \"\${COMPREPLY[*]}\" = status ]"
t man-pages-are-clean sh -c "for f in docs/man/*.[58]; do mandoc -T lint -W warning \$f || exit 1; done"
t man-page-for-each-verb sh -c "for v in load status log why policy monitor pause audit doctor; do [ -f docs/man/bpfguard-\$v.8 ] || exit 1; done"

install_roundtrip() {
	make -s install B="${BUILD:-build}" DESTDIR="$tmp/root" PREFIX=/usr || return 1
	[ -x "$tmp/root/usr/sbin/bpfguard" ] && [ -s "$tmp/root/usr/share/man/man8/bpfguard.8" ] &&
		grep -q /usr/sbin/bpfguard "$tmp/root/usr/lib/systemd/system/bpfguard.service" || return 1
	make -s uninstall B="${BUILD:-build}" DESTDIR="$tmp/root" PREFIX=/usr || return 1
	[ -z "$(find "$tmp/root" -type f)" ] || { find "$tmp/root" -type f; return 1; }
}
t install-and-uninstall install_roundtrip

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

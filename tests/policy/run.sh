#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Golden tests of the policy: run.sh BINARY [--update]
#
# NN-name.yaml with NN-name.ok: `policy show` prints it exactly, and prints the same again when it is
# given its own output. With NN-name.err: `policy check` says exactly these lines and exits 65.
# With NN-name.test: `policy test` prints it, the exit code as its last line.
# --update writes what the binary says now; read the difference before you keep it.
set -u
export LC_ALL=C

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
	echo "usage: $0 BINARY [--update]" >&2
	exit 64
fi
bin=$(realpath "$1")
update=${2:-}
cd "$(dirname "$0")" || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

pass() {
	passed=$((passed + 1))
}

fail() {
	failed=$((failed + 1))
	echo "FAIL $1"
}

# Same bytes, or the difference is shown.
same() {
	if diff -u "$2" "$3" >"$tmp/diff"; then
		pass
	else
		fail "$1"
		cat "$tmp/diff"
	fi
}

good() {
	"$bin" policy show "$1.yaml" >"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc -eq 0 ] || { fail "$1: exit $rc"; cat "$tmp/err"; return; }
	[ "$update" = --update ] && cp "$tmp/out" "$1.ok"
	same "$1: show" "$1.ok" "$tmp/out"
	"$bin" policy show - <"$1.ok" >"$tmp/again" 2>&1
	same "$1: show is no fixed point" "$1.ok" "$tmp/again"
	if "$bin" policy check "$1.ok" >/dev/null 2>&1; then pass; else fail "$1: check of show"; fi
}

cases() {
	"$bin" policy test "$1.yaml" >"$tmp/out" 2>&1
	echo "exit $?" >>"$tmp/out"
	[ "$update" = --update ] && cp "$tmp/out" "$1.test"
	same "$1: test" "$1.test" "$tmp/out"
}

bad() {
	"$bin" policy check "$1.yaml" >"$tmp/out" 2>"$tmp/err"
	rc=$?
	[ $rc -eq 65 ] || fail "$1: exit $rc instead of 65"
	[ "$update" = --update ] && cp "$tmp/err" "$1.err"
	same "$1: check" "$1.err" "$tmp/err"
	[ -s "$tmp/err" ] || fail "$1: refused without a word"
	"$bin" policy show "$1.yaml" >"$tmp/out" 2>/dev/null
	if [ ! -s "$tmp/out" ]; then pass; else fail "$1: show prints a bad policy"; fi
}

for file in [0-9][0-9]-*.yaml; do
	name=${file%.yaml}
	if [ -e "$name.ok" ]; then
		good "$name"
	elif [ -e "$name.err" ]; then
		bad "$name"
	elif [ "$update" = --update ]; then
		if "$bin" policy check "$file" >/dev/null 2>&1; then good "$name"; else bad "$name"; fi
	else
		fail "$name: neither $name.ok nor $name.err"
	fi
	[ -e "$name.test" ] && cases "$name"
done

# The example of the manual is a policy that holds what it says.
sed -n '/^\.Bd -literal/,/^\.Ed/p' ../../docs/man/bpfguard-policy.5 | sed '1d;$d' >"$tmp/example.yaml"
if "$bin" policy test "$tmp/example.yaml" | grep -q '^6 passed, 0 failed$'; then
	pass
else
	fail "the example of bpfguard-policy(5)"
fi

"$bin" policy schema >"$tmp/schema.json" || fail "policy schema"
if python3 -c 'import jsonschema, yaml' 2>/dev/null; then
	if python3 schema.py "$tmp/schema.json"; then pass; else fail "policy schema"; fi
else
	skipped=1
	echo "skip: the schema (needs python3-jsonschema and python3-yaml)"
fi

# The codes that scripts rely on, and the forms of --json.
expect() {
	code=$1
	shift
	"$bin" policy "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	rc=$?
	if [ $rc -eq "$code" ]; then pass; else fail "policy $*: exit $rc instead of $code"; fi
}
expect 64 chek
expect 64
expect 64 check a b
expect 64 show --json 02-defaults.yaml
expect 64 schema 02-defaults.yaml
expect 65 check no-such-file.yaml
expect 65 test 21-unknown-keys.yaml
expect 0 test 02-defaults.yaml
expect 0 check --json 02-defaults.yaml
echo '{"schema":1,"ok":true,"errors":[],"more":false}' >"$tmp/want"
same "check --json of a good policy" "$tmp/want" "$tmp/out"
expect 65 check --json 37-nul.yaml
cat >"$tmp/want" <<'END'
{"schema":1,"ok":false,"errors":[{"file":"37-nul.yaml","line":2,"column":8,"what":"there is a NUL byte","todo":"a policy is a text file; remove the byte"}],"more":false}
END
same "check --json of a bad policy" "$tmp/want" "$tmp/out"
expect 1 test --json 09-failing.yaml
if grep -q '"ok":false,"file":"09-failing.yaml","passed":1,"failed":2,' "$tmp/out"; then
	pass
else
	fail "test --json: $(cat "$tmp/out")"
fi
BPFGUARD_POLICY=02-defaults.yaml expect 0 check
BPFGUARD_POLICY=37-nul.yaml expect 65 check
head -c 1048577 /dev/zero >"$tmp/big"
expect 65 check "$tmp/big"
if grep -q 'larger than 1048576 bytes' "$tmp/err"; then pass; else fail "a file over 1 MiB"; fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

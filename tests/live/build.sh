# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the programs of the live tests into $LIVE. Static, so that they run wherever they are put.

live_newer() { # PRODUCT: older than any source?
	[ -x "$1" ] && [ -z "$(find "$here" -maxdepth 1 -name '*.[ch]' -newer "$1" -print -quit)" ]
}

live_build() {
	local warn='-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla'
	local flags="-std=gnu17 -O1 -g -D_GNU_SOURCE -I$here $warn" uring=() cc=${CC:-gcc}
	cd "$here" || return 1
	if echo '#include <liburing.h>' | $cc -E - > /dev/null 2>&1; then
		uring=(-DLIVE_URING -luring)
	fi
	# shellcheck disable=SC2086
	{
		live_newer "$LIVE/capture" ||
			$cc $flags -static -o "$LIVE/capture" capture.c live.c || return 1
		live_newer "$LIVE/server" ||
			$cc $flags -static -o "$LIVE/server" server.c server_dns.c live.c || return 1
		live_newer "$LIVE/probe" ||
			$cc $flags -static -o "$LIVE/probe" probe*.c live.c "${uring[@]}" || return 1
		live_newer "$LIVE/allowprog" ||
			$cc $flags -static -o "$LIVE/allowprog" allowprog.c live.c || return 1
		live_newer "$LIVE/red" || $cc $flags -static -o "$LIVE/red" red.c live.c || return 1
		live_newer "$LIVE/resolve-glibc" ||
			$cc $flags -o "$LIVE/resolve-glibc" resolve.c || return 1
		live_newer "$LIVE/resolve-musl" || ! command -v musl-gcc > /dev/null ||
			musl-gcc -std=gnu17 -O1 -D_GNU_SOURCE -static -o "$LIVE/resolve-musl" resolve.c
	}
	cd - > /dev/null || return 1
}

# One at a time: `make test` has suites side by side that need them.
if ! { mkdir -p "$LIVE" && exec {live_lock}> "$LIVE.lock" && flock "$live_lock" && live_build; }; then
	echo "run.sh: cannot build the programs of the tests" >&2
	exit 1
fi
exec {live_lock}>&-

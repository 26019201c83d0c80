#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The check of includes must fail on a bad one.
here=$(dirname "$0")
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/policy" "$dir/events"
echo '#include "policy/policy.h"' > "$dir/policy/a.c"
"$here/includes.sh" "$dir" > /dev/null || { echo "includes_test: refused a good tree"; exit 1; }
echo '#include "base/base.h"' > "$dir/policy/b.c"
! "$here/includes.sh" "$dir" > /dev/null || { echo "includes_test: let a bad include pass"; exit 1; }
rm "$dir/policy/b.c"
echo '#include <bpf/libbpf.h>' > "$dir/events/c.c"
! "$here/includes.sh" "$dir" > /dev/null || { echo "includes_test: let libbpf pass"; exit 1; }

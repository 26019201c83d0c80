#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the property test see a difference? Breaks one comparison of the decision at a time, on the
# kernel's side only, and expects the test to fail each time.
#
#   mutate.sh PROPERTY OUTDIR COMPILE...      COMPILE... is the compiler's command up to -c
set -u

property=$1 out=$2
shift 2
mkdir -p "$out/bpf"
passed=0 failed=0

# One line a mutation: pattern of the original, what it becomes (sed, extended; '~' separates).
mutations() {
	cat <<- 'END'
		f->netns == g->host_netns\[1\]~f->netns != g->host_netns[1]
		!f->netns \|\| f->netns == g->host_netns\[0\]~f->netns == g->host_netns[0]
		now_ns < lease->until_ns~now_ns <= lease->until_ns
		lease->vpn_state != BG_VPN_UP~lease->vpn_state == BG_VPN_DOWN
		if \(g->flags & BG_G_LEASE_OFF\)~if (!(g->flags \& BG_G_LEASE_OFF))
		i < g->n_local4;~i + 1 < g->n_local4;
		i < g->n_local6;~i + 1 < g->n_local6;
		i < g->n_gw4;~i + 1 < g->n_gw4;
		i < g->n_gw6;~i + 1 < g->n_gw6;
		i < g->n_dns4;~i + 1 < g->n_dns4;
		i < g->n_dns6;~i + 1 < g->n_dns6;
		return \(g->flags & BG_G_LPM4\)~return !(g->flags \& BG_G_LPM4)
		return \(g->flags & BG_G_LPM6\)~return !(g->flags \& BG_G_LPM6)
		\| \(a\[3\] \^ b\[3\]\)~
		\(f->daddr\[3\] & l->mask\[3\]\) \^ l->addr\[3\]~0
		f->next_hop\[0\] == g->gw4\[i\]~f->next_hop[0] != g->gw4[i]
		f->nh_family == 4~f->nh_family != 6
		0xff000000u\)\) == 0~0xff000000u)) == 1
		0xa9fe0000u~0xa9ff0000u
		bg_htonl\(0xe0000000u\)\) == ~bg_htonl(0xf0000000u)) ==
		0xffc00000u~0xff800000u
		!f->daddr\[0\] && !f->daddr\[1\]\) /~!f->daddr[0]) /
		f->dport != BG_PORT_DNS &&~f->dport != BG_PORT_DNS + 1 \&\&
		f->dport == BG_PORT_DNS_TLS && ~
		return !bg_is_resolver\(g, f\);~return true;
		f->proto != BG_PROTO_UDP && f->proto != BG_PROTO_TCP~f->proto != BG_PROTO_UDP
		\(f->flags & BG_F_MALFORMED\) \|\| ~
		\(f->family != 4 && f->family != 6\)~f->family == 0
		\(g->flags & BG_G_IPV6\) && f->nh_family~f->nh_family
		BG_F_OPTIONS \| BG_F_FRAGMENT\)~BG_F_OPTIONS)
		0x7f00000bu$~0x7f00000cu
		\(f->flags & BG_F_DNS_SINGLE\) && ~
		f->proto == BG_PROTO_UDP &&$~true \&\&
		if \(!\(f->flags & BG_F_LOOPBACK\)\)~if (f->flags \& BG_F_LOOPBACK)
		if \(!\(f->flags & BG_F_ROUTE\)\)~if (false)
		\(f->flags & BG_F_ENCAP\) && ~
		!\(g->flags & \(BG_G_IPV6 \| BG_G_TUNNEL\)\)~!(g->flags \& BG_G_IPV6)
		if \(f->nh_family == 0\) \{~if (f->nh_family <= 1) {
		f->family == 6 && !g->n_gw6 \?~!g->n_gw6 ?
		BG_R_LOCAL, line\)~BG_R_LOCAL, 0)
		bg_is_martian\(f\) \|\| bg_is_local~bg_is_local
		g->generation \* BG_MAX_GUARDS \+ slot~g->generation * BG_MAX_GUARDS
		== 4 \? 96 : 192~== 4 ? 95 : 192
		== 4 \? 96 : 192~== 4 ? 96 : 191
		if \(!bg_is_plain_proto\(f\)\)~if (false)
		return f->proto == BG_PROTO_TCP \|\| f->proto == BG_PROTO_UDP~return f->proto == BG_PROTO_UDP
		f->family == 4 \? BG_PROTO_ICMP : BG_PROTO_ICMPV6~f->family == 6 ? BG_PROTO_ICMP : BG_PROTO_ICMPV6
		if \(f->proto != BG_PROTO_TCP &&$~if (f->proto == BG_PROTO_UDP \&\&
		f->hook == BG_HOOK_CONNECT4 \|\| f->hook~f->hook
		f->hook == BG_HOOK_CONNECT6\)\)~false))
	END
}

while IFS='~' read -r from to; do
	name="$from -> $to"
	for f in verdict event; do
		sed -E "s~$from~$to~" "bpf/$f.bpf.h" > "$out/bpf/$f.bpf.h"
	done
	if cmp -s bpf/verdict.bpf.h "$out/bpf/verdict.bpf.h" &&
		cmp -s bpf/event.bpf.h "$out/bpf/event.bpf.h"; then
		echo "FAIL $name: no such line any more: keep the list in step"
		failed=$((failed + 1))
	elif ! "$@" "-I$out" -I. -c tests/prog/verdict_test.bpf.c -o "$out/mutant.bpf.o" \
		2> "$out/log"; then
		echo "FAIL $name: does not compile"
		cat "$out/log"
		failed=$((failed + 1))
	elif "$property" "$out/mutant.bpf.o" "${SEED:-1}" > "$out/log" 2>&1; then
		echo "FAIL $name: not noticed"
		failed=$((failed + 1))
	elif ! grep -q 'kernel and user space differ' "$out/log"; then
		echo "FAIL $name: failed for another reason"
		cat "$out/log"
		failed=$((failed + 1))
	else
		echo "ok $name"
		passed=$((passed + 1))
	fi
done < <(mutations)
rm -rf "$out"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]

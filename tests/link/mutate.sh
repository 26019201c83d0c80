#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Breaks the link's decisions one line at a time, in a copy of the tree: the frames test must see
# each. mutate.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 2
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
cp -r Makefile VERSION base bpf cli discovery events loader monitor packaging policy tests vmlinux \
	"$tree/" || exit 1
cp -r "$1" "$tree/build" || exit 1
# what a rule no longer uses is no reason not to try it
sed -i 's/-Wextra -Werror -DBG_BPF/-DBG_BPF/' "$tree/Makefile"
passed=0 failed=0

mutations() { # FILE~WHAT~BY, sed -E
	cat <<- 'END'
		link_verdict~fr->flags & BG_L_FORWARDED\)~fr->flags \& 0)
		link_verdict~\|\| trailer\)~|| false)
		link_verdict~\(len != BG_ARP_FRAME && len~(len < BG_ARP_FRAME \&\& len
		link_verdict~a->htype\[1\] == 1~true
		link_verdict~a->ptype\[0\] == 8 && !a->ptype\[1\]~a->ptype[0] == 8
		link_verdict~a->hlen == 6 && ~
		link_verdict~a->plen == 4 && ~
		link_verdict~\(a->op\[1\] == 1 \|\| a->op\[1\] == 2\)~true
		link_verdict~bg_same_mac\(a->sha, fr->src\)~bg_same_mac(fr->src, fr->src)
		link_verdict~!g \|\| !g->generation \|\| g->abi != BG_ABI~g \&\& g->abi != BG_ABI
		link_verdict~ \| \(e->proto \^ f->proto\)~
		link_verdict~ \| \(e->addr\[0\] \^ f->daddr\[0\]\)~
		link_verdict~e->port \^ f->dport~0
		link_verdict~any_port = 0 - later~any_port = 0
		link_verdict~off = \(o->family \^ f->family\) \|~off =
		link_verdict~fits \? BG_ALLOW : BG_DENY~BG_ALLOW
		link~what >> 24~what >> 16
		link~hi >> 32 \}~hi }
		link_verdict~fr->type != BG_ETH_IP4 && fr->type != BG_ETH_IP6~false
		link_verdict~f->flags & BG_F_MALFORMED\)$~f->flags \& 0)
		link_verdict~if \(f->flags & BG_F_OPTIONS\)~if (false)
		link_verdict~BG_DENY, BG_R_LINK_HOST~BG_ALLOW, BG_R_LINK_HOST
		link_verdict~!port \|\| !\(port->flags & BG_PORT_VPN\)~!port
		link_verdict~ \|\| port->slot != slot~
		link_verdict~if \(!bg_same_mac\(fr->src, port->mac\)\)~if (false)
		link_verdict~!\(g->flags & BG_G_IPV6\)~false
		link_verdict~!\(port->flags & BG_PORT_GATEWAY\) && ~
		link_verdict~return bg_is_gateway4\(g, f->saddr\[0\]\)~return false
		link_verdict~return \(fr->flags & BG_L_CLAIM\).*~return false;
		link_verdict~if \(fr->flags & BG_L_ROUTER\)~if (false)
		link_verdict~if \(peer\)~if (true)
		link_verdict~BG_F_NEIGHBOUR\)\)$~BG_F_NEIGHBOUR) \|\| true)
		link_verdict~reason = BG_R_LINK_PROTOCOL~reason = BG_R_NONE
		link_verdict~return bg_is_group_mac\(fr->dst\)~return false
		link_verdict~return mac\[0\] & 1~return false
		frame~all \|= pad\[i\]~all = pad[i]
		frame~type == BG_ND_RA \|\| ~
		frame~ \|\| type == BG_ND_REDIRECT~
		frame~\(type == BG_ND_NA \|\|~(
		frame~\(type == BG_ND_NS &&~(false \&\&
		frame~BG_IP4_OFFSET\)~0)
		frame~f->flags \|= BG_F_FRAGMENT~f->flags |= 0
		frame~if \(!bg_is_plain_proto\(f\)\)~if (false)
		frame~case 43: .*~
		frame~case 60: .*~
		frame~\(ip.ver_ihl & 15\) < 5~false
		event~until && bpf_ktime_get_boot_ns\(\) < \*until~until \&\& *until
		event~until && bpf_ktime_get_boot_ns~false \&\& bpf_ktime_get_boot_ns
		link~ctx->ingress_ifindex~0
		link~audit \? TC_ACT_UNSPEC : TC_ACT_SHOT~TC_ACT_SHOT
		link~if \(noise\)~if (false)
		link~l.cgroup = port->cgroup~l.cgroup = 0
		link~key = \{ .slot = bg_slot \}~key = { .slot = 1 }
	END
}

while IFS='~' read -r file from to; do
	path=bpf/$file.bpf.h
	[ "$file" != link ] || path=bpf/link.bpf.c
	sed -E "s~$from~$to~" "$path" > "$tree/$path"
	name="$file: $from -> $to"
	if cmp -s "$path" "$tree/$path"; then
		echo "FAIL $name: no such line any more: keep the list in step"
		failed=$((failed + 1))
	elif ! make -C "$tree" B=build build/link-tests/frames > "$tree/log" 2>&1; then
		echo "FAIL $name: does not compile: $(grep -m 1 error "$tree/log")"
		failed=$((failed + 1))
	elif timeout 60 "$tree/build/link-tests/frames" > "$tree/log" 2>&1; then
		echo "FAIL $name: not noticed"
		failed=$((failed + 1))
	else
		echo "ok $name ($(tail -n 1 "$tree/log" | cut -c 1-100))"
		passed=$((passed + 1))
	fi
	cp -p "$path" "$tree/$path"
	touch "$tree/$path"
done < <(mutations)
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]

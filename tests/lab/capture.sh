# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Captures on the host's uplink and on the internet's end of it. A capture is closed by a marker
# packet that must be seen in it: it proves that the capture ran until then, and that what it does
# not show was not sent.

# What may leave the host: neighbour discovery, the tunnel to a VPN server, and the host's own "port
# unreachable" to a server that still looks for a gateway which is gone. And the marker.
LAB_OUTER="(host $LAB_VPN_SERVER or host $LAB_VPN_SERVER2)
	and (udp port $LAB_VPN_PORT or port $LAB_OPENVPN_PORT)"
LAB_CLEAR="not arp and not (ip6 and (dst net ff02::/16 or dst net fe80::/10))
	and not ($LAB_OUTER) and not host $LAB_MARK
	and not (icmp[icmptype] = icmp-unreach and src host $LAB_HOST_ADDR
		and (dst host $LAB_VPN_SERVER or dst host $LAB_VPN_SERVER2))"
# The first four bytes of what tests/lab/sender.c sends, which no tunnel shows.
# shellcheck disable=SC2034 # for the tests
LAB_SENT="udp and udp[8:4] = 0x62674b53"

# LAB_CAPTURE_SIDES: for a test that takes the internet's end down, `host` alone.
lab_capture_start() { # NAME
	local side interface
	for side in ${LAB_CAPTURE_SIDES:-host internet}; do
		interface=up0
		[ $side = host ] || interface=h0
		lab_spawn "capture-$1-$side" nsenter --net="/proc/$(lab_pid $side)/ns/net" -- \
			tcpdump -n -p -U --immediate-mode -B 16384 -Z root -s "${LAB_SNAP:-0}" \
			--time-stamp-precision=nano -i $interface \
			-w "$LAB/capture/$1.$side.pcap"
		lab_wait "tcpdump on $interface" 10 \
			grep -q 'listening on' "$LAB/log/capture-$1-$side.log" || return 1
	done
}

# The packets that match, a line each, which starts with when (seconds and nanoseconds, CLOCK_REALTIME).
lab_packets() { # NAME host|internet FILTER
	tcpdump -n -tt --time-stamp-precision=nano -r "$LAB/capture/$1.$2.pcap" "$3" 2> /dev/null
}

lab_marked() { # NAME SIDE
	[ -n "$(lab_packets "$1" "$2" "udp and dst host $LAB_MARK and dst port 7")" ]
}

lab_capture_stop() { # NAME
	local side pid
	lab_in host bash -c "echo end > /dev/udp/$LAB_MARK/7" || return 1
	for side in ${LAB_CAPTURE_SIDES:-host internet}; do
		lab_wait "the end marker in the capture of $side" 10 lab_marked "$1" $side || return 1
		pid=$(lab_pid "capture-$1-$side")
		kill -INT "$pid"
		lab_wait "tcpdump to end" 10 lab_gone "$pid" || return 1
		if ! grep -q '^0 packets dropped by kernel' "$LAB/log/capture-$1-$side.log"; then
			echo "lab: the capture $1 of $side lost packets" >&2
			return 1
		fi
	done
}

lab_gone() { # PID
	! kill -0 "$1" 2> /dev/null
}

# Packets in clear on the uplink or at the internet's end, a line each; none: nothing leaked.
lab_leaks() { # NAME
	lab_packets "$1" host "$LAB_CLEAR"
	lab_packets "$1" internet "$LAB_CLEAR"
}

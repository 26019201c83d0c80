// SPDX-License-Identifier: GPL-2.0-only
/* Refusals of what a monitor would follow: netns, control, uplink, link, lease, probe. */
#include "tests/unit/refuse.h"

/* The last line is the seventh: of a guard whose gateway can be watched, or cannot. */
#define WATCHED(v)                                                                                 \
	HEAD NAME CGROUP "    gateway: {address: 172.30.0.2, container: gw}\n" LOCAL v "\n"
#define NETNS(v) HEAD NAME CGROUP "    gateway: {address: 172.30.0.2, netns: /n}\n" LOCAL v "\n"
#define ALONE(v) HEAD GUARD v "\n"
#define SHARED(v)                                                                                  \
	HEAD NAME CGROUP "    gateway: {interface: tun0, container: gw}\n"                         \
			 "    dns: {server: 9.9.9.9}\n" v "\n"
#define ENDPOINT(v) WATCHED("    uplink: {endpoints: [" v "]}")
#define OUTBOUND(v) WATCHED("    uplink: {outbound: [" v "]}")
#define PROBE(v)    WATCHED("    kill_switch: {probe: {" v "}}")
#define CONTROL(v)  WITH_GATEWAY("{address: 172.30.0.2, container: gw, control: {" v "}}")

static const struct refusal refusals[] = {
	/* nothing is said without a place */
	T(2, "lease and no gateway",
	  HEAD NAME CGROUP "    local: [1.0.0.0/8, 8.0.0.0/8]\n    kill_switch: {lease: 5s}\n", 3,
	  5, "no 'gateway'", "the only way out"),
	/* gateway.netns and gateway.control */
	E("netns and container", WITH_GATEWAY("{address: 172.30.0.2, container: gw, netns: /n}"), 5,
	  51, "'netns' and 'container' both", "keep one"),
	E("relative netns", WITH_GATEWAY("{address: 172.30.0.2, netns: run/n}"), 5, 43,
	  "netns 'run/n' is not the absolute path", "/run/netns/gw"),
	E("netns is a directory", WITH_GATEWAY("{address: 172.30.0.2, netns: /run/}"), 5, 43,
	  "netns '/run/' is not the absolute path of a file", "/run/netns/gw"),
	E("empty netns", WITH_GATEWAY("{address: 172.30.0.2, netns: \"\"}"), 5, 43, "netns ''",
	  "/run/netns/gw"),
	E("misspelt netns", WITH_GATEWAY("{address: 172.30.0.2, netn: /n}"), 5, 36,
	  "unknown key 'netn'", "did you mean 'netns'?"),
	E("a misspelt netns is said once",
	  HEAD NAME CGROUP "    gateway: {address: 172.30.0.2, netn: /n}\n" LOCAL
			   "    uplink: {guard: on}\n    kill_switch: {lease: 5s}\n",
	  5, 36, "unknown key 'netn'", "did you mean"),
	E("control without a gateway to watch",
	  WITH_GATEWAY("{address: 172.30.0.2, control: {port: 1}}"), 5, 36, "'control' without",
	  "gateway.netns"),
	E("control without port", CONTROL("auth: none"), 5, 60, "control has no 'port'", "8000"),
	E("control port 0", CONTROL("port: 0"), 5, 67, "port '0'", "8000"),
	E("control port 65536", CONTROL("port: 65536"), 5, 67, "port '65536'", "8000"),
	E("control auth", CONTROL("port: 1, auth: token"), 5, 76, "auth cannot be 'token'",
	  "none or basic or apikey"),
	E("basic without secret", CONTROL("port: 1, auth: basic"), 5, 51,
	  "'auth: basic' has no secret", "secret_file"),
	E("apikey without secret", CONTROL("port: 1, auth: apikey"), 5, 51,
	  "'auth: apikey' has no secret", "secret_file"),
	E("secret without auth", CONTROL("port: 1, secret_file: /k"), 5, 51,
	  "'secret_file' says nothing", "auth: apikey"),
	E("relative secret", CONTROL("port: 1, auth: basic, secret_file: k"), 5, 96,
	  "secret_file 'k' is not the absolute path", "gluetun.key"),
	/* uplink */
	E("uplink is a word", WATCHED("    uplink: on"), 7, 13, "uplink must be a mapping",
	  "guard"),
	E("uplink guard", WATCHED("    uplink: {guard: yes}"), 7, 21, "guard cannot be 'yes'",
	  "on or off"),
	E("uplink guard of nobody", ALONE("    uplink: {guard: on}"), 7, 14, "whose uplink",
	  "gateway.container"),
	E("interface of an uplink of nobody", ALONE("    uplink: {interface: eth0}"), 7, 14,
	  "'interface' says nothing while the uplink guard is off", "gateway.container"),
	E("network with the guard off", WATCHED("    uplink: {guard: off, network: up}"), 7, 26,
	  "'network' says nothing", "guard: on"),
	E("bridge with the guard off", WATCHED("    uplink: {guard: off, bridge: br0}"), 7, 26,
	  "'bridge' says nothing", "guard: on"),
	E("endpoints with the guard off", WATCHED("    uplink: {guard: off, endpoints: auto}"), 7,
	  26, "'endpoints' says nothing", "guard: on"),
	E("outbound with the guard off", WATCHED("    uplink: {guard: off, outbound: []}"), 7, 26,
	  "'outbound' says nothing", "guard: on"),
	E("misspelt uplink key", WATCHED("    uplink: {endpoint: auto}"), 7, 14,
	  "unknown key 'endpoint' in uplink", "did you mean 'endpoints'?"),
	E("uplink network without docker", NETNS("    uplink: {network: up}"), 7, 14,
	  "'network' without 'gateway.container'", "bridge"),
	E("uplink network name", WATCHED("    uplink: {network: a/b}"), 7, 23,
	  "'a/b' is not a network name", "docker network ls"),
	E("uplink interface is the tunnel", SHARED("    uplink: {interface: tun0}"), 7, 14,
	  "'tun0' is the tunnel itself", "below the tunnel"),
	E("uplink interface too long", WATCHED("    uplink: {interface: abcdefghijklmnop}"), 7, 25,
	  "cannot be a device's name", "eth0"),
	E("bridge with a no-break space", WATCHED("    uplink: {bridge: \"a\xc2\xa0z\"}"), 7, 22,
	  "cannot be a device's name", "host's device"),
	E("bridge is lo", WATCHED("    uplink: {bridge: lo}"), 7, 22, "'lo' cannot",
	  "host's device"),
	E("bridge is auto", WATCHED("    uplink: {bridge: auto}"), 7, 22, "bridge cannot be 'auto'",
	  "leave the key out"),
	E("endpoints is empty", ENDPOINT(""), 7, 25, "endpoints is an empty list", "auto"),
	E("endpoint is a host name", ENDPOINT("vpn.example.com:51820/udp"), 7, 26,
	  "'vpn.example.com:51820/udp' is a host name", "cannot ask DNS before the tunnel"),
	E("endpoint is a short name", ENDPOINT("vpn"), 7, 26, "'vpn' is a host name", "ask DNS"),
	E("endpoint starts with digits", ENDPOINT("4vpn:1"), 7, 26, "is a host name", "ask DNS"),
	E("auto in a list", ENDPOINT("auto"), 7, 26, "'auto' stands in a list", "endpoints: auto"),
	E("endpoint without port", ENDPOINT("203.0.113.9"), 7, 26, "has no port", "51820"),
	E("endpoint without port, ipv6", ENDPOINT("\"2001:db8::1\""), 7, 26, "has no port",
	  "51820"),
	E("endpoint port 0", ENDPOINT("203.0.113.9:0"), 7, 26, "is not understood", "51820"),
	E("endpoint port 65536", ENDPOINT("203.0.113.9:65536"), 7, 26, "is not understood",
	  "51820"),
	E("endpoint of sctp", ENDPOINT("203.0.113.9:1/sctp"), 7, 26, "is not udp or tcp", "51820"),
	E("endpoint of a number", ENDPOINT("203.0.113.9:1/17"), 7, 26, "is not udp or tcp",
	  "51820"),
	E("endpoint is a mapping", ENDPOINT("{address: 203.0.113.9}"), 7, 26, "single value",
	  "51820"),
	E("endpoint is loopback", ENDPOINT("127.0.0.1:1"), 7, 26, "a loopback", "Internet"),
	E("endpoint is ::1", ENDPOINT("\"[::1]:1\""), 7, 26, "a loopback", "Internet"),
	E("endpoint is multicast", ENDPOINT("239.0.0.1:1"), 7, 26, "a multicast", "Internet"),
	E("endpoint is unspecified", ENDPOINT("0.0.0.0:1"), 7, 26, "the unspecified", "Internet"),
	E("endpoint is ::", ENDPOINT("\"[::]:1\""), 7, 26, "the unspecified", "Internet"),
	E("endpoint is link-local", ENDPOINT("169.254.1.1:1"), 7, 26, "a link-local", "Internet"),
	E("endpoint is fe80::1", ENDPOINT("\"[fe80::1]:1\""), 7, 26, "a link-local", "Internet"),
	E("endpoint twice", ENDPOINT("203.0.113.9:1, 203.0.113.9:1/udp"), 7, 41,
	  "listed twice, first at line 7", "remove it"),
	E("endpoint in local", ENDPOINT("172.30.0.2:1"), 7, 26, "inside the local network",
	  "outside"),
	E("outbound is a word", WATCHED("    uplink: {outbound: 10.0.0.0/8}"), 7, 24,
	  "must be a list", "192.168.1.0/24"),
	E("outbound /7", OUTBOUND("10.0.0.0/7"), 7, 25, "larger than a /8", "192.168.1.0/24"),
	E("outbound /31 of ipv6", OUTBOUND("\"fd00::/31\""), 7, 25, "larger than a /32", "192.168"),
	E("outbound host bits", OUTBOUND("10.0.0.1/8"), 7, 25, "bits set behind", "10.0.0.0/8"),
	E("outbound is loopback", OUTBOUND("127.0.0.0/8"), 7, 25, "no network between", "remove"),
	E("outbound twice", OUTBOUND("10.0.0.0/8, 10.0.0.0/8"), 7, 37, "listed twice", "remove it"),
	E("outbound in local", OUTBOUND("172.30.0.0/25"), 7, 25, "inside the local network",
	  "not behind the uplink"),
	/* link */
	E("link seal", WATCHED("    link: {seal: 1}"), 7, 18, "seal cannot be '1'", "on or off"),
	E("link seal of nobody", ALONE("    link: {seal: on}"), 7, 12, "whose network",
	  "gateway.container"),
	E("link seal without address", SHARED("    link: {seal: on}"), 7, 12,
	  "no VPN network to seal", "gateway.address"),
	E("link bridge without address", SHARED("    link: {bridge: br0}"), 7, 12,
	  "'bridge' says nothing", "gateway.address"),
	E("link network with the seal off", WATCHED("    link: {seal: off, network: vpn}"), 7, 23,
	  "'network' says nothing while the link seal is off", "seal: on"),
	E("link network without docker", NETNS("    link: {network: vpn}"), 7, 12,
	  "'network' without 'gateway.container'", "bridge"),
	E("misspelt link key", WATCHED("    link: {brigde: br0}"), 7, 12, "unknown key 'brigde'",
	  "did you mean 'bridge'?"),
	E("one bridge for both", WATCHED("    link: {bridge: br0}\n    uplink: {bridge: br0}"), 7,
	  12, "the same bridge 'br0'", "VPN network"),
	E("one network for both", WATCHED("    link: {network: nn}\n    uplink: {network: nn}"), 7,
	  12, "the same network 'nn'", "VPN network"),
	/* lease, on_down, probe */
	E("lease of nobody", ALONE("    kill_switch: {lease: 5s}"), 7, 19, "nobody could renew",
	  "lease: off"),
	E("stop without container", NETNS("    kill_switch: {on_down: stop}"), 7, 28,
	  "stops containers of Docker", "gateway.container"),
	E("stop without lease", WATCHED("    kill_switch: {lease: off, on_down: stop}"), 7, 40,
	  "'on_down: stop' without a lease", "lease: 5s"),
	E("probe of nobody", ALONE("    kill_switch: {probe: {every: 1s}}"), 7, 19,
	  "'probe' without a gateway", "gateway.container"),
	E("probe is a word", WATCHED("    kill_switch: {probe: off}"), 7, 26, "must be a mapping",
	  "icmp"),
	E("misspelt probe key", PROBE("evry: 1s"), 7, 27, "unknown key 'evry' in probe",
	  "did you mean 'every'?"),
	E("no probe target", PROBE("icmp: [], tcp: []"), 7, 19, "a lease without a probe target",
	  "icmp: [ADDRESS]"),
	E("default targets in local",
	  HEAD NAME CGROUP "    gateway: {address: 10.0.0.2, container: gw}\n"
			   "    local: [10.0.0.0/8, 1.0.0.0/8, 8.0.0.0/8]\n",
	  5, 5, "a lease without a probe target", "icmp: [ADDRESS]"),
	E("icmp target is a name", PROBE("icmp: one.one.one.one"), 7, 33, "is not an address",
	  "IPv4"),
	E("icmp target in local", PROBE("icmp: [172.30.0.9]"), 7, 34, "inside the local network",
	  "outside of `local`"),
	E("icmp target is loopback", PROBE("icmp: [127.0.0.1]"), 7, 34, "a loopback", "Internet"),
	E("icmp target twice", PROBE("icmp: [9.9.9.9, 9.9.9.9]"), 7, 43, "listed twice",
	  "remove it"),
	E("tcp target in local", PROBE("tcp: [\"172.30.0.9:1\"]"), 7, 33, "inside the local",
	  "outside"),
	E("tcp target is a name", PROBE("tcp: [\"a.b:443\"]"), 7, 33, "is a host name",
	  "write the address"),
	E("tcp target of udp", PROBE("tcp: [\"9.9.9.9:53/udp\"]"), 7, 33, "is not tcp",
	  "1.1.1.1:443"),
	E("tcp target without port", PROBE("tcp: [9.9.9.9]"), 7, 33, "has no port", "1.1.1.1:443"),
	E("tcp target twice", PROBE("tcp: [\"9.9.9.9:1\", \"9.9.9.9:1/tcp\"]"), 7, 46,
	  "listed twice", "remove it"),
	E("every off", PROBE("every: off"), 7, 34, "every 'off' is not a time", "200ms"),
	E("every without unit", PROBE("every: 1"), 7, 34, "every '1' is not a time", "200ms"),
};

/* The texts of the table are good but for the one thing each is about. */
static void test_base_is_good(void **state)
{
	static const char *const good[] = {
		WATCHED("    mode: enforce"),
		NETNS("    mode: enforce"),
		SHARED("    mode: enforce"),
		ENDPOINT("203.0.113.9:1, 203.0.113.9:1/tcp, 203.0.113.9:2"),
		OUTBOUND("172.16.0.0/12, 10.0.0.0/8"), /* round local, but not inside */
		WATCHED("    uplink: {endpoints: auto, interface: auto, outbound: []}"),
		WATCHED("    kill_switch: {lease: off, probe: {icmp: [], tcp: []}}"),
		CONTROL("port: 65535, auth: basic, secret_file: /k"),
	};

	(void)state;
	must_be_good(good, sizeof(good) / sizeof(good[0]));
}

REFUSE_MAIN(refusals, test_base_is_good)

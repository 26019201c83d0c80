// SPDX-License-Identifier: GPL-2.0-only
/* Every refusal of the policy room, each a test of its own: where it points and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

struct refusal {
	const char *name;
	const char *text;
	size_t len;
	unsigned int line, column;
	const char *what, *todo;
	size_t n; /* errors in all */
};

#define HEAD	"version: 1\nguards:\n"
#define NAME	"  - name: vpn\n"
#define CGROUP	"    cgroup: bpfguard.slice\n"
#define GATEWAY "    gateway: {address: 172.30.0.2}\n"
#define LOCAL	"    local: [172.30.0.0/24]\n"
#define GUARD	NAME CGROUP GATEWAY LOCAL
/* The line under test is the fourth, fifth, sixth or seventh of the file. */
#define WITH_NAME(v)	HEAD "  - name: " v "\n" CGROUP GATEWAY LOCAL
#define WITH_CGROUP(v)	HEAD NAME "    cgroup: " v "\n" GATEWAY LOCAL
#define WITH_GATEWAY(v) HEAD NAME CGROUP "    gateway: " v "\n" LOCAL
#define WITH_LOCAL(v)                                                                              \
	HEAD NAME CGROUP "    gateway: {interface: tun0}\n"                                        \
			 "    dns: {server: 9.9.9.9}\n    local: [" v "]\n"
#define WITH_DNS(v)  HEAD GUARD "    dns: " v "\n"
#define WITH_TEST(v) HEAD GUARD "    tests:\n      - " v "\n"
/* The last line is the seventh: of a guard whose gateway can be watched, or cannot. */
#define WATCHED(v)                                                                                 \
	HEAD NAME CGROUP "    gateway: {address: 172.30.0.2, container: gw}\n" LOCAL v "\n"
#define NETNS(v) HEAD NAME CGROUP "    gateway: {address: 172.30.0.2, netns: /n}\n" LOCAL v "\n"
#define ALONE(v) HEAD GUARD v "\n"
#define SHARED(v)                                                                                  \
	HEAD NAME CGROUP "    gateway: {interface: tun0, container: gw}\n"                         \
			 "    dns: {server: 9.9.9.9}\n" v "\n"
#define ENDPOINT(v)    WATCHED("    uplink: {endpoints: [" v "]}")
#define OUTBOUND(v)    WATCHED("    uplink: {outbound: [" v "]}")
#define PROBE(v)       WATCHED("    kill_switch: {probe: {" v "}}")
#define CONTROL(v)     WITH_GATEWAY("{address: 172.30.0.2, container: gw, control: {" v "}}")
#define SECOND(cgroup) HEAD GUARD "  - name: b\n    cgroup: " cgroup "\n" GATEWAY LOCAL
/* The text, the number of errors, where the first one is and what it says. */
#define T(n_, name_, text_, line_, column_, what_, todo_)                                          \
	{                                                                                          \
		.name = (name_), .text = (text_), .len = sizeof(text_) - 1, .line = (line_),       \
		.column = (column_), .what = (what_), .todo = (todo_), .n = (n_)                   \
	}
#define E(...) T(1, __VA_ARGS__)

static const struct refusal refusals[] = {
	/* bytes */
	E("nul byte", "version: 1\ngu\0ards:\n", 2, 3, "NUL byte", "remove"),
	E("not utf-8: lone continuation", "version: 1\n# ab\x80\n", 2, 5, "0x80 is not UTF-8",
	  "UTF-8"),
	E("not utf-8: overlong", "# \xc0\xaf\n", 1, 3, "0xc0 is not UTF-8", "UTF-8"),
	E("not utf-8: no continuation", "# \xe2\x28\xa1\n", 1, 3, "0xe2 is not UTF-8", "UTF-8"),
	E("not utf-8: surrogate", "# \xed\xa0\x80\n", 1, 3, "0xed is not UTF-8", "UTF-8"),
	E("not utf-8: above the last", "# \xf4\x90\x80\x80\n", 1, 3, "0xf4 is not", "UTF-8"),
	E("not utf-8: cut off", "# \xe2\x82", 1, 3, "0xe2 is not UTF-8", "UTF-8"),
	E("not utf-8: utf-16", "\xff\xfev\0", 1, 1, "0xff is not UTF-8", "UTF-8"),
	E("column counts characters", "# \xc3\xa9\xe2\x82\xac\x80\n", 1, 5, "0x80", "UTF-8"),
	E("byte order mark", "\xef\xbb\xbfversion: 1\n", 1, 1, "byte order mark", "without it"),
	E("tab in the indentation", HEAD "\t- name: vpn\n", 3, 1, "tab", "use spaces"),
	E("tab between words", HEAD GUARD "    mode:\tenforce\n", 7, 10, "tab", "use spaces"),
	E("tab in a comment", HEAD GUARD "# a\tb\tc\n", 7, 4, "tab", "use spaces"),
	E("control character", HEAD "# a\x1b[2J\n", 3, 4, "U+001B", "remove"),
	E("delete", HEAD "# a\x7f\n", 3, 4, "U+007F", "remove"),
	E("lone carriage return", HEAD "# a\rb\n", 3, 4, "U+000D", "remove"),
	E("next line character",
	  "# a\xc2\x85"
	  "b\n",
	  1, 4, "U+0085", "remove"),
	E("line separator",
	  "# a\xe2\x80\xa8"
	  "b\n",
	  1, 4, "U+2028", "remove"),
	E("right-to-left override",
	  "# a\xe2\x80\xae"
	  "b\n",
	  1, 4, "U+202E", "remove"),
	E("zero width space",
	  "# a\xe2\x80\x8b"
	  "b\n",
	  1, 4, "U+200B", "remove"),
	E("control character by escape", WITH_NAME("\"a\\x07\""), 3, 11, "control character",
	  "remove"),
	E("nul by escape", WITH_NAME("\"vpn\\0\""), 3, 11, "control character", "remove"),
	E("value of several lines", WITH_NAME("|\n      a\n      b"), 3, 11, "several lines",
	  "one line"),
	/* YAML */
	E("empty file", "", 1, 1, "no policy", "version: 1"),
	E("only a comment", "# nothing\n", 1, 1, "no policy", "version: 1"),
	E("syntax: indentation", HEAD "  - name: a\n   b: c\n", 4, 4, "not valid YAML", "column"),
	E("syntax: open bracket", "version: [1\n", 2, 1, "not valid YAML", "bracket"),
	E("syntax: open quote", "version: \"1\n", 2, 1, "not valid YAML", "close the quote"),
	E("syntax: colon in a value", "version: 1: 2\n", 1, 11, "not valid YAML", "quotes"),
	E("syntax: bare ::1 in a list", WITH_DNS("{server: [::1]}"), 7, 20, "not valid YAML",
	  "put quotes"),
	E("anchor", "version: &v 1\nguards:\n" GUARD, 1, 10, "anchor 'v'", "remove it"),
	E("anchor on a list", "version: 1\nguards: &g\n" GUARD, 2, 9, "anchor 'g'", "remove it"),
	E("alias", WITH_NAME("*v"), 3, 11, "alias 'v'", "write the value out"),
	E("tag", "version: !!int 1\nguards:\n" GUARD, 1, 10, "tag 'tag:yaml.org,2002:int'",
	  "remove it"),
	E("tag of one's own", WITH_GATEWAY("!gw {address: 172.30.0.2}"), 5, 14, "tag '!gw'",
	  "remove it"),
	E("merge key", HEAD GUARD "    <<: {mode: audit}\n", 7, 5, "merge key", "write the keys"),
	E("second document", HEAD GUARD "---\nversion: 1\n", 7, 1, "second YAML document",
	  "keep one"),
	E("directive", "%YAML 1.1\n---\n" HEAD GUARD, 1, 1, "directives", "remove the line"),
	E("tag directive", "%TAG !e! tag:e,2000:\n---\n" HEAD GUARD, 1, 1, "directives",
	  "remove the line"),
	E("a list as key", HEAD GUARD "    [a]: b\n", 7, 5, "stands as key", "one word"),
	E("nesting", "[[[[[[[[[[[[[[[[[", 1, 17, "more than 16 levels", "form of a policy"),
	/* shape */
	E("top is a list", "- version: 1\n", 1, 1, "must be a mapping", "version"),
	E("top is a word", "version\n", 1, 1, "must be a mapping", "version"),
	E("no version", "guards:\n" GUARD, 1, 1, "has no 'version'", "version: 1"),
	E("no guards", "version: 1\n", 1, 1, "has no 'guards'", "guards:"),
	E("version 2", "version: 2\nguards:\n" GUARD, 1, 10, "version '2'", "version: 1"),
	E("version in quotes", "version: \"1\"\nguards:\n" GUARD, 1, 10, "in quotes", "version: 1"),
	E("version 01", "version: 01\nguards:\n" GUARD, 1, 10, "version '01'", "version: 1"),
	E("version without value", "version:\nguards:\n" GUARD, 1, 9, "no value", "version: 1"),
	E("version is a list", "version: [1]\nguards:\n" GUARD, 1, 10, "single value", "version"),
	E("guards is a mapping", "version: 1\nguards: {a: b}\n", 2, 9, "must be a list", "name"),
	E("guards is empty", "version: 1\nguards: []\n", 2, 9, "guards is empty", "protected"),
	E("a guard is a word", HEAD "  - vpn\n", 3, 5, "the guard must be a mapping", "name"),
	E("misspelt key", HEAD GUARD "    mod: audit\n", 7, 5, "unknown key 'mod'",
	  "did you mean 'mode'?"),
	E("key of nowhere", HEAD GUARD "    zebra: 1\n", 7, 5, "unknown key 'zebra'",
	  "known here: name, cgroup, mode, gateway, local, dns, uplink, link, kill_switch"),
	E("unknown key at the top", "version: 1\nguard: []\n", 2, 1, "unknown key 'guard'",
	  "did you mean 'guards'?"),
	E("unknown key in gateway", WITH_GATEWAY("{adress: 172.30.0.2}"), 5, 15,
	  "unknown key 'adress' in gateway", "did you mean 'address'?"),
	E("unknown key in dns", WITH_DNS("{servers: 1.1.1.1}"), 7, 11, "unknown key 'servers'",
	  "did you mean 'server'?"),
	E("unknown key in kill_switch", HEAD GUARD "    kill_switch: {leese: 5s}\n", 7, 19,
	  "unknown key 'leese'", "did you mean 'lease'?"),
	E("unknown key in a test", WITH_TEST("{to: 1.1.1.1, expect: deny, reson: x}"), 8, 37,
	  "unknown key 'reson'", "did you mean 'reason'?"),
	E("duplicate key at the top", "version: 1\nversion: 1\nguards:\n" GUARD, 2, 1,
	  "'version' is here twice, first at line 1", "keep one"),
	E("duplicate key in a guard", HEAD GUARD "    name: b\n", 7, 5,
	  "'name' is here twice, first at line 3", "keep one"),
	E("duplicate key in gateway", WITH_GATEWAY("{address: 172.30.0.2, address: 172.30.0.3}"), 5,
	  36, "'address' is here twice", "keep one"),
	/* not in this version */
	E("uplink at the top", "version: 1\nuplink: x\nguards:\n" GUARD, 2, 1,
	  "unknown key 'uplink' in the policy", "known here: version, guards"),
	E("leak_check", HEAD GUARD "    leak_check: {every: 30s}\n", 7, 5,
	  "'leak_check' is not enforced", "remove it"),
	E("leak_check at the top", "version: 1\nleak_check: x\nguards:\n" GUARD, 2, 1,
	  "'leak_check' is not enforced", "remove it"),
	E("alerts", HEAD GUARD "    alerts: []\n", 7, 5, "'alerts' is not enforced", "remove it"),
	E("alerts at the top", "version: 1\nalerts: []\nguards:\n" GUARD, 2, 1,
	  "'alerts' is not enforced", "remove it"),
	/* name */
	E("no name", HEAD "  - cgroup: bpfguard.slice\n" GATEWAY LOCAL, 3, 5, "has no 'name'",
	  "name: vpn"),
	E("empty name", WITH_NAME("\"\""), 3, 11, "name '' is not", "a-z"),
	E("name without value", WITH_NAME("~"), 3, 11, "name has no value", "a-z"),
	E("name in capitals", WITH_NAME("VPN"), 3, 11, "name 'VPN'", "a-z"),
	E("name starts with a dash", WITH_NAME("-a"), 3, 11, "name '-a'", "a-z"),
	E("name with a slash", WITH_NAME("a/b"), 3, 11, "name 'a/b'", "a-z"),
	E("name twice", HEAD GUARD "  - name: vpn\n    cgroup: /b\n" GATEWAY LOCAL, 7, 5,
	  "'vpn' is used twice, first at line 3", "own name"),
	/* cgroup */
	E("no cgroup", HEAD NAME GATEWAY LOCAL, 3, 5, "has no 'cgroup'", "bpfguard.slice"),
	E("root cgroup", WITH_CGROUP("/"), 4, 13, "root cgroup", "parent"),
	E("root slice", WITH_CGROUP("-.slice"), 4, 13, "root cgroup", "parent"),
	E("empty cgroup", WITH_CGROUP("\"\""), 4, 13, "cgroup ''", "slice"),
	E("cgroup without .slice", WITH_CGROUP("bpfguard"), 4, 13, "cgroup 'bpfguard'", "slice"),
	E("cgroup is only .slice", WITH_CGROUP(".slice"), 4, 13, "cgroup '.slice'", "slice"),
	E("relative cgroup", WITH_CGROUP("a/b.slice"), 4, 13, "cgroup 'a/b.slice'", "path"),
	E("cgroup with ..", WITH_CGROUP("/a/../b"), 4, 13, "cgroup '/a/../b'", "path"),
	E("cgroup with .", WITH_CGROUP("/a/./b"), 4, 13, "cgroup '/a/./b'", "path"),
	E("cgroup with //", WITH_CGROUP("/a//b"), 4, 13, "cgroup '/a//b'", "path"),
	E("cgroup with / at the end", WITH_CGROUP("/a/"), 4, 13, "cgroup '/a/'", "path"),
	E("slice with --", WITH_CGROUP("a--b.slice"), 4, 13, "cgroup 'a--b.slice'", "slice"),
	E("slice with - first", WITH_CGROUP("-a.slice"), 4, 13, "cgroup '-a.slice'", "slice"),
	E("slice with - last", WITH_CGROUP("a-.slice"), 4, 13, "cgroup 'a-.slice'", "slice"),
	E("slice with a space", WITH_CGROUP("a b.slice"), 4, 13, "cgroup 'a b.slice'", "slice"),
	E("same cgroup", SECOND("bpfguard.slice"), 8, 5, "guarded already, at line 4",
	  "own cgroup"),
	E("same cgroup, other spelling", SECOND("/bpfguard.slice"), 8, 5,
	  "cgroup '/bpfguard.slice' is guarded already", "own cgroup"),
	E("slice inside a slice", SECOND("bpfguard-a.slice"), 8, 5, "one inside the other",
	  "side by side"),
	E("path inside a slice", SECOND("/bpfguard.slice/x"), 8, 5, "one inside the other",
	  "side by side"),
	E("outer after inner",
	  HEAD "  - name: a\n    cgroup: a-b.slice\n" GATEWAY LOCAL
	       "  - name: b\n    cgroup: a.slice\n" GATEWAY LOCAL,
	  8, 5, "one inside the other", "side by side"),
	/* mode */
	E("mode", HEAD GUARD "    mode: monitor\n", 7, 11, "mode cannot be 'monitor'",
	  "enforce or audit"),
	E("misspelt mode", HEAD GUARD "    mode: enforced\n", 7, 11, "mode cannot be 'enforced'",
	  "did you mean 'enforce'?"),
	E("mode without value", HEAD GUARD "    mode:\n", 7, 10, "mode has no value", "enforce"),
	/* gateway */
	E("no gateway", HEAD NAME CGROUP LOCAL, 3, 5, "has no 'gateway'", "address"),
	E("gateway is an address", WITH_GATEWAY("172.30.0.2"), 5, 14, "must be a mapping",
	  "address"),
	E("gateway has neither", WITH_GATEWAY("{container: gluetun}"), 5, 5,
	  "neither an address nor an interface", "address"),
	E("gateway is not an address", WITH_GATEWAY("{address: gluetun}"), 5, 24,
	  "'gluetun' is not an address", "172.30.0.2"),
	E("gateway with leading zero", WITH_GATEWAY("{address: 172.30.0.02}"), 5, 24,
	  "'172.30.0.02' is not an address", "172.30.0.2"),
	E("gateway with prefix length", WITH_GATEWAY("{address: 172.30.0.2/24}"), 5, 24,
	  "is not an address", "without a prefix length"),
	E("gateway address list is empty", WITH_GATEWAY("{address: []}"), 5, 24, "empty list",
	  "172.30.0.2"),
	E("gateway twice", WITH_GATEWAY("{address: [172.30.0.2, 172.30.0.2]}"), 5, 37,
	  "listed twice, first at line 5", "remove it"),
	E("gateway outside local", WITH_GATEWAY("{address: 172.31.0.2}"), 5, 24,
	  "inside none of the local networks", "add the network"),
	E("gateway without local", HEAD NAME CGROUP GATEWAY, 5, 24,
	  "inside none of the local networks", "add the network"),
	E("ipv6 gateway, ipv4 local", WITH_GATEWAY("{address: [\"fd00::2\"]}"), 5, 25,
	  "'fd00::2' is inside none", "add the network"),
	E("gateway is loopback", WITH_GATEWAY("{address: 127.0.0.1}"), 5, 24, "a loopback address",
	  "VPN network"),
	E("gateway is unspecified", WITH_GATEWAY("{address: 0.0.0.0}"), 5, 24, "the unspecified",
	  "VPN network"),
	E("gateway in 0.0.0.0/8", WITH_GATEWAY("{address: 0.0.0.1}"), 5, 24, "this network",
	  "VPN network"),
	E("gateway is multicast", WITH_GATEWAY("{address: 224.0.0.1}"), 5, 24, "a multicast",
	  "VPN network"),
	E("gateway is the broadcast", WITH_GATEWAY("{address: 255.255.255.255}"), 5, 24,
	  "the broadcast address", "VPN network"),
	E("gateway is reserved", WITH_GATEWAY("{address: 240.0.0.1}"), 5, 24, "a reserved address",
	  "VPN network"),
	E("gateway is link-local", WITH_GATEWAY("{address: 169.254.0.1}"), 5, 24, "a link-local",
	  "VPN network"),
	E("gateway is ::1", WITH_GATEWAY("{address: \"::1\"}"), 5, 24, "a loopback address",
	  "VPN network"),
	E("gateway is ::", WITH_GATEWAY("{address: \"::\"}"), 5, 24, "the unspecified",
	  "VPN network"),
	E("gateway is ff02::1", WITH_GATEWAY("{address: \"ff02::1\"}"), 5, 24, "a multicast",
	  "VPN network"),
	E("gateway is fe80::1", WITH_GATEWAY("{address: \"fe80::1\"}"), 5, 24, "a link-local",
	  "VPN network"),
	E("gateway is febf::1", WITH_GATEWAY("{address: \"febf::1\"}"), 5, 24, "a link-local",
	  "VPN network"),
	E("gateway is v4-mapped", WITH_GATEWAY("{address: \"::ffff:172.30.0.2\"}"), 5, 24,
	  "IPv4 address in IPv6 form", "VPN network"),
	E("gateway is v4-compatible", WITH_GATEWAY("{address: \"::172.30.0.2\"}"), 5, 24,
	  "a reserved address", "VPN network"),
	E("gateway is the network", WITH_GATEWAY("{address: 172.30.0.0}"), 5, 24,
	  "the network address of 172.30.0.0/24", "VPN network"),
	E("gateway is the network's broadcast", WITH_GATEWAY("{address: 172.30.0.255}"), 5, 24,
	  "the broadcast address of 172.30.0.0/24", "VPN network"),
	E("gateway is the subnet-router anycast",
	  HEAD NAME CGROUP "    gateway: {address: \"fd00::\"}\n    local: [\"fd00::/64\"]\n", 5,
	  24, "subnet-router anycast address of fd00::/64", "VPN network"),
	E("interface too long", WITH_GATEWAY("{interface: abcdefghijklmnop}"), 5, 26,
	  "cannot be a device's name", "tun0"),
	E("interface with a slash", WITH_GATEWAY("{interface: a/b}"), 5, 26, "'a/b' cannot",
	  "tun0"),
	E("interface with a space", WITH_GATEWAY("{interface: a b}"), 5, 26, "'a b' cannot",
	  "tun0"),
	E("interface with a colon", WITH_GATEWAY("{interface: \"a:1\"}"), 5, 26, "'a:1' cannot",
	  "tun0"),
	E("interface is lo", WITH_GATEWAY("{interface: lo}"), 5, 26, "'lo' cannot", "tun0"),
	E("interface is ..", WITH_GATEWAY("{interface: ..}"), 5, 26, "'..' cannot", "tun0"),
	E("interface is empty", WITH_GATEWAY("{interface: \"\"}"), 5, 26, "'' cannot", "tun0"),
	E("interface without resolver", WITH_GATEWAY("{interface: tun0}"), 5, 5,
	  "no resolver is known", "dns: {server: ...}"),
	E("container", WITH_GATEWAY("{address: 172.30.0.2, container: a b}"), 5, 47,
	  "'a b' is not a container name", "docker ps"),
	E("container of one letter", WITH_GATEWAY("{address: 172.30.0.2, container: a}"), 5, 47,
	  "'a' is not a container name", "docker ps"),
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
	/* local */
	E("local is a word", HEAD NAME CGROUP GATEWAY "    local: 172.30.0.0/24\n", 6, 12,
	  "must be a list", "local: [172.30.0.0/24]"),
	E("0.0.0.0/0", WITH_LOCAL("0.0.0.0/0"), 7, 13, "larger than a /8", "172.30.0.0/24"),
	E("::/0", WITH_LOCAL("\"::/0\""), 7, 13, "larger than a /32", "172.30.0.0/24"),
	E("ipv4 /7", WITH_LOCAL("10.0.0.0/7"), 7, 13, "open without the VPN", "172.30.0.0/24"),
	E("ipv6 /31", WITH_LOCAL("\"fd00::/31\""), 7, 13, "larger than a /32", "172.30.0.0/24"),
	E("host bits", WITH_LOCAL("172.30.0.5/24"), 7, 13, "bits set behind",
	  "did you mean 172.30.0.0/24?"),
	E("ipv6 host bits", WITH_LOCAL("\"fd00::1/64\""), 7, 13, "bits set behind",
	  "did you mean fd00::/64?"),
	E("no length", WITH_LOCAL("172.30.0.5"), 7, 13, "no prefix length", "172.30.0.5/32"),
	E("no length, ipv6", WITH_LOCAL("\"fd00::5\""), 7, 13, "no prefix length", "fd00::5/128"),
	E("length of 33", WITH_LOCAL("172.30.0.0/33"), 7, 13, "not ADDRESS/LENGTH", "length"),
	E("netmask", WITH_LOCAL("172.30.0.0/255.255.255.0"), 7, 13, "not ADDRESS/LENGTH", "length"),
	E("a name", WITH_LOCAL("lan"), 7, 13, "'lan' is not ADDRESS/LENGTH", "length"),
	E("loopback as local", WITH_LOCAL("127.0.0.0/8"), 7, 13, "no network between hosts",
	  "remove it"),
	E("this network as local", WITH_LOCAL("0.0.0.0/8"), 7, 13, "no network between hosts",
	  "remove it"),
	E("::1 as local", WITH_LOCAL("\"::1/128\""), 7, 13, "no network between hosts",
	  "remove it"),
	E("v4-mapped as local", WITH_LOCAL("\"::ffff:0:0/96\""), 7, 13, "no network between hosts",
	  "remove it"),
	E("local twice", WITH_LOCAL("10.0.0.0/8, 10.0.0.0/16, 10.0.0.0/8"), 7, 38,
	  "'10.0.0.0/8' is listed twice, first at line 7", "remove it"),
	E("a mapping in local", WITH_LOCAL("{a: b}"), 7, 13, "single value", "172.30.0.0/24"),
	/* dns */
	E("dns is a word", WITH_DNS("gateway"), 7, 10, "dns must be a mapping", "mode"),
	E("dns mode", WITH_DNS("{mode: none}"), 7, 17, "dns mode cannot be 'none'",
	  "gateway or local-names or strict"),
	E("dns tls", WITH_DNS("{tls: maybe}"), 7, 16, "dns tls cannot be 'maybe'", "allow or deny"),
	E("dns server is a name", WITH_DNS("{server: dns.quad9.net}"), 7, 19, "is not an address",
	  "172.30.0.2"),
	E("dns server list is empty", WITH_DNS("{server: []}"), 7, 19, "empty list", "leave"),
	E("dns server is docker's", WITH_DNS("{server: 127.0.0.11}"), 7, 19, "a loopback address",
	  "resolver"),
	E("dns server is link-local", WITH_DNS("{server: \"fe80::1\"}"), 7, 19, "a link-local",
	  "resolver"),
	E("dns server is unspecified", WITH_DNS("{server: 0.0.0.0}"), 7, 19, "the unspecified",
	  "resolver"),
	E("dns server is multicast", WITH_DNS("{server: 224.0.0.251}"), 7, 19, "a multicast",
	  "resolver"),
	E("dns server twice", WITH_DNS("{server: [9.9.9.9, 9.9.9.9]}"), 7, 29, "listed twice",
	  "remove it"),
	E("ipv6 dns server without ipv6", WITH_DNS("{server: \"2620:fe::fe\"}"), 7, 19,
	  "no IPv6 gateway", "IPv4 resolver"),
	E("ipv4 dns server without ipv4",
	  HEAD NAME CGROUP "    gateway: {address: \"fd00::2\"}\n    local: [\"fd00::/64\"]\n"
			   "    dns: {server: 9.9.9.9}\n",
	  7, 19, "no IPv4 gateway", "add an IPv4 gateway"),
	/* kill switch */
	E("kill_switch is a word", HEAD GUARD "    kill_switch: off\n", 7, 18, "must be a mapping",
	  "lease"),
	E("lease of 0s", HEAD GUARD "    kill_switch: {lease: 0s}\n", 7, 26, "'0s' is not a time",
	  "off"),
	E("lease without unit", HEAD GUARD "    kill_switch: {lease: 5}\n", 7, 26,
	  "'5' is not a time", "5s"),
	E("lease with a fraction", HEAD GUARD "    kill_switch: {lease: 1.5s}\n", 7, 26,
	  "'1.5s' is not a time", "5s"),
	E("lease below zero", HEAD GUARD "    kill_switch: {lease: -5s}\n", 7, 26,
	  "'-5s' is not a time", "5s"),
	E("on_down", HEAD GUARD "    kill_switch: {on_down: allow}\n", 7, 28,
	  "on_down cannot be 'allow'", "deny"),
	/* tests */
	E("tests is a mapping", HEAD GUARD "    tests: {a: b}\n", 7, 12, "must be a list", "to"),
	E("a test is a word", WITH_TEST("x"), 8, 9, "the test must be a mapping", "to"),
	E("a test without to", WITH_TEST("{expect: deny}"), 8, 9, "has no 'to'", "to: ADDRESS"),
	E("a test without expect", WITH_TEST("{to: 1.1.1.1}"), 8, 9, "has no 'expect'", "allow"),
	E("to a name", WITH_TEST("{to: example.org, expect: deny}"), 8, 14, "'example.org'",
	  "ADDRESS:PORT/PROTO"),
	E("to port 0", WITH_TEST("{to: 1.1.1.1:0, expect: deny}"), 8, 14, "'1.1.1.1:0'", "PORT"),
	E("via", WITH_TEST("{to: 1.1.1.1, via: moon, expect: deny}"), 8, 28, "via cannot be 'moon'",
	  "on-link"),
	E("namespace", WITH_TEST("{to: 1.1.1.1, namespace: x, expect: deny}"), 8, 34,
	  "namespace cannot be 'x'", "container or host"),
	E("vpn", WITH_TEST("{to: 1.1.1.1, vpn: x, expect: deny}"), 8, 28, "vpn cannot be 'x'",
	  "up or down"),
	E("expect", WITH_TEST("{to: 1.1.1.1, expect: drop}"), 8, 31, "expect cannot be 'drop'",
	  "allow or deny"),
	E("reason", WITH_TEST("{to: 1.1.1.1, expect: deny, reason: Next Hop}"), 8, 45,
	  "reason 'Next Hop'", "next_hop"),
	/* a key that says nothing */
	E("to without value", WITH_TEST("{to: , expect: deny}"), 8, 14, "to has no value", "PORT"),
	E("via without value", WITH_TEST("{to: 1.1.1.1, via: , expect: deny}"), 8, 28,
	  "via has no value", "on-link"),
	E("reason without value", WITH_TEST("{to: 1.1.1.1, expect: deny, reason: ~}"), 8, 45,
	  "reason has no value", "next_hop"),
	E("lease without value", HEAD GUARD "    kill_switch: {lease: null}\n", 7, 26,
	  "lease has no value", "off"),
	E("interface without value", WITH_GATEWAY("{interface: ~}"), 5, 26,
	  "interface has no value", "tun0"),
	E("container without value", WITH_GATEWAY("{address: 172.30.0.2, container: ~}"), 5, 47,
	  "container has no value", "docker ps"),
	E("dns server without value", WITH_DNS("{server: }"), 7, 19, "server has no value",
	  "leave"),
	E("key with a control character", HEAD GUARD "    \"a\\x07\": 1\n", 7, 5,
	  "control character", "remove"),
	E("key that is an alias", HEAD GUARD "    *a : 1\n", 7, 5, "alias 'a'", "write the value"),
	/* several at once, without echoes */
	T(2, "two errors in two guards",
	  HEAD "  - name: A\n" CGROUP GATEWAY LOCAL "  - name: B\n    cgroup: /b\n" GATEWAY LOCAL,
	  3, 11, "name 'A'", "a-z"),
	E("a misspelt local is said once", HEAD NAME CGROUP GATEWAY "    locals: [172.30.0.0/24]\n",
	  6, 5, "unknown key 'locals'", "did you mean 'local'?"),
	E("a bad local is said once", HEAD NAME CGROUP GATEWAY "    local: [172.30.0.5/24]\n", 6,
	  13, "bits set behind", "172.30.0.0/24"),
};

static void test_refusal(void **state)
{
	const struct refusal *r = *state;
	struct policy *p = (struct policy *)0x1;
	struct policy_errors errs;
	size_t len = r->len;
	char *exact = malloc(len ? len : 1); /* no byte behind it: the sanitizer sees an overrun */

	assert_non_null(exact);
	memcpy(exact, r->text, len);
	assert_int_equal(policy_parse(exact, len, &p, &errs), -EINVAL);
	assert_ptr_equal(p, (struct policy *)0x1);
	if (errs.n != r->n)
		policy_errors_print(&errs, r->name, stderr);
	assert_int_equal(errs.n, r->n);
	if (!strstr(errs.list[0].what, r->what) || !strstr(errs.list[0].todo, r->todo))
		fail_msg("said: %s (%s)", errs.list[0].what, errs.list[0].todo);
	assert_int_equal(errs.list[0].pos.line, r->line);
	assert_int_equal(errs.list[0].pos.column, r->column);
	policy_errors_free(&errs);
	assert_null(errs.list);
	free(exact);
}

/* The texts of the table are good but for the one thing each is about. */
static void test_base_is_good(void **state)
{
	static const char *const good[] = {
		HEAD GUARD,
		WITH_LOCAL("172.30.0.0/24"),
		SECOND("/b"),
		WITH_TEST("{to: 1.1.1.1, expect: deny}"),
		WATCHED("    mode: enforce"),
		NETNS("    mode: enforce"),
		SHARED("    mode: enforce"),
		ENDPOINT("203.0.113.9:1, 203.0.113.9:1/tcp, 203.0.113.9:2"),
		OUTBOUND("172.16.0.0/12, 10.0.0.0/8"), /* round local, but not inside */
		WATCHED("    uplink: {endpoints: auto, interface: auto, outbound: []}"),
		WATCHED("    kill_switch: {lease: off, probe: {icmp: [], tcp: []}}"),
		CONTROL("port: 65535, auth: basic, secret_file: /k"),
		SECOND("bpfguardian.slice"), /* a beginning of the name is not a parent */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct policy_errors errs;
		struct policy *p;

		assert_int_equal(policy_parse(good[i], strlen(good[i]), &p, &errs), 0);
		assert_int_equal(errs.n, 0);
		policy_errors_free(&errs);
		policy_free(p);
	}
}

#define N_REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

int main(void)
{
	static struct CMUnitTest tests[N_REFUSALS + 1];

	tests[0] = (struct CMUnitTest)cmocka_unit_test(test_base_is_good);
	for (size_t i = 0; i < N_REFUSALS; i++)
		tests[i + 1] = (struct CMUnitTest){ refusals[i].name, test_refusal, NULL, NULL,
						    (void *)&refusals[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every rule of the link, exactly: frames through the programs that `load` pinned, by
 * BPF_PROG_TEST_RUN, and after each the verdict, the one counter that must have moved, and the
 * event. A rule is a row; what is not in the row is as in the good frame of its kind.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "loader/link.h"
#include "tests/link/frame.h"
#include "tests/link/frames.h"
#include "tests/loader/instance.h"

const uint8_t own[6] = { 2, 0, 0, 0, 0, 10 }, gw[6] = { 2, 0, 0, 0, 0, 2 },
	      peer[6] = { 2, 0, 0, 0, 0, 20 }, host[6] = { 2, 0, 0, 0, 0, 1 },
	      all[6] = { 255, 255, 255, 255, 255, 255 }, mcast6[6] = { 0x33, 0x33 };

static unsigned int passed;

static int open_program(const char *place)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/tc/%u-vpn/%s", base_pins_dir(), SLOT, place);
	fd = bpf_obj_get(path);
	check(fd >= 0, "%s: %m", path);
	return fd;
}

static uint64_t counters[BG_MAX_GUARDS * BG_R_MAX], before[BG_MAX_GUARDS * BG_R_MAX];

static void read_counters(void)
{
	memcpy(before, counters, sizeof(before));
	check(!loader_read_stats(NULL, counters), "cannot read the counters");
}

static uint32_t give(const char *place, const struct frame *f, uint32_t iif)
{
	_close_ int prog = open_program(place);
	struct __sk_buff ctx = { .ingress_ifindex = iif };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);

	check(!bpf_prog_test_run_opts(prog, &opts), "%s: test run: %m", place);
	return opts.retval;
}

/* The frame's fate: verdict and the one reason that is counted. */
void expect(const char *what, const char *place, const struct frame *f, uint32_t iif,
	    uint32_t verdict, unsigned int reason)
{
	unsigned int r, at = SLOT * BG_R_MAX;
	uint32_t got;

	read_counters();
	got = give(place, f, iif);
	read_counters();
	for (r = 0; r < BG_R_MAX; r++)
		check(counters[at + r] - before[at + r] == (r == reason),
		      "%s at %s: reason %u counted %+ld, "
		      "wanted reason %u",
		      what, place, r, (long)(counters[at + r] - before[at + r]), reason);
	check(got == verdict, "%s at %s: verdict %d, wanted %d", what, place, (int)got,
	      (int)verdict);
	passed++;
}

static const char policy_text[] = "version: 1\nguards:\n  - name: other\n    cgroup: %s\n"
				  "    gateway: {address: 172.30.0.2, netns: /n}\n"
				  "    local: [172.30.0.0/24]\n    mode: audit\n"
				  "    kill_switch: {lease: off}\n  - name: vpn\n    cgroup: %s\n"
				  "    mode: %s\n    gateway: {address: [%s], netns: /n}\n"
				  "    local: [172.30.0.0/24%s]\n    kill_switch: {lease: off}\n";

static void load(const char *mode, bool v6, bool reload)
{
	char text[1024];

	snprintf(text, sizeof(text), policy_text, instance_cgroup("other"), instance_cgroup("link"),
		 mode, v6 ? "172.30.0.2, \"fd30::2\"" : "172.30.0.2", v6 ? ", \"fd30::/64\"" : "");
	load_policy(text, reload, reload ? LOADER_RELOADED : LOADER_LOADED);
}

static void fill_uplink(void)
{
	struct bg_uplink u = { .n_endpoints = 2, .n_outbound = 2 };

	u.endpoint[0] = (struct bg_endpoint){ .family = 4, .proto = 17, .port = 51820 };
	inet_pton(AF_INET, "203.0.113.1", u.endpoint[0].addr);
	u.endpoint[1] = (struct bg_endpoint){ .family = 6, .proto = 6, .port = 443 };
	inet_pton(AF_INET6, "2001:db8::1", u.endpoint[1].addr);
	u.outbound[0] = (struct bg_outbound){ .family = 4 };
	inet_pton(AF_INET, "172.31.0.0", u.outbound[0].addr);
	inet_pton(AF_INET, "255.255.255.0", u.outbound[0].mask);
	u.outbound[1] = (struct bg_outbound){ .family = 6 };
	inet_pton(AF_INET6, "fd31::", u.outbound[1].addr);
	inet_pton(AF_INET6, "ffff:ffff:ffff:ffff::", u.outbound[1].mask);
	check(!loader_write_uplink(SLOT, &u), "cannot write the uplink");
}

static struct frame udp4(const char *dst, uint16_t port)
{
	return frame_ip4(gw, host, "172.31.0.2", dst, 17, port);
}

static void uplink_rules(const char *place)
{
	static const uint8_t headers[] = { 0, 43, 51, 60, 135, 139, 140 };
	struct frame f;
	size_t i;

	f = udp4("203.0.113.1", 51820);
	ALLOWED("the endpoint", place, &f, BG_R_ENDPOINT);
	f = udp4("203.0.113.1", 51821);
	DENIED("another port", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = udp4("203.0.113.2", 51820);
	DENIED("another address", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip4(gw, host, "172.31.0.2", "203.0.113.1", 6, 51820);
	DENIED("another protocol", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip4(gw, host, "172.31.0.2", "203.0.113.1", 1, 0);
	DENIED("ICMP to the endpoint", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip4(gw, host, "172.31.0.2", "203.0.113.1", 17, 51821);
	frame_fragment4(&f, 0x2000); /* more fragments, the first */
	DENIED("a first fragment to another port", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = udp4("203.0.113.1", 51821);
	frame_fragment4(&f, 0x0010);
	ALLOWED("a later fragment", place, &f, BG_R_ENDPOINT);
	f = udp4("203.0.113.2", 51820);
	frame_fragment4(&f, 0x0010);
	DENIED("a later fragment elsewhere", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip4(gw, host, "172.31.0.2", "203.0.113.1", 1, 0);
	frame_fragment4(&f, 0x0010);
	DENIED("a later fragment of another protocol", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = udp4("203.0.113.1", 51820);
	f.len = 14 + 20 + 2;
	DENIED("a header without ports", place, &f, BG_R_MALFORMED);
	f = udp4("203.0.113.1", 51820);
	f.data[14] = 0x46;
	DENIED("IP options", place, &f, BG_R_IP_OPTIONS);
	f.data[14] = 0x44;
	DENIED("a header of 16 bytes", place, &f, BG_R_MALFORMED);
	f.data[14] = 0x65;
	DENIED("version 6 as IPv4", place, &f, BG_R_MALFORMED);
	f = udp4("172.31.0.77", 8000);
	ALLOWED("on-link", place, &f, BG_R_LOCAL);
	f = udp4("172.31.1.77", 8000);
	DENIED("next to on-link", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip6(gw, host, "fd31::2", "2001:db8::1", 6, 443);
	ALLOWED("the IPv6 endpoint", place, &f, BG_R_ENDPOINT);
	f.data[14] = 0x40;
	DENIED("version 4 as IPv6", place, &f, BG_R_MALFORMED);
	f = frame_ip6(gw, host, "fd31::2", "2001:db8::1", 44, 0);
	frame_fragment6(&f, 6, 1); /* more fragments, the first: to port 0 */
	DENIED("a first IPv6 fragment to another port", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip6(gw, host, "fd31::2", "2001:db8::2", 6, 443);
	DENIED("another IPv6 address", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip6(gw, host, "fd31::2", "ac1f:5::1", 17, 9);
	DENIED("IPv6 that begins as an IPv4 network does", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_ip6(gw, host, "fd31::2", "fd31::9", 17, 9);
	ALLOWED("on-link by IPv6", place, &f, BG_R_LOCAL);
	f = frame_ip6(gw, host, "fd31::2", "2001:db8::1", 44, 0);
	frame_fragment6(&f, 6, 8);
	ALLOWED("a later IPv6 fragment", place, &f, BG_R_ENDPOINT);
	f = frame_ip6(gw, host, "fd31::2", "2001:db8::1", 44, 0);
	frame_fragment6(&f, 60, 8);
	DENIED("an IPv6 fragment of options", place, &f, BG_R_IP_OPTIONS);
	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		f = frame_ip6(gw, host, "fd31::2", "fd31::9", headers[i], 0);
		DENIED("an extension header", place, &f, BG_R_IP_OPTIONS);
	}
	f = frame_nd(gw, mcast6, "fd31::2", "ff02::1:ff00:1", ND_NS, "fd31::1");
	ALLOWED("neighbour discovery", place, &f, BG_R_NEIGHBOUR);
	f.data[14 + 7] = 64;
	DENIED("neighbour discovery that was forwarded", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = frame_arp(gw, all, 1, "172.31.0.2", "172.31.0.1");
	ALLOWED("ARP", place, &f, BG_R_NEIGHBOUR);
	memcpy(f.data + f.len, "leak", 4);
	f.len += 4;
	DENIED("ARP with a trailer", place, &f, BG_R_LINK_PROTOCOL);
	f = frame_ip4(gw, (const uint8_t[]){ 1, 0, 0x5e, 0, 0, 251 }, "172.31.0.2", "224.0.0.251",
		      17, 5353);
	DENIED("mDNS", place, &f, BG_R_UPLINK_ELSEWHERE);
	f = udp4("203.0.113.1", 51820);
	f.data[12] = 0x88;
	DENIED("another ethertype", place, &f, BG_R_LINK_PROTOCOL);
	f.data[12] = 0x81;
	DENIED("a VLAN tag", place, &f, BG_R_LINK_PROTOCOL);
}

/* Whatever the destination: an endpoint, ARP, an on-link address. */
static void forwarded_rules(void)
{
	struct frame f[] = { udp4("203.0.113.1", 51820), udp4("172.31.0.77", 8000),
			     frame_arp(gw, all, 1, "172.31.0.2", "172.31.0.1"),
			     frame_ip6(gw, host, "fd31::2", "2001:db8::1", 6, 443) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(f); i++) {
		expect("a forwarded packet", "uplink", &f[i], LO, SHOT, BG_R_FORWARDED_UPLINK);
		check(give("uplink_bridge", &f[i], LO) == PASS, "the host's side takes all for "
								"forwarded");
	}
}

static void seal_bridge_rules(void)
{
	struct frame f[] = { frame_ip4(own, host, "172.30.0.10", "172.30.0.1", 17, 53),
			     frame_ip6(own, host, "fd30::10", "fd30::1", 17, 53),
			     frame_arp(own, all, 1, "172.30.0.10", "172.30.0.1") };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(f); i++)
		DENIED("a frame for the host", "seal_bridge", &f[i], BG_R_LINK_HOST);
}

/* ---- what is reported ---- */
struct heard {
	unsigned int n;
	struct bg_event last;
};

static void hear(const struct bg_event *ev, size_t len, void *ctx)
{
	struct heard *h = ctx;

	(void)len;
	h->n++;
	h->last = *ev;
}

static struct heard drain(void)
{
	struct heard h = { 0 };
	struct loader_ring *ring;

	check(!loader_ring_open(hear, &h, &ring), "cannot open the ring");
	loader_ring_consume(ring);
	loader_ring_free(ring);
	return h;
}

static void events(void)
{
	struct frame f = frame_ip4(own, host, "172.30.0.10", "9.9.9.9", 17, 4242);
	static const struct {
		const char *name;
		uint8_t hook;
	} places[] = { { "uplink", BG_HOOK_UPLINK },
		       { "uplink_bridge", BG_HOOK_UPLINK_BRIDGE },
		       { "seal_bridge", BG_HOOK_SEAL_BRIDGE },
		       { "seal_port", BG_HOOK_SEAL_PORT } };
	uint64_t began, windows; /* of folding: a machine may be slow */
	struct heard h;
	int i;

	drain();
	DENIED("an event", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	h = drain();
	check(h.n == 1 && h.last.hook == BG_HOOK_SEAL_PORT &&
		      h.last.reason == BG_R_LINK_UNKNOWN_MAC && h.last.verdict == BG_DENY &&
		      h.last.cgroup == 4711 && !h.last.pid && h.last.flow.ifindex == LO &&
		      h.last.flow.dport == 4242 && h.last.flow.daddr[0] == inet_addr("9.9.9.9") &&
		      !strcmp(h.last.guard, "vpn"),
	      "%u events, reason %u, hook %u, cgroup %lu", h.n, h.last.reason, h.last.hook,
	      (unsigned long)h.last.cgroup);
	began = base_now_ns(CLOCK_BOOTTIME);
	for (i = 0; i < 50; i++)
		DENIED("a repeat", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	h = drain();
	windows = (base_now_ns(CLOCK_BOOTTIME) - began) / BG_FOLD_WINDOW_NS + 1;
	check(h.n <= windows, "%u events for repeats", h.n);
	for (i = 0; i < 4; i++) {
		f = frame_ip4(own, host, "172.30.0.10", "9.9.9.9", 17, 4300 + i);
		give(places[i].name, &f, 0);
		h = drain();
		check(h.n == 1 && h.last.hook == places[i].hook, "%s: %u events, hook %u",
		      places[i].name, h.n, h.last.hook);
	}
	f = frame_ip4(own, (const uint8_t[]){ 1, 0, 0x5e, 0, 0, 251 }, "172.30.0.10", "224.0.0.251",
		      17, 5353);
	DENIED("noise", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	DENIED("noise", "seal_bridge", &f, BG_R_LINK_HOST);
	DENIED("noise", "uplink", &f, BG_R_UPLINK_ELSEWHERE);
	check(drain().n == 0, "noise made an event");
}

static void pauses(void)
{
	struct frame f = frame_ip4(own, host, "172.30.0.10", "9.9.9.9", 17, 4243);
	uint64_t now = base_now_ns(CLOCK_BOOTTIME), until;
	struct timespec ms = { .tv_nsec = 1000000 };
	static const char *const places[] = { "uplink", "uplink_bridge", "seal_bridge",
					      "seal_port" };
	size_t i;

	drain();
	check(!loader_write_pause(SLOT, now + 60000000000ull), "pause");
	for (i = 0; i < 4; i++)
		ALLOWED("paused", places[i], &f, BG_R_PAUSED);
	check(!loader_write_pause(OTHER, ~0ull - 1) && !loader_write_pause(SLOT, 0), "pause");
	DENIED("another guard's pause", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	drain();
	until = base_now_ns(CLOCK_BOOTTIME) + 300000000;
	check(!loader_write_pause(SLOT, until), "pause");
	ALLOWED("a short pause", "seal_port", &f, BG_R_PAUSED);
	check(drain().n == 0, "a pause made an event");
	while (base_now_ns(CLOCK_BOOTTIME) < until)
		nanosleep(&ms, NULL);
	DENIED("after its end", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
	check(loader_write_pause(SLOT, ~0ull) == -EINVAL, "a pause without end was taken");
}

static void modes(void)
{
	struct frame f = frame_ip4(own, host, "172.30.0.10", "9.9.9.9", 17, 4244),
		     six = frame_ip6(own, peer, "fd30::10", "fd30::20", 17, 9);
	struct heard h;

	load("audit", true, true);
	drain();
	expect("audit", "seal_port", &f, 0, PASS, BG_R_LINK_UNKNOWN_MAC);
	h = drain();
	check(h.n == 1 && h.last.verdict == BG_WOULD_DENY, "audit: %u events", h.n);
	load("enforce", false, true);
	DENIED("IPv6 without an IPv6 gateway", "seal_port", &six, BG_R_IPV6_NO_GATEWAY);
	DENIED("enforced again", "seal_port", &f, BG_R_LINK_UNKNOWN_MAC);
}

static void empty_maps(void)
{
	struct frame f = udp4("203.0.113.1", 51820);
	struct bg_uplink u;

	check(loader_read_uplink(SLOT, &u) == -ENOENT, "an uplink before it was written");
	memset(&u, 0, sizeof(u));
	u.outbound[0].family = 4; /* everywhere: another's */
	check(!loader_write_uplink(OTHER, &u), "cannot write another's uplink");
	DENIED("no uplink yet", "uplink", &f, BG_R_UPLINK_ELSEWHERE);
	DENIED("no uplink yet", "uplink_bridge", &f, BG_R_UPLINK_ELSEWHERE);
}

static void unpublished(void)
{
	char path[256];
	__u32 zero = 0;
	struct frame f[] = { udp4("203.0.113.1", 51820),
			     frame_ip4(own, peer, "172.30.0.10", "172.30.0.20", 17, 9) };
	_close_ int policy = -1;

	snprintf(path, sizeof(path), "%s/maps/bg_policy", base_pins_dir());
	policy = bpf_obj_get(path);
	check(policy >= 0 && !bpf_map_delete_elem(policy, &zero), "cannot take the policy away");
	DENIED("no policy", "uplink", &f[0], BG_R_NOT_LOADED);
	DENIED("no policy", "uplink_bridge", &f[0], BG_R_NOT_LOADED);
	DENIED("no policy", "seal_bridge", &f[1], BG_R_NOT_LOADED);
	DENIED("no policy", "seal_port", &f[1], BG_R_NOT_LOADED);
}

static int frames(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	check(!unshare(CLONE_NEWNET), "unshare: %m");
	load("enforce", true, false);
	empty_maps();
	fill_uplink();
	uplink_rules("uplink");
	uplink_rules("uplink_bridge");
	forwarded_rules();
	seal_bridge_rules();
	seal_port_rules();
	events();
	pauses();
	modes();
	unpublished();
	printf("%u frames judged as they must be\n", passed);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("frames", frames, argc, argv, 60);
}

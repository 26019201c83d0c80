// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the packet hook makes of a packet's bytes, exactly: packets through the program that `load`
 * attached, by BPF_PROG_TEST_RUN, and after each the verdict and the one counter that must have
 * moved. Such a packet has no route, so a good one is refused for that, and only for that.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "loader/internal.h"
#include "loader/link.h"
#include "tests/link/frame.h"
#include "tests/loader/instance.h"

#define HEAD	 14 /* the test run takes an Ethernet header, which the program does not see */
#define SLOT	 1  /* of the guard under test; its neighbour must not count */
#define OTHER	 0
#define NO_ROUTE BG_R_NO_ROUTE_TO_GATEWAY

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static uint64_t counters[BG_MAX_GUARDS * BG_R_MAX], before[BG_MAX_GUARDS * BG_R_MAX];
static unsigned int passed;
static int program, host, own = -1; /* network namespaces */

static void read_counters(void)
{
	memcpy(before, counters, sizeof(before));
	check(!loader_read_stats(NULL, counters), "cannot read the counters");
}

static void expect(const char *what, const struct frame *f, bool allowed, unsigned int reason)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .repeat = 1);
	unsigned int r, at = SLOT * BG_R_MAX;

	read_counters();
	check(!bpf_prog_test_run_opts(program, &opts), "%s: test run: %m", what);
	read_counters();
	for (r = 0; r < BG_R_MAX; r++)
		check(counters[at + r] - before[at + r] == (r == reason),
		      "%s: reason %u counted %+ld, wanted reason %u", what, r,
		      (long)(counters[at + r] - before[at + r]), reason);
	check(opts.retval == allowed, "%s: verdict %u, wanted %u", what, opts.retval, allowed);
	passed++;
}

#define DENIED(what, f, reason)	 expect(what, f, false, reason)
#define ALLOWED(what, f, reason) expect(what, f, true, reason)

/* In the host's namespace, as always: the guard refuses the namespace that it was loaded from. */
static void load(const char *mode, bool reload)
{
	char text[1024];

	check(own < 0 || !setns(host, CLONE_NEWNET), "setns: %m");
	snprintf(text, sizeof(text),
		 "version: 1\nguards:\n  - name: other\n    cgroup: %s\n    mode: audit\n"
		 "    gateway: {address: 172.30.0.2}\n    local: [172.30.0.0/24]\n"
		 "    kill_switch: {lease: off}\n  - name: vpn\n    cgroup: %s\n    mode: %s\n"
		 "    gateway: {address: [172.30.0.2, \"fd30::2\"]}\n"
		 "    local: [172.30.0.0/24, \"fd30::/64\"]\n    kill_switch: {lease: off}\n",
		 instance_cgroup("other"), instance_cgroup("packets"), mode);
	load_policy(text, reload, reload ? LOADER_RELOADED : LOADER_LOADED);
	check(own < 0 || !setns(own, CLONE_NEWNET), "setns: %m");
}

static void open_program(void)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	char path[256];
	_close_ int link = -1;

	snprintf(path, sizeof(path), "%s/guards/%u-vpn/egress", base_pins_dir(), SLOT);
	link = bpf_obj_get(path);
	check(link >= 0 && !bpf_obj_get_info_by_fd(link, &info, &len), "%s: %m", path);
	program = bpf_prog_get_fd_by_id(info.prog_id);
	check(program >= 0, "the attached program: %m");
}

static struct frame ip4(uint8_t proto)
{
	return frame_ip4(mac, mac, "172.30.0.10", "172.30.0.20", proto, 9);
}

static struct frame ip6(const char *to, uint8_t next)
{
	return frame_ip6(mac, mac, "fd30::10", to, next, 9);
}

static void ip4_rules(void)
{
	static const uint8_t with_ports[] = { 6, 17 };
	struct frame f = ip4(17);
	size_t i;

	DENIED("an ordinary packet", &f, NO_ROUTE);
	f.data[HEAD] = 0x46;
	DENIED("IP options", &f, BG_R_IP_OPTIONS);
	f.data[HEAD] = 0x44;
	DENIED("a header of 16 bytes", &f, BG_R_IP_OPTIONS);
	f.data[HEAD] = 0x65;
	DENIED("version 6 as IPv4", &f, BG_R_MALFORMED);
	f = ip4(17);
	frame_fragment4(&f, 0x2000);
	DENIED("more fragments", &f, BG_R_IP_OPTIONS);
	frame_fragment4(&f, 0x0001);
	DENIED("a fragment behind others", &f, BG_R_IP_OPTIONS);
	frame_fragment4(&f, 0x4000);
	DENIED("do not fragment", &f, NO_ROUTE);
	for (i = 0; i < ARRAY_SIZE(with_ports); i++) {
		f = ip4(with_ports[i]);
		f.len = HEAD + 20 + 3;
		DENIED("half of the ports", &f, BG_R_MALFORMED);
	}
	f = ip4(1);
	f.len = HEAD + 20 + 3;
	DENIED("a short ICMP message", &f, NO_ROUTE);
	f = ip4(17);
	f.data[12] = 0x88;
	f.data[13] = 0xb5;
	DENIED("another protocol than IP", &f, BG_R_MALFORMED);
}

static void ip6_rules(void)
{
	static const uint8_t options[] = { 0, 43, 44, 60, 135, 139, 140 };
	struct frame f = ip6("fd30::20", 17);
	size_t i;

	DENIED("an ordinary packet by IPv6", &f, NO_ROUTE);
	f.data[HEAD] = 0x40;
	DENIED("version 4 as IPv6", &f, BG_R_MALFORMED);
	for (i = 0; i < ARRAY_SIZE(options); i++) {
		f = ip6("fd30::20", options[i]);
		DENIED("an extension header", &f, BG_R_IP_OPTIONS);
	}
	f = ip6("fd30::20", 6);
	f.len = HEAD + 40 + 3;
	DENIED("half of the ports by IPv6", &f, BG_R_MALFORMED);
	f = ip6("fd30::20", 59);
	f.len = HEAD + 40;
	DENIED("nothing behind the header", &f, NO_ROUTE);
}

static void nd_rules(void)
{
	static const uint8_t others[] = { 132, 134, 137 };
	static const char *const far[] = { "fd30::20", "ff05::1", "fec0::1" };
	struct frame f;
	size_t i;

	f = frame_nd(mac, mac, "fd30::10", "ff02::1:ff00:20", 133, "fd30::20");
	ALLOWED("a router solicitation", &f, BG_R_NEIGHBOUR);
	f = frame_nd(mac, mac, "fd30::10", "fe80::20", 135, "fd30::20");
	ALLOWED("a solicitation", &f, BG_R_NEIGHBOUR);
	f = frame_nd(mac, mac, "fd30::10", "ff02::1", 136, "fd30::20");
	ALLOWED("an advertisement", &f, BG_R_NEIGHBOUR);
	f.data[HEAD + 7] = 64;
	DENIED("one that looks forwarded", &f, NO_ROUTE);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		f = frame_nd(mac, mac, "fd30::10", "ff02::1", others[i], "fd30::20");
		DENIED("not a host's to send", &f, NO_ROUTE);
	}
	for (i = 0; i < ARRAY_SIZE(far); i++) {
		f = frame_nd(mac, mac, "fd30::10", far[i], 135, "fd30::20");
		DENIED("a solicitation that leaves the link", &f, NO_ROUTE);
	}
	f = frame_nd(mac, mac, "fd30::10", "ff02::1", 135, "fd30::20");
	f.data[HEAD + 6] = 17;
	DENIED("a datagram that looks like a solicitation", &f, NO_ROUTE);
	f = frame_nd(mac, mac, "fd30::10", "ff02::1", 135, "fd30::20");
	f.len = HEAD + 40;
	DENIED("a solicitation without a type", &f, NO_ROUTE);
}

static struct frame mld(const char *to, uint8_t type)
{
	static const uint8_t hop_by_hop[] = { 58, 0, 5, 2, 0, 0, 1, 0 };
	struct frame f = ip6(to, 0);

	f.data[HEAD + 7] = 1;
	memcpy(f.data + HEAD + 40, hop_by_hop, sizeof(hop_by_hop));
	f.data[HEAD + 48] = type;
	return f;
}

static void mld_rules(void)
{
	static const uint8_t types[] = { 130, 131, 132, 143 }, others[] = { 129, 133, 142, 144 };
	static const struct {
		unsigned int at;
		uint8_t byte;
	} bad[] = { { HEAD + 7, 2 },
		    { HEAD + 40, 17 },
		    { HEAD + 41, 1 },
		    { HEAD + 42, 1 },
		    { HEAD + 43, 0 } };
	struct frame f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		f = mld("ff02::16", types[i]);
		ALLOWED("MLD", &f, BG_R_NEIGHBOUR);
	}
	f = mld("ff12::16", 143);
	ALLOWED("MLD to a group for a time", &f, BG_R_NEIGHBOUR);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		f = mld("ff02::16", others[i]);
		DENIED("not MLD", &f, BG_R_IP_OPTIONS);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		f = mld("ff02::16", 143);
		f.data[bad[i].at] = bad[i].byte;
		DENIED("malformed MLD", &f, BG_R_IP_OPTIONS);
	}
	f = mld("ff02::16", 143);
	f.data[HEAD + 6] = 17;
	DENIED("a datagram that looks like MLD", &f, NO_ROUTE);
	f.data[HEAD + 6] = 60;
	DENIED("MLD behind another header", &f, BG_R_IP_OPTIONS);
	f = mld("ff05::16", 143);
	DENIED("MLD beyond the link", &f, BG_R_IP_OPTIONS);
	f = mld("fd30::20", 143);
	DENIED("MLD to one", &f, BG_R_IP_OPTIONS);
	f = mld("ff02::16", 143);
	f.len = HEAD + 48;
	DENIED("MLD without a type", &f, BG_R_IP_OPTIONS);
}

/* ---- what is reported ---- */
struct heard {
	unsigned int n;
	struct bg_event_dns last;
};

static void hear(const struct bg_event *ev, size_t len, void *ctx)
{
	struct heard *h = ctx;

	h->n++;
	memset(&h->last, 0, sizeof(h->last));
	memcpy(&h->last, ev, len < sizeof(h->last) ? len : sizeof(h->last));
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
	static const uint8_t name[] = "\001a\007example";
	struct frame f = frame_ip4(mac, mac, "172.30.0.10", "9.9.9.9", 17, 4242),
		     six = frame_ip6(mac, mac, "fd30::10", "2001:db8::9", 17, 53);
	uint64_t stat[2][BG_STAT_MAX], began;
	bool slow; /* the second denial is no repeat then */
	struct heard h;

	drain();
	began = base_now_ns(CLOCK_BOOTTIME);
	DENIED("an event", &f, NO_ROUTE);
	h = drain();
	check(h.n == 1 && h.last.ev.kind == BG_EVENT_DENIED && h.last.ev.count == 1 &&
		      h.last.ev.reason == NO_ROUTE && h.last.ev.verdict == BG_DENY &&
		      h.last.ev.hook == BG_HOOK_EGRESS && h.last.ev.slot == SLOT &&
		      h.last.ev.generation == 1 && !strcmp(h.last.ev.guard, "vpn") &&
		      h.last.ev.flow.dport == 4242 && h.last.ev.flow.proto == 17,
	      "%u events, reason %u, hook %u", h.n, h.last.ev.reason, h.last.ev.hook);
	check(!loader_read_stats(stat[0], NULL), "cannot read the stream's health");
	DENIED("a repeat", &f, NO_ROUTE);
	h = drain();
	slow = base_now_ns(CLOCK_BOOTTIME) - began >= BG_FOLD_WINDOW_NS;
	check(!h.n || slow, "a repeat made an event");
	check(!loader_read_stats(stat[1], NULL), "cannot read the stream's health");
	check(slow || stat[1][BG_STAT_FOLDED] == stat[0][BG_STAT_FOLDED] + 1,
	      "a repeat is not counted");
	f = frame_ip4(mac, mac, "172.30.0.10", "9.9.9.10", 17, 4242);
	DENIED("to another", &f, NO_ROUTE);
	check(drain().n == 1, "what goes to another address is taken for a repeat");
	memcpy(six.data + HEAD + 40 + 8 + 12, name, sizeof(name));
	six.len = HEAD + 40 + 8 + 12 + sizeof(name);
	DENIED("a query", &six, NO_ROUTE);
	h = drain();
	check(h.n == 1 && h.last.ev.kind == BG_EVENT_DENIED_DNS &&
		      h.last.ev.dns_len == sizeof(name) &&
		      !memcmp(h.last.qname, name, sizeof(name)),
	      "a query's event: %u events, %u bytes of name", h.n, h.last.ev.dns_len);
}

static void pauses(void)
{
	struct frame f = frame_ip4(mac, mac, "172.30.0.10", "9.9.9.9", 17, 4243);
	uint64_t until = base_now_ns(CLOCK_BOOTTIME) + 300000000;

	drain();
	check(!loader_write_pause(OTHER, ~0ull - 1), "pause");
	DENIED("another guard's pause", &f, NO_ROUTE);
	drain();
	check(!loader_write_pause(SLOT, until), "pause");
	ALLOWED("a pause", &f, BG_R_PAUSED);
	check(!drain().n, "a pause made an event");
	while (base_now_ns(CLOCK_BOOTTIME) < until)
		sched_yield();
	DENIED("after its end", &f, NO_ROUTE);
	check(!loader_write_pause(OTHER, 0), "pause");
}

static void modes(void)
{
	struct frame f = frame_ip4(mac, mac, "172.30.0.10", "9.9.9.9", 17, 4244);
	struct heard h;

	load("audit", true);
	drain();
	ALLOWED("audit", &f, NO_ROUTE);
	h = drain();
	check(h.n == 1 && h.last.ev.verdict == BG_WOULD_DENY, "audit: %u events, verdict %u", h.n,
	      h.last.ev.verdict);
	load("enforce", true);
	DENIED("enforced again", &f, NO_ROUTE);
}

/* Nothing is published: an interrupted load, a slot that is no longer a guard's. */
static void unpublished(void)
{
	struct frame f = ip4(17), nd = frame_nd(mac, mac, "fd30::10", "ff02::1", 135, "fd30::20");
	_close_ int policy = loader_open_map("bg_policy");
	__u32 zero = 0;

	check(policy >= 0 && !bpf_map_delete_elem(policy, &zero), "cannot take the policy away");
	DENIED("no policy", &f, BG_R_NOT_LOADED);
	DENIED("no policy by IPv6", &nd, BG_R_NOT_LOADED);
}

static int packets(int argc, char **argv)
{
	struct frame f = ip4(17);

	(void)argc;
	(void)argv;
	host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	load("enforce", false);
	open_program();
	DENIED("the host's own namespace", &f, BG_R_HOST_NAMESPACE);
	check(!unshare(CLONE_NEWNET), "unshare: %m");
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	check(host >= 0 && own >= 0, "namespaces: %m");
	ip4_rules();
	ip6_rules();
	nd_rules();
	mld_rules();
	events();
	pauses();
	modes();
	unpublished();
	printf("%u packets judged as they must be\n", passed);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("packets", packets, argc, argv, 60);
}

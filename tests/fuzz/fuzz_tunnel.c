/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes as what a gateway's tunnel says of itself; the first one tells as what: wireguard-go's
 * answer, OpenVPN's configuration, its arguments, a table of sockets, the kernel's message.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.c"
#include "base/io.c"
#include "base/text.c"
#include "discovery/inside.c"
#include "discovery/links.c"
#include "discovery/netlink.c"
#include "discovery/netns.c"
#include "discovery/openvpn.c"
#include "discovery/openvpn_process.c"
#include "discovery/tunnel.c"
#include "discovery/wireguard.c"
#include "discovery/wireguard_uapi.c"

static void check(const struct discovery_tunnel *t)
{
	assert(t->n_endpoints <= DISCOVERY_MAX_ENDPOINTS);
	for (size_t i = 0; i < t->n_endpoints; i++) {
		const struct discovery_endpoint *e = &t->endpoint[i];

		assert(e->family == 4 || e->family == 6);
		assert(e->proto == IPPROTO_UDP || e->proto == IPPROTO_TCP);
		assert(e->port && (e->family == 4 ? sane4(e->addr) : sane6(e->addr)));
		assert(strnlen(e->source, sizeof(e->source)) < sizeof(e->source));
		for (const char *s = e->source; *s; s++)
			assert((unsigned char)*s >= 0x20 && *s != 0x7f);
	}
}

/* What arguments become is again a configuration, with no byte that ends it early. */
static void as_args(const char *text, size_t len, struct discovery_tunnel *t)
{
	char name[64], *lines, *file = malloc(len + 1); /* as base_read_file() leaves it */

	assert(file);
	memcpy(file, text, len);
	file[len] = '\0';
	config_of(file, len, name, sizeof(name));
	free(file);
	if (discovery_openvpn_from_args(text, len, &lines))
		return;
	assert(discovery_parse_openvpn(lines, strlen(lines), t) == 0);
	free(lines);
}

static void as_message(const char *text, size_t len, struct discovery_tunnel *t)
{
	struct nlmsghdr *nlh = calloc(1, NLMSG_HDRLEN + NLMSG_ALIGN(len)); /* padded */

	assert(nlh);
	memcpy((char *)nlh + NLMSG_HDRLEN, text, len);
	nlh->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
	discovery_wireguard_message(nlh, t);
	free(nlh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t inode[] = { 1, 200, 4711 };
	struct discovery_tunnel t = { 0 };
	const char *text = (const char *)data + 1;
	char *copy;

	if (!size)
		return 0;
	switch (data[0]) {
	case 'w':
		if (discovery_parse_wireguard_uapi(text, size - 1, &t))
			assert(!t.kind && !t.n_endpoints);
		break;
	case 'o':
		if (discovery_parse_openvpn(text, size - 1, &t))
			assert(!t.kind && !t.n_endpoints);
		break;
	case 'a': as_args(text, size - 1, &t); break;
	case 's':
		copy = strndup(text, size - 1);
		discovery_openvpn_sockets(copy, IPPROTO_TCP, inode, 3, &t);
		free(copy);
		break;
	case 'k': as_message(text, size - 1, &t); break;
	default: return 0;
	}
	check(&t);
	return 0;
}

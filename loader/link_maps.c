// SPDX-License-Identifier: GPL-2.0-only
/* The maps that the link's programs judge by. */
#include <errno.h>
#include <string.h>

#include "loader/link_internal.h"

static int write_map(const char *name, const void *key, const void *value)
{
	_close_ int map = loader_open_map(name);

	if (map < 0)
		return map;
	return bpf_map_update_elem(map, key, value, BPF_ANY) ? -errno : 0;
}

static int drop_key(const char *name, const void *key)
{
	_close_ int map = loader_open_map(name);

	if (map < 0)
		return map;
	return bpf_map_delete_elem(map, key) && errno != ENOENT ? -errno : 0;
}

int loader_write_uplink(unsigned int slot, const struct bg_uplink *uplink)
{
	struct bg_uplink u = *uplink;

	if (slot >= BG_MAX_GUARDS || uplink->n_endpoints > BG_MAX_ENDPOINTS ||
	    uplink->n_outbound > BG_MAX_OUTBOUND)
		return -EINVAL;
	/* the programs look at whole tables: a zeroed entry fits nothing, a left-over one would */
	memset(&u.endpoint[u.n_endpoints], 0,
	       (BG_MAX_ENDPOINTS - u.n_endpoints) * sizeof(u.endpoint[0]));
	memset(&u.outbound[u.n_outbound], 0,
	       (BG_MAX_OUTBOUND - u.n_outbound) * sizeof(u.outbound[0]));
	return write_map("bg_uplink", &slot, &u);
}

int loader_read_uplink(unsigned int slot, struct bg_uplink *ret)
{
	_close_ int map = loader_open_map("bg_uplink");
	struct bg_uplink u;

	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &slot, &u))
		return -errno;
	*ret = u;
	return 0;
}

int loader_write_port(unsigned int ifindex, const struct bg_port *port)
{
	struct bg_port p = *port;

	if (port->slot >= BG_MAX_GUARDS || !ifindex)
		return -EINVAL;
	memset(p.pad, 0, sizeof(p.pad));
	return write_map("bg_port", &ifindex, &p);
}

int loader_drop_port(unsigned int ifindex)
{
	return drop_key("bg_port", &ifindex);
}

/* All keys first: a walk over a map that changes begins anew. */
static int read_keys(int map, size_t size, size_t max, void **ret, size_t *ret_n)
{
	_free_ char *keys = calloc(max, size);
	void *from = NULL;
	size_t n = 0;

	if (!keys)
		return -ENOMEM;
	while (n < max && !bpf_map_get_next_key(map, from, keys + n * size))
		from = keys + n++ * size;
	*ret = keys;
	*ret_n = n;
	keys = NULL;
	return 0;
}

int loader_each_port(int (*fn)(unsigned int ifindex, const struct bg_port *port, void *ctx),
		     void *ctx)
{
	_close_ int map = loader_open_map("bg_port");
	_free_ void *keys = NULL;
	const uint32_t *ifindex;
	size_t n = 0, i;
	int err;

	if (map < 0)
		return map;
	err = read_keys(map, sizeof(*ifindex), BG_MAX_PORTS, &keys, &n);
	ifindex = keys;
	for (i = 0; !err && i < n; i++) {
		struct bg_port p;

		if (!bpf_map_lookup_elem(map, &ifindex[i], &p))
			err = fn(ifindex[i], &p, ctx);
	}
	return err;
}

static struct bg_mac_key mac_key(unsigned int slot, const uint8_t mac[6])
{
	struct bg_mac_key key = { .slot = slot };

	memcpy(key.mac, mac, sizeof(key.mac));
	return key;
}

int loader_write_mac(unsigned int slot, const uint8_t mac[6], uint32_t flags)
{
	struct bg_mac_key key = mac_key(slot, mac);

	/* a group's address would let frames pass to everybody */
	if (slot >= BG_MAX_GUARDS || (mac[0] & 1))
		return -EINVAL;
	return write_map("bg_mac", &key, &flags);
}

int loader_drop_mac(unsigned int slot, const uint8_t mac[6])
{
	struct bg_mac_key key = mac_key(slot, mac);

	return drop_key("bg_mac", &key);
}

int loader_write_pause(unsigned int slot, uint64_t until_ns)
{
	/* "for ever" is no pause, and means something else to the loader */
	if (slot >= BG_MAX_GUARDS || until_ns == ~0ull)
		return -EINVAL;
	return write_map("bg_pause", &slot, &until_ns);
}

int loader_read_pause(unsigned int slot, uint64_t *ret_until_ns)
{
	_close_ int map = loader_open_map("bg_pause");
	uint64_t until;

	if (map < 0)
		return map;
	if (bpf_map_lookup_elem(map, &slot, &until))
		return -errno;
	*ret_until_ns = until;
	return 0;
}

static int drop_port_of(unsigned int ifindex, const struct bg_port *port, void *ctx)
{
	return port->slot == *(unsigned int *)ctx ? loader_drop_port(ifindex) : 0;
}

int loader_each_mac(int (*fn)(unsigned int slot, const uint8_t mac[6], void *ctx), void *ctx)
{
	_close_ int map = loader_open_map("bg_mac");
	_free_ void *keys = NULL;
	const struct bg_mac_key *key;
	size_t n = 0, i;
	int err;

	if (map < 0)
		return map;
	err = read_keys(map, sizeof(*key), BG_MAX_MACS, &keys, &n);
	key = keys;
	for (i = 0; !err && i < n; i++)
		err = fn(key[i].slot, key[i].mac, ctx);
	return err;
}

static int drop_macs(unsigned int slot)
{
	_close_ int map = loader_open_map("bg_mac");
	_free_ void *keys = NULL;
	const struct bg_mac_key *key;
	size_t n = 0, i;
	int err;

	if (map < 0)
		return map;
	err = read_keys(map, sizeof(*key), BG_MAX_MACS, &keys, &n);
	key = keys;
	for (i = 0; !err && i < n; i++)
		if (key[i].slot == slot && bpf_map_delete_elem(map, &key[i]) && errno != ENOENT)
			err = -errno;
	return err;
}

int loader_link_clear(unsigned int slot)
{
	int err = loader_write_pause(slot, 0);

	if (!err)
		err = drop_key("bg_uplink", &slot);
	if (!err)
		err = loader_each_port(drop_port_of, &slot);
	return err ? err : drop_macs(slot);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariants I2 and I3 in the kernel: tc programs on devices, and the maps that they judge by.
 *
 * `load` makes and pins the programs and maps; whoever watches the devices (the monitor) hangs them
 * up here. All calls are idempotent. Nothing here needs libbpf's headers of the caller.
 */
#ifndef BPFGUARD_LOADER_LINK_H
#define BPFGUARD_LOADER_LINK_H

#include "loader/loader.h"

enum loader_place {
	LOADER_UPLINK,	      /* egress, in the gateway's namespace */
	LOADER_UPLINK_BRIDGE, /* ingress, on the host */
	LOADER_SEAL_BRIDGE,   /* ingress, on the host */
	LOADER_SEAL_PORT,     /* ingress, on the host */
	LOADER_PLACES,
};

const char *loader_place_name(enum loader_place where); /* "uplink", as the hook is called */

/*
 * Hangs the slot's program on a device: a tcx link (pinned below <pins>/tc/) where the kernel has
 * it, else a filter of a clsact qdisc. netns: descriptor of the device's network namespace, -1: the
 * caller's. The calling thread is back in its own namespace on return. Checked by reading back.
 */
int loader_place_attach(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex,
			struct loader_error *err);
int loader_place_detach(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex,
			struct loader_error *err);
/* Takes the records of devices that are gone away; of other namespaces only what the kernel tells.
 */
void loader_place_tidy(unsigned int slot);
/* 1: the program that `load` made runs there, 0: it does not, or -errno. Asks the kernel. */
int loader_place_check(unsigned int slot, enum loader_place where, int netns, unsigned int ifindex);

/* The maps of bpf/link.bpf.c. Each write replaces an entry whole. */
int loader_write_uplink(unsigned int slot, const struct bg_uplink *uplink);
int loader_read_uplink(unsigned int slot, struct bg_uplink *ret); /* -ENOENT: none, all denied */
int loader_write_port(unsigned int ifindex, const struct bg_port *port);
int loader_drop_port(unsigned int ifindex);
int loader_each_port(int (*fn)(unsigned int ifindex, const struct bg_port *port, void *ctx),
		     void *ctx);
int loader_write_mac(unsigned int slot, const uint8_t mac[6], uint32_t flags);
int loader_drop_mac(unsigned int slot, const uint8_t mac[6]);
int loader_each_mac(int (*fn)(unsigned int slot, const uint8_t mac[6], void *ctx), void *ctx);

/*
 * Until when (CLOCK_BOOTTIME) every program of the slot lets everything pass; 0: not paused. The
 * kernel's clock re-arms, whatever happens to user space; a reboot re-arms at once.
 */
int loader_write_pause(unsigned int slot, uint64_t until_ns);
int loader_read_pause(unsigned int slot, uint64_t *ret_until_ns);

#endif /* BPFGUARD_LOADER_LINK_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of a flow as text: shared by the JSON and the text printers. Private to the room.
 */
#ifndef BPFGUARD_EVENTS_FLOWTEXT_H
#define BPFGUARD_EVENTS_FLOWTEXT_H

#include "events/events.h"

#define FLOW_ADDR 46 /* INET6_ADDRSTRLEN */

/* "" for family 0. */
char *flow_addr(char buf[FLOW_ADDR], uint8_t family, const uint32_t addr[4]);
int flow_addr_parse(const char *text, uint8_t family, uint32_t ret[4]);
bool flow_addr_is_zero(const uint32_t addr[4]);

/*
 * tcp, udp, icmp (of the flow's own family); NULL for any other. The inverse takes a name and the
 * family; -ENOENT.
 */
const char *flow_proto_name(uint8_t family, uint8_t proto);
int flow_proto_parse(const char *name, uint8_t family, uint8_t *ret);

/* Has the call or packet a destination at all? Making a socket has none. */
bool flow_has_dst(const struct bg_flow *f);

#endif /* BPFGUARD_EVENTS_FLOWTEXT_H */

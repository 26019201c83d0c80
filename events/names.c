/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of reasons and hooks.
 *
 * Each table is a list macro, from which a switch over the enum without `default` is made: a value
 * added to bpf/bpfguard.h and forgotten here does not compile (-Wswitch, an error).
 */
#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "bpf/bpfguard.h"
#include "events/names.h"

#define REASONS(X)                                                                                 \
	X(BG_R_LOOPBACK, "loopback", "stays on the loopback of its own network namespace", NULL)   \
	X(BG_R_LOCAL, "local", "the destination is on the policy's local list and on-link", NULL)  \
	X(BG_R_GATEWAY, "gateway", "goes through the VPN gateway and the lease is valid", NULL)    \
	X(BG_R_NEIGHBOUR, "neighbour", "neighbour discovery or multicast listener report", NULL)   \
	X(BG_R_ENDPOINT, "endpoint", "the gateway's own packet to the VPN server", NULL)           \
	X(BG_R_PEER, "peer", "a frame to the gateway or to a peer of the VPN network", NULL)       \
	X(BG_R_PAUSED, "paused", "the guard is paused by the user", NULL)                          \
	X(BG_R_INTERNAL, "internal", "the guard could not reach a decision, so it denied",         \
	  "run bpfguard status; if it repeats, run bpfguard reload and report it as a bug")        \
	X(BG_R_NOT_LOADED, "not_loaded", "the guard has no policy loaded", "run bpfguard load")    \
	X(BG_R_MALFORMED, "malformed", "the packet's headers could not be read",                   \
	  "find out what made it: ordinary programs cannot; look at the process in the log")       \
	X(BG_R_HOST_NAMESPACE, "host_namespace", "sent from the host's own network namespace",     \
	  "do not use network_mode: host; attach the container to the VPN network only")           \
	X(BG_R_NEXT_HOP, "next_hop", "the route's next hop is not the VPN gateway",                \
	  "attach the container to the VPN network only, with the gateway as default route")       \
	X(BG_R_NO_ROUTE_TO_GATEWAY, "no_route_to_gateway",                                         \
	  "the packet carries no route that leads to the VPN gateway",                             \
	  "give the container the gateway as default route (ip route)")                            \
	X(BG_R_LOCAL_NOT_LISTED, "local_not_listed",                                               \
	  "the destination is on-link but not on the policy's local list",                         \
	  "if the peer is wanted, add its network to local: in the policy and reload")             \
	X(BG_R_IPV6_NO_GATEWAY, "ipv6_no_gateway", "IPv6, and the guard has no IPv6 gateway",      \
	  "give the guard an IPv6 gateway address, or switch IPv6 off in the container")           \
	X(BG_R_LEASE_EXPIRED, "lease_expired",                                                     \
	  "nobody has proved lately that the VPN tunnel is alive",                                 \
	  "check that bpfguard monitor runs; it renews the lease while the tunnel is proved "      \
	  "alive")                                                                                 \
	X(BG_R_VPN_DOWN, "vpn_down", "the VPN tunnel is down",                                     \
	  "look at the gateway container's log; traffic resumes by itself when the tunnel is up")  \
	X(BG_R_DNS_ELSEWHERE, "dns_elsewhere",                                                     \
	  "a DNS query to a resolver other than the gateway's",                                    \
	  "point the container's dns: at the gateway's resolver, or use dns: {mode: gateway}")     \
	X(BG_R_RAW_SOCKET, "raw_socket", "a raw IP socket, which can write headers that lie",      \
	  "drop the capability NET_RAW from the container")                                        \
	X(BG_R_PACKET_SOCKET, "packet_socket", "a socket that writes frames past the IP stack",    \
	  "drop the capability NET_RAW from the container")                                        \
	X(BG_R_FOREIGN_SOCKET, "foreign_socket",                                                   \
	  "a socket that was made outside of the guard and handed in",                             \
	  "let the guarded program open its own sockets; look for a unix socket shared with it")   \
	X(BG_R_FORWARDED_UPLINK, "forwarded_uplink",                                               \
	  "a forwarded packet on its way out of the gateway's uplink, past the tunnel",            \
	  "check that the gateway's tunnel is up and its routes lead into it")                     \
	X(BG_R_IP_OPTIONS, "ip_options", "the packet has IP options or IPv6 extension headers",    \
	  "switch off source routing or record route in the program; nothing else needs options")  \
	X(BG_R_MARTIAN, "martian", "an address of the packet cannot be right on this route",       \
	  "look at the process in the log: ordinary programs do not send such packets")            \
	X(BG_R_ENCAPSULATION, "encapsulation", "the packet would leave wrapped in another one",    \
	  "remove the tunnel device or encapsulating route from the container's namespace")        \
	X(BG_R_ODD_PROTOCOL, "odd_protocol", "a protocol that the guard does not let through",     \
	  "use TCP, UDP or ICMP; others cannot be judged by their ports and addresses")            \
	X(BG_R_UPLINK_ELSEWHERE, "uplink_elsewhere",                                               \
	  "the gateway itself sent to neither the VPN server nor an allowed network",              \
	  "if it is wanted, name the network in uplink.outbound, or the server in "                \
	  "uplink.endpoints, and reload")                                                          \
	X(BG_R_LINK_HOST, "link_host", "a frame of the VPN network for the host's own stack",      \
	  "look at the container in the log: on this network only the gateway is a way out")       \
	X(BG_R_LINK_UNKNOWN_MAC, "link_unknown_mac",                                               \
	  "a frame to a MAC address that is neither the gateway's nor a peer's",                   \
	  "look for a forged neighbour entry in the container; drop NET_ADMIN and NET_RAW")        \
	X(BG_R_LINK_SPOOF, "link_spoof", "a frame or neighbour message in somebody else's name",   \
	  "look at the container in the log; drop NET_ADMIN and NET_RAW from it")                  \
	X(BG_R_LINK_OTHER_NETWORK, "link_other_network",                                           \
	  "a protected container's frame on a network other than the VPN network",                 \
	  "attach the container to the VPN network only")                                          \
	X(BG_R_LINK_PROTOCOL, "link_protocol", "a frame that is neither IP nor well-formed ARP",   \
	  "look at the container in the log; drop NET_RAW from it")                                \
	X(BG_R_SOCKET_FAMILY, "socket_family",                                                     \
	  "a socket of a family that leaves the machine past the IP stack",                        \
	  "run the program outside of the guard if it needs VSOCK, Bluetooth or the like")         \
	X(BG_R_TAMPER, "tamper", "a hand on the guard itself, or a way out of its cgroup",         \
	  "look at the process in the log; bpfguard unload and reload are the ways to change it")

#define HOOKS(X)                                                                                   \
	X(BG_HOOK_SOCK_CREATE, "sock_create")                                                      \
	X(BG_HOOK_CONNECT4, "connect4")                                                            \
	X(BG_HOOK_CONNECT6, "connect6")                                                            \
	X(BG_HOOK_SENDMSG4, "sendmsg4")                                                            \
	X(BG_HOOK_SENDMSG6, "sendmsg6")                                                            \
	X(BG_HOOK_RECVMSG4, "recvmsg4")                                                            \
	X(BG_HOOK_RECVMSG6, "recvmsg6")                                                            \
	X(BG_HOOK_GETPEERNAME4, "getpeername4")                                                    \
	X(BG_HOOK_GETPEERNAME6, "getpeername6")                                                    \
	X(BG_HOOK_EGRESS, "egress")                                                                \
	X(BG_HOOK_SOCKOPS, "sockops")                                                              \
	X(BG_HOOK_UPLINK, "uplink")                                                                \
	X(BG_HOOK_UPLINK_BRIDGE, "uplink_bridge")                                                  \
	X(BG_HOOK_SEAL_BRIDGE, "seal_bridge")                                                      \
	X(BG_HOOK_SEAL_PORT, "seal_port")                                                          \
	X(BG_HOOK_LSM_CREATE, "lsm_socket_create")                                                 \
	X(BG_HOOK_LSM_CONNECT, "lsm_socket_connect")                                               \
	X(BG_HOOK_LSM_SENDMSG, "lsm_socket_sendmsg")                                               \
	X(BG_HOOK_LSM_LISTEN, "lsm_socket_listen")                                                 \
	X(BG_HOOK_LSM_RECEIVE, "lsm_file_receive")                                                 \
	X(BG_HOOK_LSM_WRITE, "lsm_file_permission")                                                \
	X(BG_HOOK_LSM_OPEN, "lsm_file_open")                                                       \
	X(BG_HOOK_LSM_FORK, "lsm_task_alloc")                                                      \
	X(BG_HOOK_LSM_UNLINK, "lsm_inode_unlink")                                                  \
	X(BG_HOOK_LSM_RMDIR, "lsm_inode_rmdir")                                                    \
	X(BG_HOOK_LSM_RENAME, "lsm_inode_rename")                                                  \
	X(BG_HOOK_LSM_UMOUNT, "lsm_sb_umount")                                                     \
	X(BG_HOOK_LSM_MOUNT, "lsm_sb_mount")                                                       \
	X(BG_HOOK_LSM_MOVE_MOUNT, "lsm_move_mount")                                                \
	X(BG_HOOK_LSM_BPF, "lsm_bpf")                                                              \
	X(BG_HOOK_LSM_BPF_MAP, "lsm_bpf_map")

struct reason {
	const char *name, *text, *remedy;
};

static const struct reason reason_table[BG_R_MAX] = {
#define ROW(id, name_, text_, remedy_) [id] = { name_, text_, remedy_ },
	REASONS(ROW)
#undef ROW
};

static const char *const hook_table[BG_HOOK_MAX] = {
#define ROW(id, name_) [id] = name_,
	HOOKS(ROW)
#undef ROW
};

static bool reason_known(unsigned int reason)
{
	switch ((enum bg_reason)reason) {
#define CASE(id, ...) case id:
		REASONS(CASE)
#undef CASE
		return true;
	case BG_R_NONE:
	case BG_R_MAX: return false;
	}
	return false;
}

static bool hook_known(unsigned int hook)
{
	switch ((enum bg_hook)hook) {
#define CASE(id, ...) case id:
		HOOKS(CASE)
#undef CASE
		return true;
	case BG_HOOK_NONE:
	case BG_HOOK_LSM_END:
	case BG_HOOK_MAX: return false;
	}
	return false;
}

const char *events_reason_name(unsigned int reason)
{
	return reason_known(reason) ? reason_table[reason].name : NULL;
}

const char *events_reason_text(unsigned int reason)
{
	return reason_known(reason) ? reason_table[reason].text : NULL;
}

const char *events_reason_remedy(unsigned int reason)
{
	return reason_known(reason) ? reason_table[reason].remedy : NULL;
}

const char *events_hook_name(unsigned int hook)
{
	return hook_known(hook) ? hook_table[hook] : NULL;
}

int events_reason_parse(const char *name, unsigned int *ret)
{
	for (unsigned int i = 0; i < BG_R_MAX; i++) {
		if (reason_table[i].name && strcmp(reason_table[i].name, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

int events_hook_parse(const char *name, unsigned int *ret)
{
	for (unsigned int i = 0; i < BG_HOOK_MAX; i++) {
		if (hook_table[i] && strcmp(hook_table[i], name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -ENOENT;
}

size_t events_reason_names(const char **ret, size_t max)
{
	size_t n = 0;

	for (unsigned int i = BG_R_FIRST_DENY; i < BG_R_MAX && n < max; i++) {
		if (reason_table[i].name)
			ret[n++] = reason_table[i].name;
	}
	return n;
}

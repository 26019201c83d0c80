/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the kernel programs and user space: keys, values, verdicts, reasons, events.
 *
 * Included from BPF programs (after vmlinux/vmlinux.h) and from user space (after <linux/types.h>).
 * Fixed-width types only, explicit padding, no pointers. Addresses are in network order, ports and
 * everything else in host order. Numbers that leave the machine (reasons, hooks) are never reused.
 */
#ifndef BPFGUARD_H
#define BPFGUARD_H

#ifndef BG_BPF
#include <linux/types.h>
#endif

#define BG_ABI 3u /* layout of every structure below; a loader never mixes two */

/* Limits. The policy room repeats those a user can meet and a build check compares them. */
#define BG_MAX_GUARDS	  32	/* slots: twice a policy's, so a reload may replace every guard */
#define BG_MAX_GATEWAYS	  4	/* per family */
#define BG_MAX_DNS	  2	/* resolvers per family */
#define BG_INLINE_LOCAL	  8	/* per family: up to here no map lookup is needed */
#define BG_MAX_LOCAL	  10000 /* prefixes of one guard, both families */
#define BG_MAX_PREFIXES	  (BG_MAX_GUARDS * BG_MAX_LOCAL) /* two generations side by side */
#define BG_FOLD_ENTRIES	  16384
#define BG_RING_BYTES	  (512 * 1024)
#define BG_FOLD_WINDOW_NS 1000000000ull /* repeats within this time become one event */
#define BG_NAME		  32
#define BG_PATH		  256
#define BG_COMM		  16
#define BG_IFNAME	  16
#define BG_DNS_QNAME	  256 /* wire form of a name is at most 255 bytes (RFC 1035, 2.3.4) */
#define BG_LEASE_OFF	  (~0ull)
#define BG_MAX_ENDPOINTS  16   /* of one guard's tunnels, both families */
#define BG_MAX_OUTBOUND	  32   /* on-link networks of the uplinks and `uplink.outbound` */
#define BG_MAX_PORTS	  1024 /* host sides of veths that are sealed */
#define BG_MAX_MACS	  2048
#define BG_MAX_OWN	  64 /* maps of ours */

enum bg_verdict {
	BG_DENY = 0,
	BG_ALLOW = 1,
	BG_WOULD_DENY = 2, /* audit mode: let through, reported */
};

/* Why. Stable: appended to, never renumbered. Below BG_R_FIRST_DENY: reasons to allow. */
enum bg_reason {
	BG_R_NONE = 0,
	BG_R_LOOPBACK = 1,
	BG_R_LOCAL = 2,
	BG_R_GATEWAY = 3,
	BG_R_NEIGHBOUR = 4,
	BG_R_ENDPOINT = 5, /* the gateway's own packet to a tunnel endpoint */
	BG_R_PEER = 6,	   /* a frame to the gateway's or a peer's MAC */
	BG_R_PAUSED = 7,   /* bpfguard pause */
	BG_R_FIRST_DENY = 8,
	BG_R_INTERNAL = 8,
	BG_R_NOT_LOADED = 9,
	BG_R_MALFORMED = 10,
	BG_R_HOST_NAMESPACE = 11,
	BG_R_NEXT_HOP = 12,
	BG_R_NO_ROUTE_TO_GATEWAY = 13,
	BG_R_LOCAL_NOT_LISTED = 14,
	BG_R_IPV6_NO_GATEWAY = 15,
	BG_R_LEASE_EXPIRED = 16,
	BG_R_VPN_DOWN = 17,
	BG_R_DNS_ELSEWHERE = 18,
	BG_R_RAW_SOCKET = 19,
	BG_R_PACKET_SOCKET = 20,
	BG_R_FOREIGN_SOCKET = 21,
	BG_R_FORWARDED_UPLINK = 22,
	BG_R_IP_OPTIONS = 23,
	BG_R_MARTIAN = 24,
	BG_R_ENCAPSULATION = 25,
	BG_R_ODD_PROTOCOL = 26,
	BG_R_UPLINK_ELSEWHERE =
		27,	     /* the gateway's own packet, to nothing that the uplink allows */
	BG_R_LINK_HOST = 28, /* a frame for the host's own stack */
	BG_R_LINK_UNKNOWN_MAC = 29, /* a frame to a MAC that is neither gateway nor peer */
	BG_R_LINK_SPOOF = 30,	    /* a frame or ARP/ND message that claims to be somebody else */
	BG_R_LINK_OTHER_NETWORK = 31, /* a protected container's frame on another network */
	BG_R_LINK_PROTOCOL = 32,      /* neither IP nor well-formed ARP */
	BG_R_SOCKET_FAMILY = 33,      /* a socket of a family that leaves the machine past IP */
	BG_R_TAMPER = 34,	      /* somebody laid hands on the guard itself */
	BG_R_MAX = 64,		      /* size of the counter rows */
};

/* The hook that spoke. */
enum bg_hook {
	BG_HOOK_NONE = 0,
	BG_HOOK_SOCK_CREATE = 1,
	BG_HOOK_CONNECT4 = 2,
	BG_HOOK_CONNECT6 = 3,
	BG_HOOK_SENDMSG4 = 4,
	BG_HOOK_SENDMSG6 = 5,
	BG_HOOK_RECVMSG4 = 6,
	BG_HOOK_RECVMSG6 = 7,
	BG_HOOK_GETPEERNAME4 = 8,
	BG_HOOK_GETPEERNAME6 = 9,
	BG_HOOK_EGRESS = 10,
	BG_HOOK_SOCKOPS = 11,
	BG_HOOK_UPLINK = 12,	    /* tc egress of the gateway's uplink, in its namespace */
	BG_HOOK_UPLINK_BRIDGE = 13, /* tc ingress of the uplink network's bridge, on the host */
	BG_HOOK_SEAL_BRIDGE = 14,   /* tc ingress of the VPN network's bridge, on the host */
	BG_HOOK_SEAL_PORT = 15,	    /* tc ingress of the host side of a protected veth */
	BG_HOOK_LSM_FIRST = 16,	    /* those of bpf/lsm.bpf.c */
	BG_HOOK_LSM_CREATE = 16,
	BG_HOOK_LSM_CONNECT = 17,
	BG_HOOK_LSM_SENDMSG = 18,
	BG_HOOK_LSM_LISTEN = 19,
	BG_HOOK_LSM_RECEIVE = 20,
	BG_HOOK_LSM_WRITE = 21,
	BG_HOOK_LSM_OPEN = 22,
	BG_HOOK_LSM_FORK = 23,
	BG_HOOK_LSM_UNLINK = 24,
	BG_HOOK_LSM_RMDIR = 25,
	BG_HOOK_LSM_RENAME = 26,
	BG_HOOK_LSM_UMOUNT = 27,
	BG_HOOK_LSM_MOUNT = 28,
	BG_HOOK_LSM_MOVE_MOUNT = 29,
	BG_HOOK_LSM_BPF = 30,
	BG_HOOK_LSM_BPF_MAP = 31,
	BG_HOOK_LSM_END = 32,
	BG_HOOK_MAX = 48,
};

/* What a flow is known to be. */
enum bg_flow_flags {
	BG_F_ROUTE = 1 << 0,	/* next_hop, nh_family, BG_F_LOOPBACK and BG_F_TUNNEL are known */
	BG_F_LOOPBACK = 1 << 1, /* delivered inside its own network namespace */
	BG_F_TUNNEL = 1 << 2,	/* the output device is the guard's gateway.interface */
	BG_F_OPTIONS = 1 << 3,	/* IP options or an IPv6 extension header */
	BG_F_FRAGMENT = 1 << 4, /* arrived at the hook as a fragment: no local stack does that */
	BG_F_ENCAP =
		1 << 5, /* light-weight tunnel on the route, or a device that is not Ethernet */
	BG_F_MALFORMED = 1 << 6,  /* could not be read; nothing else here is to be trusted */
	BG_F_NEIGHBOUR = 1 << 7,  /* well-formed neighbour discovery or MLD */
	BG_F_DNS_SINGLE = 1 << 8, /* a DNS query for one single-label name */
	BG_F_PORTS = 1 << 9,	  /* sport and dport are known */
};

struct bg_flow {
	__u8 family;	/* 4 or 6 */
	__u8 proto;	/* IPPROTO_*; 0: not known */
	__u8 hook;	/* enum bg_hook */
	__u8 nh_family; /* 0: on-link, else 4 or 6 */
	__u16 flags;	/* enum bg_flow_flags */
	__u16 sport;
	__u16 dport;
	__u16 pad;
	__u32 ifindex;	/* output device, numbered in the packet's namespace */
	__u32 netns;	/* inode of the network namespace; 0: not known */
	__u32 saddr[4]; /* IPv4 in [0] */
	__u32 daddr[4];
	__u32 next_hop[4];
};

/* A verdict with its evidence. `line` is the policy line that decided, 0 if none did. */
struct bg_decision {
	__u8 verdict; /* enum bg_verdict; BG_WOULD_DENY is made by the caller, not by the decision
		       */
	__u8 reason;  /* enum bg_reason */
	__u16 pad;
	__u32 line;
};

/* enum bg_guard.flags */
enum bg_guard_flags {
	BG_G_AUDIT = 1 << 0,  /* report, do not refuse */
	BG_G_TUNNEL = 1 << 1, /* shared-namespace mode: the way out is the device `interface` */
	BG_G_LPM4 = 1 << 2,   /* more IPv4 prefixes than fit inline: they are in bg_prefix */
	BG_G_LPM6 = 1 << 3,
	BG_G_IPV6 = 1 << 4,	 /* an IPv6 gateway or IPv6 local prefix exists: ND and MLD live */
	BG_G_LEASE_OFF = 1 << 5, /* no monitor is needed to keep path (c) open */
	BG_G_DNS_TLS_DENY = 1 << 6, /* port 853 other than to the resolver is denied */
	BG_G_LINK = 1 << 7,	    /* has programs for its link: uplink guard, link seal or both */
};

enum bg_dns_mode {
	BG_DNS_GATEWAY = 0,
	BG_DNS_LOCAL_NAMES = 1,
	BG_DNS_STRICT = 2,
};

struct bg_local4 {
	__u32 addr;
	__u32 mask;
};

struct bg_local6 {
	__u32 addr[4];
	__u32 mask[4];
};

/* One guard of one generation, as compiled. generation == 0: the slot is empty. */
struct bg_guard {
	__u32 abi;
	__u32 generation;
	__u32 flags;
	__u32 dns_mode;
	__u32 n_gw4, n_gw6;
	__u32 n_local4, n_local6; /* inline entries; 0 with BG_G_LPM4/6 */
	__u32 n_dns4, n_dns6;
	/* What each IPv4 packet needs lies together: cache lines count here. */
	__u32 host_netns[2]; /* nothing leaves from these: the loader's namespace and PID 1's */
	__u32 gw4[BG_MAX_GATEWAYS];
	struct bg_local4 local4[BG_INLINE_LOCAL];
	__u32 dns4[BG_MAX_DNS];
	__u32 gw6[BG_MAX_GATEWAYS][4];
	struct bg_local6 local6[BG_INLINE_LOCAL];
	__u32 dns6[BG_MAX_DNS][4];
	char interface[BG_IFNAME];
	char name[BG_NAME];
	/* Where each rule stands in the policy file: for `why`, never read by the kernel. */
	__u32 line_guard, line_gateway, line_local, line_dns, line_lease, line_mode;
	__u32 line_local4[BG_INLINE_LOCAL], line_local6[BG_INLINE_LOCAL];
	__u32 pad0;
	__u64 lease_ns;	      /* the lease's length as configured; 0 with BG_G_LEASE_OFF */
	__u64 prefix_count;   /* entries in bg_prefix that belong to this guard and generation */
	char cgroup[BG_PATH]; /* relative to the cgroup2 root, starts with '/' */
	char container[128];
	char policy_path[BG_PATH];
	__u8 text_hash[32];   /* of the guard's canonical text: what only user space follows */
	__u8 policy_hash[32]; /* of all of this and the prefixes: what `load` compares */
};

/* Holes that the user has accepted (load --accept-missing); status shows them for ever. */
enum bg_accepted {
	BG_ACCEPTED_HOST_CGROUP = 1 << 0, /* the guard is below a cgroup namespace's root */
	BG_ACCEPTED_LSM = 1 << 1,	  /* BPF LSM is active and takes our programs not */
};

/* What a load put into the kernel, so that status can tell whether it is still that. */
struct bg_manifest {
	__u8 object[32];	  /* SHA-256 of the BPF object; all zero: slot never loaded */
	__u8 tag[BG_HOOK_MAX][8]; /* by enum bg_hook */
	__u64 cgroup_id;
	__u64 loaded_real_ns; /* CLOCK_REALTIME */
	char version[16];
	__u32 accepted; /* enum bg_accepted: what was missing and loaded without all the same */
	__u32 pad;
};

/* Key of the prefix trie. scope = generation * BG_MAX_GUARDS + slot, so generations never mix. */
struct bg_prefix_key {
	__u32 prefixlen; /* 64 + prefix length: scope and family always match whole */
	__u32 scope;
	__u32 family;
	__u32 addr[4];
};

struct bg_prefix_value {
	__u32 line;
};

/* vpn_state and lease of one guard slot. A zeroed entry is "down", which is a deny. */
enum bg_vpn_state {
	BG_VPN_DOWN = 0,
	BG_VPN_UP = 1,
};

struct bg_lease {
	__u64 until_ns; /* CLOCK_BOOTTIME */
	__u32 vpn_state;
	__u32 pad;
};

/*
 * Where the gateway's own packets may go on an uplink. Replaced whole, so that no program sees half
 * of a change. No entry for a slot: nothing may go anywhere.
 */
struct bg_endpoint {
	__u8 family; /* 4 or 6 */
	__u8 proto;  /* IPPROTO_UDP or IPPROTO_TCP */
	__u16 port;  /* host order */
	__u32 addr[4];
};

struct bg_outbound {
	__u32 family;
	__u32 addr[4];
	__u32 mask[4];
};

struct bg_uplink {
	__u32 n_endpoints; /* for people: what is behind them is zeroed, and fits nothing */
	__u32 n_outbound;
	struct bg_endpoint endpoint[BG_MAX_ENDPOINTS];
	struct bg_outbound outbound[BG_MAX_OUTBOUND];
};

/* A port of a sealed bridge: the host side of a veth, keyed by its ifindex. */
enum bg_port_flags {
	BG_PORT_VPN = 1 << 0,	  /* on the VPN network; without it everything is dropped */
	BG_PORT_GATEWAY = 1 << 1, /* the gateway's own: may answer for the gateway's address */
};

struct bg_port {
	__u32 slot;
	__u32 flags;
	__u8 mac[6]; /* of the container's side: the only source of its frames */
	__u8 pad[2];
	__u64 cgroup; /* of the container, so that events name it; 0: not known */
};

struct bg_mac_key {
	__u32 slot;
	__u8 mac[6];
	__u8 pad[2];
};

/* Owner of a socket, kept in socket storage from its creation. */
struct bg_owner {
	__u64 cgroup;
	__u32 pid, tgid, uid, netns;
	__u32 bound; /* the socket's device before sock_ops sent it nowhere; 0: any */
	__u32 pad;
	char comm[BG_COMM];
};

/* What a DNS socket asked for before it was sent to the guard's resolver. */
struct bg_dns_orig {
	__u32 family; /* 0: nothing captured */
	__u32 port;
	__u32 addr[4];
	__u32 to_family; /* the resolver that took it, to recognise its answers */
	__u32 to_port;
	__u32 to[4];
};

struct bg_fold_key {
	__u32 slot;
	__u8 reason, family, proto, pad;
	__u16 dport, pad2;
	__u32 tgid;
	__u32 daddr[4];
};

struct bg_fold {
	__u64 pending;	 /* counted but not yet in an event; two's complement, may dip below 0 */
	__u64 window_ns; /* end of the window (boot clock) in which repeats are folded */
	__u64 cgroup;
	__u32 pid, uid, generation;
	char comm[BG_COMM];
	struct bg_flow flow;
};

/* Every event takes a number, also one that found the ring full: a gap is a loss, exactly. */
struct bg_stream {
	__u64 lock_and_pad; /* struct bpf_spin_lock in the kernel's view */
	__u64 seq;
};

enum bg_event_kind {
	BG_EVENT_DENIED = 1,	 /* struct bg_event */
	BG_EVENT_DENIED_DNS = 2, /* struct bg_event_dns */
};

struct bg_event {
	__u64 seq;
	__u64 ts_ns; /* CLOCK_BOOTTIME */
	__u64 count; /* denied packets or calls this event stands for, itself included */
	__u64 cgroup;
	__u32 kind; /* enum bg_event_kind */
	__u32 slot;
	__u32 pid, tgid, uid, generation;
	__u8 verdict, reason, hook, dns_len;
	__u32 pad;
	char comm[BG_COMM];
	char guard[BG_NAME];
	struct bg_flow flow;
};

struct bg_event_dns {
	struct bg_event ev;
	__u8 qname[BG_DNS_QNAME]; /* wire form as in the packet; dns_len bytes are valid */
};

/* Index of a counter: slot * BG_R_MAX + reason. Per CPU, never reset while loaded. */
struct bg_counter {
	__u64 packets; /* packets, or refused calls where no packet was made yet */
};

/* Stream health, per CPU. */
enum bg_stat {
	BG_STAT_EVENTS = 0,	 /* events submitted */
	BG_STAT_LOST = 1,	 /* events that found the ring full */
	BG_STAT_FOLDED = 2,	 /* denials that were counted into an earlier event's fold entry */
	BG_STAT_UNFOLDED = 3,	 /* fold table refused an entry: event sent alone */
	BG_STAT_NO_OWNER = 4,	 /* socket storage was missing or could not be made */
	BG_STAT_TURNED_BACK = 5, /* local-names: queries sent back to be asked elsewhere */
	BG_STAT_MAX = 8,
};

struct bg_last {
	__u64 ts_ns; /* CLOCK_BOOTTIME of the last denial; 0: none */
	__u32 reason, hook;
};

#ifndef BG_BPF
_Static_assert(sizeof(struct bg_flow) == 68, "struct bg_flow has a hole");
_Static_assert(sizeof(struct bg_prefix_key) == 28, "struct bg_prefix_key has a hole");
_Static_assert(sizeof(struct bg_lease) == 16, "struct bg_lease has a hole");
_Static_assert(sizeof(struct bg_fold_key) == 32, "struct bg_fold_key has a hole");
_Static_assert(sizeof(struct bg_fold) == 120, "struct bg_fold has a hole");
_Static_assert(sizeof(struct bg_manifest) == 32 + 8 * BG_HOOK_MAX + 40,
	       "struct bg_manifest has a hole");
_Static_assert(sizeof(struct bg_endpoint) == 20, "struct bg_endpoint has a hole");
_Static_assert(sizeof(struct bg_outbound) == 36, "struct bg_outbound has a hole");
_Static_assert(sizeof(struct bg_port) == 24, "struct bg_port has a hole");
_Static_assert(sizeof(struct bg_mac_key) == 12, "struct bg_mac_key has a hole");
_Static_assert(sizeof(struct bg_owner) == 48, "struct bg_owner has a hole");
#endif

#include "bpf/lsm.h"

#endif /* BPFGUARD_H */

// SPDX-License-Identifier: GPL-2.0-only
/* Packet sockets: every way to hand over a frame. What the frames may be is in frame.c. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "build.h"
#include "send.h"

#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#define RING_FRAME 2048
#define UMEM_FRAME 4096
#define UMEM_RING  64

static int raw_socket(void)
{
	return open_socket(AF_PACKET, SOCK_RAW, 0);
}

/* A datagram to the target, in a frame to the host. */
static struct packet frame4(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	return p;
}

static int packet_raw(const struct attack_env *e)
{
	struct packet p = frame4(e);

	return put_frame(raw_socket(), e->dev, &p);
}

static int packet_raw6(const struct attack_env *e)
{
	struct packet p = packet_target6(e);

	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IPV6);
	return put_frame(raw_socket(), e->dev, &p);
}

static int packet_dgram(const struct attack_env *e)
{
	struct packet p = packet_target4(e);
	struct dest to = dest_link(e->dev, e->rogue_mac, ETH_P_IP);
	int fd = open_socket(AF_PACKET, SOCK_DGRAM, 0);

	return done(step(fd, "sendto", sendto(fd, packet_data(&p), p.len, 0, &to.sa, to.len)));
}

static int packet_bound(const struct attack_env *e)
{
	struct packet p = frame4(e);
	int fd = bind_to(raw_socket(), dest_link(e->dev, e->rogue_mac, ETH_P_IP));

	return done(step(fd, "write", write(fd, packet_data(&p), p.len)));
}

/* The interface of Linux 2.0. */
static int packet_old(const struct attack_env *e)
{
	struct sockaddr_pkt a = { .spkt_family = AF_PACKET, .spkt_protocol = htons(ETH_P_IP) };
	struct dest to = { .len = sizeof(a) };
	struct packet p = frame4(e);
	int fd = open_socket(AF_INET, SOCK_PACKET, htons(ETH_P_IP));

	strcpy((char *)a.spkt_device, e->dev);
	memcpy(to.raw, &a, sizeof(a));
	return done(step(fd, "sendto", sendto(fd, packet_data(&p), p.len, 0, &to.sa, to.len)));
}

static int packet_bypass(const struct attack_env *e)
{
	struct packet p = frame4(e);

	return put_frame(set_int(raw_socket(), SOL_PACKET, PACKET_QDISC_BYPASS, 1), e->dev, &p);
}

static int packet_ring(const struct attack_env *e)
{
	const struct tpacket_req ring = {
		.tp_block_size = 4096,
		.tp_block_nr = 1,
		.tp_frame_size = RING_FRAME,
		.tp_frame_nr = 4096 / RING_FRAME,
	};
	struct packet p = frame4(e);
	int fd = set_int(raw_socket(), SOL_PACKET, PACKET_VERSION, TPACKET_V2);
	struct tpacket2_hdr *h;

	fd = set_option(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring));
	fd = bind_to(fd, dest_link(e->dev, e->rogue_mac, ETH_P_IP));
	if (fd < 0)
		return done(fd);
	h = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return attack_said("mmap", errno);
	memcpy((char *)h + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), packet_data(&p), p.len);
	h->tp_len = (uint32_t)p.len;
	h->tp_status = TP_STATUS_SEND_REQUEST;
	return done(step(fd, "send", send(fd, NULL, 0, 0)));
}

static int packet_vnet(const struct attack_env *e)
{
	const struct virtio_net_hdr h = { .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	struct packet p = frame4(e);

	packet_head(&p, &h, sizeof(h));
	return put_frame(set_int(raw_socket(), SOL_PACKET, PACKET_VNET_HDR, 1), e->dev, &p);
}

/* Several segments of TCP in one frame, which the kernel takes apart. */
static int packet_vnet_gso(const struct attack_env *e)
{
	const struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = 14 + 20 + 20,
		.gso_size = 500,
		.csum_start = 14 + 20,
		.csum_offset = 16,
	};
	struct packet p = packet_mark(e, 1500);

	packet_tcp(&p, e->port, e->port, 1, TCP_ACK);
	packet_ip4(&p, e->own4, e->target4, IPPROTO_TCP);
	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	packet_head(&p, &h, sizeof(h));
	return put_frame(set_int(raw_socket(), SOL_PACKET, PACKET_VNET_HDR, 1), e->dev, &p);
}

static int packet_dev2(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->other_mac, e->own_mac_2, ETH_P_IP);
	return put_frame(raw_socket(), e->dev2, &p);
}

/* ---- AF_XDP: frames out of shared memory, without an skb of one's own */

struct xdp {
	uint8_t *umem;
	struct xdp_desc *tx;
	uint32_t *producer;
};

static int xdp_ring(int fd, int name)
{
	return set_int(fd, SOL_XDP, name, UMEM_RING);
}

static int xdp_open(struct xdp *x)
{
	int fd = open_socket(AF_XDP, SOCK_RAW, 0);
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	struct xdp_umem_reg umem = { .len = 2 * UMEM_FRAME, .chunk_size = UMEM_FRAME };
	uint8_t *ring;

	x->umem = mmap(NULL, umem.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	umem.addr = (uintptr_t)x->umem;
	fd = set_option(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem));
	fd = xdp_ring(xdp_ring(fd, XDP_UMEM_FILL_RING), XDP_UMEM_COMPLETION_RING);
	fd = xdp_ring(fd, XDP_TX_RING);
	fd = step(fd, "getsockopt", getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len));
	if (fd < 0)
		return fd;
	ring = mmap(NULL, off.tx.desc + UMEM_RING * sizeof(*x->tx), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, XDP_PGOFF_TX_RING);
	if (ring == MAP_FAILED)
		return -errno;
	x->tx = (void *)(ring + off.tx.desc);
	x->producer = (void *)(ring + off.tx.producer);
	return fd;
}

/* The last attempt's socket lets go of the queue a little after its end. */
static int bind_when_free(int fd, struct dest to)
{
	int i, rc = -1;

	for (i = 0; i < 100 && fd >= 0; i++) {
		rc = bind(fd, &to.sa, to.len);
		if (!rc || errno != EBUSY)
			break;
		poll(NULL, 0, 5);
	}
	return step(fd, "bind", rc);
}

int xdp_ready(const struct attack_env *e)
{
	struct sockaddr_xdp a = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = if_nametoindex(e->dev),
	};
	struct dest to = { .len = sizeof(a) };
	struct packet p = frame4(e);
	struct xdp x = { 0 };
	int fd;

	memcpy(to.raw, &a, sizeof(a));
	fd = bind_when_free(xdp_open(&x), to);
	if (fd < 0)
		return fd;
	memcpy(x.umem, packet_data(&p), p.len);
	x.tx[0] = (struct xdp_desc){ .len = (uint32_t)p.len };
	__atomic_store_n(x.producer, 1, __ATOMIC_RELEASE);
	return fd;
}

int xdp_kick(int fd)
{
	return step(fd, "sendto", sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
}

static int xdp(const struct attack_env *e)
{
	return done(xdp_kick(xdp_ready(e)));
}

const struct attack attacks_packet[] = {
	{ "packet_raw", "a frame to the host's MAC", STOP_LSM, NEEDS_NET_RAW, .run = packet_raw },
	{ "packet_raw6", "the same with IPv6 in it", STOP_LSM, NEEDS_NET_RAW, .run = packet_raw6 },
	{ "packet_dgram", "SOCK_DGRAM: the kernel makes the frame's head", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_dgram },
	{ "packet_bound", "bound to a device, and write", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_bound },
	{ "packet_old", "SOCK_PACKET, the interface of Linux 2.0", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_old },
	{ "packet_bypass", "past the queues (PACKET_QDISC_BYPASS)", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_bypass },
	{ "packet_ring", "a ring of frames (PACKET_TX_RING)", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_ring },
	{ "packet_vnet", "with a head for offloading (PACKET_VNET_HDR)", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_vnet },
	{ "packet_vnet_gso", "segments that the kernel takes apart (PACKET_VNET_HDR)", STOP_LSM,
	  NEEDS_NET_RAW, .run = packet_vnet_gso },
	{ "packet_dev2", "out of the second interface", STOP_LSM, NEEDS_NET_RAW,
	  .run = packet_dev2 },
	{ "xdp", "AF_XDP", STOP_LSM, NEEDS_NET_RAW, .run = xdp },
	{ .name = NULL },
};

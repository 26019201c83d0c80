// SPDX-License-Identifier: GPL-2.0-only
/* io_uring: the same calls by another door, made by the caller, by a worker, or by a poller. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "build.h"
#include "ring.h"
#include "send.h"

static int udp_socket(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, 0);
}

/* A ring whose thread in the kernel looks for work; before 5.11 a matter for CAP_SYS_ADMIN. */
static struct ring poller(void)
{
	struct ring plain = ring_open(0);

	if (plain.fd < 0 || plain.features & IORING_FEAT_SQPOLL_NONFIXED)
		return ring_open(IORING_SETUP_SQPOLL);
	plain.fd = -EOPNOTSUPP;
	return plain;
}

static int said(const struct ring *r, const char *call, int result)
{
	if (r->fd == -EOPNOTSUPP)
		return attack_skip("no SQPOLL without rights on this kernel");
	return ring_said(r, call, result);
}

static int ring_connect(const struct attack_env *e, struct ring r, uint8_t flags)
{
	struct dest to = target4(e);
	int fd = open_socket(AF_INET, SOCK_STREAM, 0);
	struct io_uring_sqe *s = ring_next(&r, IORING_OP_CONNECT, fd, &to.in, 0);

	s->off = to.len;
	s->flags = flags;
	return said(&r, "connect", ring_run(&r));
}

static int ring_sendmsg(const struct attack_env *e, struct ring r, int fd, int op, uint8_t flags)
{
	struct dest to = target4(e);
	struct iovec data = payload(e, 0);
	struct msghdr m = {
		.msg_name = &to.sa, .msg_namelen = to.len, .msg_iov = &data, .msg_iovlen = 1
	};

	if (!ring_can(&r, op))
		return attack_skip("no such request on this kernel");
	ring_next(&r, op, fd, &m, 1)->flags = flags;
	return said(&r, "sendmsg", ring_run(&r));
}

static int uring_connect(const struct attack_env *e)
{
	return ring_connect(e, ring_open(0), 0);
}

static int uring_async_tcp(const struct attack_env *e)
{
	return ring_connect(e, ring_open(0), IOSQE_ASYNC);
}

static int uring_poll_tcp(const struct attack_env *e)
{
	return ring_connect(e, poller(), 0);
}

static int uring_sendmsg(const struct attack_env *e)
{
	return ring_sendmsg(e, ring_open(0), udp_socket(), IORING_OP_SENDMSG, 0);
}

static int uring_msg_zc(const struct attack_env *e)
{
	return ring_sendmsg(e, ring_open(0), udp_socket(), IORING_OP_SENDMSG_ZC, 0);
}

static int uring_async_udp(const struct attack_env *e)
{
	return ring_sendmsg(e, ring_open(0), udp_socket(), IORING_OP_SENDMSG, IOSQE_ASYNC);
}

static int uring_poll_udp(const struct attack_env *e)
{
	return ring_sendmsg(e, poller(), udp_socket(), IORING_OP_SENDMSG, 0);
}

/* The socket is a number of the ring's own. */
static int uring_fixed(const struct attack_env *e)
{
	struct ring r = ring_open(0);
	int err = ring_fixed(&r, udp_socket());

	return err ? said(&r, "register", err)
		   : ring_sendmsg(e, r, 0, IORING_OP_SENDMSG, IOSQE_FIXED_FILE);
}

static int ring_connected(const struct attack_env *e, int op)
{
	struct iovec data = payload(e, 0);
	struct ring r = ring_open(0);
	int fd = connect_to(udp_socket(), target4(e));

	ring_next(&r, op, fd, data.iov_base, data.iov_len);
	return said(&r, "send", ring_run(&r));
}

static int uring_send(const struct attack_env *e)
{
	return ring_connected(e, IORING_OP_SEND);
}

static int uring_write(const struct attack_env *e)
{
	return ring_connected(e, IORING_OP_WRITE);
}

/* Zero copy, and the address with the request. */
static int uring_send_zc(const struct attack_env *e)
{
	struct dest to = target4(e);
	struct iovec data = payload(e, 0);
	struct ring r = ring_open(0);
	struct io_uring_sqe *s;

	if (!ring_can(&r, IORING_OP_SEND_ZC))
		return attack_skip("no IORING_OP_SEND_ZC");
	s = ring_next(&r, IORING_OP_SEND_ZC, udp_socket(), data.iov_base, data.iov_len);
	s->addr2 = (uintptr_t)&to.in;
	s->addr_len = (uint16_t)to.len;
	return said(&r, "send_zc", ring_run(&r));
}

static int uring_splice(const struct attack_env *e)
{
	struct ring r = ring_open(0);
	int fd = connect_to(udp_socket(), target4(e)), p[2];
	struct io_uring_sqe *s;

	if (pipe2(p, O_CLOEXEC) || write(p[1], e->mark, e->mark_len) < 0)
		return attack_said("pipe", errno);
	s = ring_next(&r, IORING_OP_SPLICE, fd, NULL, e->mark_len);
	s->splice_fd_in = p[0];
	s->splice_off_in = (uint64_t)-1;
	s->off = (uint64_t)-1;
	return said(&r, "splice", ring_run(&r));
}

/* ---- sockets that the ring makes */

static struct io_uring_sqe *next_socket(struct ring *r, int family, int type, int protocol)
{
	struct io_uring_sqe *s = ring_next(r, IORING_OP_SOCKET, family, NULL, (size_t)protocol);

	s->off = (uint64_t)type;
	return s;
}

/* Made, connected and used at one go, without ever having been a descriptor. */
static int chain(const struct attack_env *e, struct ring r)
{
	struct dest to = target4(e);
	struct iovec data = payload(e, 0);
	struct io_uring_sqe *s;
	int err = ring_fixed(&r, -1);

	if (!ring_can(&r, IORING_OP_SOCKET))
		return attack_skip("no IORING_OP_SOCKET");
	if (err)
		return said(&r, "register", err);
	s = next_socket(&r, AF_INET, SOCK_DGRAM, 0);
	s->file_index = 1;
	s->flags = IOSQE_IO_LINK;
	s = ring_next(&r, IORING_OP_CONNECT, 0, &to.in, 0);
	s->off = to.len;
	s->flags = IOSQE_IO_LINK | IOSQE_FIXED_FILE;
	s = ring_next(&r, IORING_OP_SEND, 0, data.iov_base, data.iov_len);
	s->flags = IOSQE_FIXED_FILE;
	return said(&r, "chain", ring_run(&r));
}

static int uring_chain(const struct attack_env *e)
{
	return chain(e, ring_open(0));
}

static int uring_pollchain(const struct attack_env *e)
{
	return chain(e, poller());
}

static int made_socket(struct ring *r, int family, int type, int protocol)
{
	next_socket(r, family, type, protocol);
	return ring_run(r);
}

static int uring_packet(const struct attack_env *e)
{
	struct packet p = packet_target4(e);
	struct ring r = ring_open(0);
	int fd;

	if (!ring_can(&r, IORING_OP_SOCKET))
		return attack_skip("no IORING_OP_SOCKET");
	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	fd = made_socket(&r, AF_PACKET, SOCK_RAW, 0);
	return fd < 0 ? said(&r, "socket", fd) : put_frame(fd, e->dev, &p);
}

static int uring_raw(const struct attack_env *e)
{
	struct ring r = ring_open(0);
	int fd;

	if (!ring_can(&r, IORING_OP_SOCKET))
		return attack_skip("no IORING_OP_SOCKET");
	fd = made_socket(&r, AF_INET, SOCK_RAW, 253);
	return fd < 0 ? said(&r, "socket", fd) : send_mark(e, fd, dest4(e->target4, 0));
}

/* From ring to ring, which no hook of SCM_RIGHTS sees. */
static int uring_msg_ring(const struct attack_env *e)
{
	struct ring from = ring_open(0), to = ring_open(0);
	struct io_uring_sqe *s;
	int err;

	if (!ring_can(&from, IORING_OP_MSG_RING))
		return attack_skip("no IORING_OP_MSG_RING");
	err = ring_fixed(&from, udp_socket());
	if (!err)
		err = ring_fixed(&to, -1);
	if (err)
		return said(&from, "register", err);
	s = ring_next(&from, IORING_OP_MSG_RING, to.fd, (void *)IORING_MSG_SEND_FD, 0);
	s->file_index = 1;
	err = ring_run(&from);
	if (err == -EINVAL)
		return attack_skip("IORING_OP_MSG_RING passes no files");
	/* what it says of the message itself is not asked for */
	__atomic_store_n(to.cq_head, *to.cq_tail, __ATOMIC_RELEASE);
	return ring_sendmsg(e, to, 0, IORING_OP_SENDMSG, IOSQE_FIXED_FILE);
}

/* ---- older than the guard */

static int before(const struct attack_env *e, struct ring r)
{
	int err = ring_fixed(&r, udp_socket());

	ask_in(e);
	return err ? said(&r, "register", err)
		   : ring_sendmsg(e, r, 0, IORING_OP_SENDMSG, IOSQE_FIXED_FILE);
}

static int uring_before(const struct attack_env *e)
{
	return before(e, ring_open(0));
}

static int uring_poll_old(const struct attack_env *e)
{
	return before(e, poller());
}

/* The ring is old, the socket is not: are its threads where their process is? */
static int uring_old_ring(const struct attack_env *e)
{
	struct ring r = poller();

	ask_in(e);
	return chain(e, r);
}

#define INSIDE	STOP_I1, NEEDS_NOTHING
#define OUTSIDE STOP_LSM, NEEDS_NOTHING, ATTACK_OUTSIDE, .helper = move_in, .where = PLACE_APP

const struct attack attacks_uring[] = {
	{ "uring_connect", "io_uring: connect", INSIDE, .run = uring_connect },
	{ "uring_async_tcp", "io_uring: connect by a worker", INSIDE, .run = uring_async_tcp },
	{ "uring_poll_tcp", "io_uring: connect by the poller (SQPOLL)", INSIDE,
	  .run = uring_poll_tcp },
	{ "uring_sendmsg", "io_uring: sendmsg", INSIDE, .run = uring_sendmsg },
	{ "uring_msg_zc", "io_uring: sendmsg without copying", INSIDE, .run = uring_msg_zc },
	{ "uring_async_udp", "io_uring: sendmsg by a worker", INSIDE, .run = uring_async_udp },
	{ "uring_poll_udp", "io_uring: sendmsg by the poller", INSIDE, .run = uring_poll_udp },
	{ "uring_fixed", "io_uring: sendmsg on a registered file", INSIDE, .run = uring_fixed },
	{ "uring_send", "io_uring: send on a connected socket", INSIDE, .run = uring_send },
	{ "uring_write", "io_uring: write on a connected socket", INSIDE, .run = uring_write },
	{ "uring_send_zc", "io_uring: send to an address, without copying", INSIDE,
	  .run = uring_send_zc },
	{ "uring_splice", "io_uring: splice from a pipe", INSIDE, .run = uring_splice },
	{ "uring_chain", "io_uring: socket, connect and send at one go", INSIDE,
	  .run = uring_chain },
	{ "uring_pollchain", "the same by the poller", INSIDE, .run = uring_pollchain },
	{ "uring_raw", "a raw socket made by io_uring", STOP_I1, NEEDS_NET_RAW, .run = uring_raw },
	{ "uring_packet", "a packet socket made by io_uring", STOP_LSM, NEEDS_NET_RAW,
	  .run = uring_packet },
	{ "uring_msg_ring", "a socket passed from ring to ring", INSIDE, .run = uring_msg_ring },
	{ "uring_before", "a ring and its socket, older than the guard", OUTSIDE,
	  .run = uring_before },
	{ "uring_poll_old", "the same with a poller", OUTSIDE, .run = uring_poll_old },
	{ "uring_old_ring", "a poller older than the guard makes a socket", STOP_I1, NEEDS_NOTHING,
	  ATTACK_OUTSIDE, .run = uring_old_ring, .helper = move_in, .where = PLACE_APP },
	{ .name = NULL },
};

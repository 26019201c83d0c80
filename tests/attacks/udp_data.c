// SPDX-License-Identifier: GPL-2.0-only
/* UDP: every way in which data gets to the socket, and every size. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "send.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

#define SEGMENT 100

static int socket4(void)
{
	return open_socket(AF_INET, SOCK_DGRAM, 0);
}

static int connected(const struct attack_env *e)
{
	return connect_to(socket4(), target4(e));
}

static int socket6(void)
{
	return open_socket(AF_INET6, SOCK_DGRAM, 0);
}

static int udp_zero(const struct attack_env *e)
{
	struct dest to = target4(e);
	int fd = socket4();

	return done(step(fd, "sendto", sendto(fd, "", 0, 0, &to.sa, to.len)));
}

static int udp_large(const struct attack_env *e)
{
	return send_size(e, socket4(), target4(e), 65507, 0);
}

static int udp_frag(const struct attack_env *e)
{
	return send_size(e, socket4(), target4(e), 4000, 0);
}

static int udp_frag6(const struct attack_env *e)
{
	return send_size(e, socket6(), target6(e), 4000, 0);
}

static int udp_gso(const struct attack_env *e)
{
	int fd = set_int(socket4(), IPPROTO_UDP, UDP_SEGMENT, SEGMENT);

	return send_size(e, fd, target4(e), SEGMENT * 5, 0);
}

static int udp_gso6(const struct attack_env *e)
{
	int fd = set_int(socket6(), IPPROTO_UDP, UDP_SEGMENT, SEGMENT);

	return send_size(e, fd, target6(e), SEGMENT * 5, 0);
}

static int udp_gso_cmsg(const struct attack_env *e)
{
	const uint16_t segment = 20;

	return send_cmsg(e, socket4(), target4(e), IPPROTO_UDP, UDP_SEGMENT, &segment,
			 sizeof(segment));
}

static int udp_nocheck(const struct attack_env *e)
{
	return send_mark(e, set_int(socket4(), SOL_SOCKET, SO_NO_CHECK, 1), target4(e));
}

static int udp_write(const struct attack_env *e)
{
	struct iovec data = payload(e, 0);
	int fd = connected(e);

	return done(step(fd, "write", write(fd, data.iov_base, data.iov_len)));
}

static int udp_writev(const struct attack_env *e)
{
	struct iovec data[] = { payload(e, 0), payload(e, 0) };
	int fd = connected(e);

	return done(step(fd, "writev", writev(fd, data, 2)));
}

static int udp_sendmmsg(const struct attack_env *e)
{
	struct dest peer = dest4(e->peer4, e->port), to = target4(e);
	struct iovec data = payload(e, 0);
	struct mmsghdr m[2] = {
		{ .msg_hdr = { .msg_name = &peer.sa,
			       .msg_namelen = peer.len,
			       .msg_iov = &data,
			       .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_name = &to.sa,
			       .msg_namelen = to.len,
			       .msg_iov = &data,
			       .msg_iovlen = 1 } },
	};
	int fd = socket4();

	return done(step(fd, "sendmmsg", sendmmsg(fd, m, 2, 0)));
}

static int udp_more(const struct attack_env *e)
{
	struct dest to = target4(e);
	int fd = socket4();

	fd = step(fd, "sendto", sendto(fd, e->mark, e->mark_len, MSG_MORE, &to.sa, to.len));
	return send_mark(e, fd, to);
}

static int udp_cork(const struct attack_env *e)
{
	int fd = set_int(connected(e), IPPROTO_UDP, UDP_CORK, 1);

	fd = step(fd, "send", send(fd, e->mark, e->mark_len, 0));
	return done(set_int(fd, IPPROTO_UDP, UDP_CORK, 0));
}

static int udp_zerocopy(const struct attack_env *e)
{
	int fd = set_int(socket4(), SOL_SOCKET, SO_ZEROCOPY, 1);

	return send_size(e, fd, target4(e), 1400, MSG_ZEROCOPY);
}

static int udp_sendfile(const struct attack_env *e)
{
	int file = memfd_create("attack", MFD_CLOEXEC), fd = connected(e);
	off_t from = 0;

	file = step(file, "write", write(file, e->mark, e->mark_len));
	return done(step(fd, "sendfile", sendfile(fd, file, &from, e->mark_len)));
}

static int splice_from(const struct attack_env *e, int pipe_end)
{
	int fd = connected(e);

	return done(step(fd, "splice",
			 splice(pipe_end, NULL, fd, NULL, e->mark_len, SPLICE_F_NONBLOCK)));
}

static int udp_splice(const struct attack_env *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) || write(p[1], e->mark, e->mark_len) < 0)
		return attack_said("pipe", errno);
	return splice_from(e, p[0]);
}

static int udp_vmsplice(const struct attack_env *e)
{
	struct iovec data = payload(e, 0);
	int p[2];

	if (pipe2(p, O_CLOEXEC) || vmsplice(p[1], &data, 1, 0) < 0)
		return attack_said("vmsplice", errno);
	return splice_from(e, p[0]);
}

static int udp_aio(const struct attack_env *e)
{
	struct iovec data = payload(e, 0);
	int fd = connected(e);
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = (uint32_t)fd,
		.aio_buf = (uintptr_t)data.iov_base,
		.aio_nbytes = data.iov_len,
	};
	struct iocb *list[] = { &cb };
	struct io_event event = { 0 };
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx))
		return errno == ENOSYS ? attack_skip("no AIO") : attack_said("io_setup", errno);
	fd = step(fd, "io_submit", syscall(SYS_io_submit, ctx, 1, list));
	if (fd >= 0)
		syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL);
	return event.res < 0 ? attack_said("aio", (int)-event.res) : done(fd);
}

const struct attack attacks_udp_data[] = {
	{ "udp_zero", "an empty datagram", STOP_I1, NEEDS_NOTHING, .run = udp_zero },
	{ "udp_large", "the largest datagram", STOP_I1, NEEDS_NOTHING, .run = udp_large },
	{ "udp_frag", "a datagram in fragments", STOP_I1, NEEDS_NOTHING, .run = udp_frag },
	{ "udp_frag6", "a datagram in fragments over IPv6", STOP_I1, NEEDS_NOTHING,
	  .run = udp_frag6 },
	{ "udp_gso", "segments made by the kernel (UDP_SEGMENT)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_gso },
	{ "udp_gso6", "the same over IPv6", STOP_I1, NEEDS_NOTHING, .run = udp_gso6 },
	{ "udp_gso_cmsg", "the same, asked for with the message", STOP_I1, NEEDS_NOTHING,
	  .run = udp_gso_cmsg },
	{ "udp_nocheck", "without a checksum (SO_NO_CHECK)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_nocheck },
	{ "udp_write", "write on a connected socket", STOP_I1, NEEDS_NOTHING, .run = udp_write },
	{ "udp_writev", "writev on a connected socket", STOP_I1, NEEDS_NOTHING, .run = udp_writev },
	{ "udp_sendmmsg", "sendmmsg: first to a peer, then to the target", STOP_I1, NEEDS_NOTHING,
	  .run = udp_sendmmsg },
	{ "udp_more", "a datagram in two parts (MSG_MORE)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_more },
	{ "udp_cork", "a datagram held back (UDP_CORK)", STOP_I1, NEEDS_NOTHING, .run = udp_cork },
	{ "udp_zerocopy", "pages lent to the kernel (MSG_ZEROCOPY)", STOP_I1, NEEDS_NOTHING,
	  .run = udp_zerocopy },
	{ "udp_sendfile", "sendfile", STOP_I1, NEEDS_NOTHING, .run = udp_sendfile },
	{ "udp_splice", "splice from a pipe", STOP_I1, NEEDS_NOTHING, .run = udp_splice },
	{ "udp_vmsplice", "vmsplice, then splice", STOP_I1, NEEDS_NOTHING, .run = udp_vmsplice },
	{ "udp_aio", "an asynchronous write (io_submit)", STOP_I1, NEEDS_NOTHING, .run = udp_aio },
	{ .name = NULL },
};

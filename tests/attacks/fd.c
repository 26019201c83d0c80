// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that somebody outside of the guard made: handed in or taken. They keep the cgroup of
 * their maker, so that the packet hook of the guard never sees what they send.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "build.h"
#include "recipe.h"

#define SEQ 1000

/* ---- who makes them: helpers, in the container's namespace */
static int give(const struct attack_env *e, int fd)
{
	return fd < 0 ? 1 : attack_tell(e, "fd", 2, fd);
}

static int give_udp(const struct attack_env *e)
{
	return give(e, open_socket(AF_INET, SOCK_DGRAM, 0));
}

static int give_udp6(const struct attack_env *e)
{
	return give(e, open_socket(AF_INET6, SOCK_DGRAM, 0));
}

static int give_connected(const struct attack_env *e)
{
	return give(e, connect_to(open_socket(AF_INET, SOCK_DGRAM, 0), target4(e)));
}

static int give_tcp_new(const struct attack_env *e)
{
	return give(e, open_socket(AF_INET, SOCK_STREAM, 0));
}

static int give_tcp(const struct attack_env *e)
{
	return give(e, repaired(e, SEQ));
}

static int give_ping(const struct attack_env *e)
{
	return give(e, open_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
}

static int give_raw(const struct attack_env *e)
{
	return give(e, open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
}

static int give_packet(const struct attack_env *e)
{
	return give(e, open_socket(AF_PACKET, SOCK_RAW, 0));
}

static int give_xdp(const struct attack_env *e)
{
	return give(e, xdp_ready(e));
}

/* A socket within a socket: the descriptor waits in the queue of one that is handed in. */
static int give_wrapped(const struct attack_env *e)
{
	struct attack_env inner = *e;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 1;
	inner.helper = pair[0];
	return give_udp(&inner) || give(e, pair[1]);
}

/* ---- who sends. A step: the descriptor that was handed in */
static int taken(const struct attack_env *e)
{
	char word[8];
	int fd = -1, n = attack_hear(e, word, sizeof(word), &fd);

	/* a descriptor that was refused is left out without a word */
	return fd < 0 ? (n < 0 ? n : -EACCES) : step(fd, "recvmsg", 0);
}

static int scm_udp(const struct attack_env *e)
{
	return send_mark(e, taken(e), target4(e));
}

static int scm_udp6(const struct attack_env *e)
{
	return send_mark(e, taken(e), target6(e));
}

static int scm_connected(const struct attack_env *e)
{
	return send_connected(e, taken(e));
}

static int scm_tcp_connect(const struct attack_env *e)
{
	return done(connect_to(taken(e), target4(e)));
}

static int scm_ping(const struct attack_env *e)
{
	struct packet p = packet_mark(e, 0);
	struct dest to = target4(e);
	int fd = taken(e);

	packet_icmp(&p, 8, 0, 0);
	return done(step(fd, "sendto", sendto(fd, packet_data(&p), p.len, 0, &to.sa, to.len)));
}

static int scm_raw(const struct attack_env *e)
{
	struct packet p = packet_target4(e);
	struct dest to = target4(e);
	int fd = taken(e);

	return done(step(fd, "sendto", sendto(fd, packet_data(&p), p.len, 0, &to.sa, to.len)));
}

static int scm_packet(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	return put_frame(taken(e), e->dev, &p);
}

static int scm_xdp(const struct attack_env *e)
{
	return done(xdp_kick(taken(e)));
}

static int scm_wrapped(const struct attack_env *e)
{
	struct attack_env inner = *e;

	inner.helper = taken(e);
	return inner.helper < 0 ? done(inner.helper) : scm_udp(&inner);
}

static int scm_write(const struct attack_env *e)
{
	int fd = taken(e);

	return done(step(fd, "write", write(fd, e->mark, e->mark_len)));
}

static int scm_writev(const struct attack_env *e)
{
	struct iovec data = payload(e, 0);
	int fd = taken(e);

	return done(step(fd, "writev", writev(fd, &data, 1)));
}

static int scm_sendmmsg(const struct attack_env *e)
{
	struct dest to = target4(e);
	struct iovec data = payload(e, 0);
	struct mmsghdr m = { .msg_hdr = { .msg_name = &to.sa,
					  .msg_namelen = to.len,
					  .msg_iov = &data,
					  .msg_iovlen = 1 } };
	int fd = taken(e);

	return done(step(fd, "sendmmsg", sendmmsg(fd, &m, 1, 0)));
}

/* Before Linux 6.5 pages go to the protocol on a way of their own. */
static int scm_sendfile(const struct attack_env *e)
{
	int file = memfd_create("attack", MFD_CLOEXEC), fd = taken(e);
	off_t from = 0;

	file = step(file, "write", write(file, e->mark, e->mark_len));
	return done(step(fd, "sendfile", sendfile(fd, file, &from, e->mark_len)));
}

static int scm_splice(const struct attack_env *e)
{
	int p[2], fd = taken(e);

	if (pipe2(p, O_CLOEXEC) || write(p[1], e->mark, e->mark_len) < 0)
		return attack_said("pipe", errno);
	return done(step(fd, "splice", splice(p[0], NULL, fd, NULL, e->mark_len, 0)));
}

static int scm_aio(const struct attack_env *e)
{
	int fd = taken(e);
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = (uint32_t)fd,
		.aio_buf = (uintptr_t)e->mark,
		.aio_nbytes = e->mark_len,
	};
	struct iocb *list[] = { &cb };
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx))
		return errno == ENOSYS ? attack_skip("no AIO") : attack_said("io_setup", errno);
	return done(step(fd, "io_submit", syscall(SYS_io_submit, ctx, 1, list)));
}

/* A process made by fork() has what its parent was handed. */
static int scm_child(const struct attack_env *e)
{
	int fd = taken(e);

	return by_child(e, fd);
}

/* ---- taken without being asked. The maker has no more rights than the attacker. */
struct thief {
	uid_t uid;
	gid_t gid;
};

static bool become(const struct thief *who)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	return !setgroups(0, NULL) && !setresgid(who->gid, who->gid, who->gid) &&
	       !setresuid(who->uid, who->uid, who->uid) && !syscall(SYS_capset, &h, none) &&
	       !prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

struct loot {
	pid_t pid;
	int fd;
};

static int be_robbed(const struct attack_env *e)
{
	struct loot l = { .pid = getpid(), .fd = open_socket(AF_INET, SOCK_DGRAM, 0) };
	struct thief who;

	if (attack_hear(e, &who, sizeof(who), NULL) != sizeof(who) || !become(&who))
		return 1;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	return attack_tell(e, &l, sizeof(l), -1);
}

static int pidfd_steal(const struct attack_env *e)
{
	struct thief me = { .uid = getuid(), .gid = getgid() };
	struct loot l;
	int pidfd;

	attack_tell(e, &me, sizeof(me), -1);
	if (attack_hear(e, &l, sizeof(l), NULL) != sizeof(l))
		return attack_said("helper", EIO);
	pidfd = (int)syscall(SYS_pidfd_open, l.pid, 0);
	if (pidfd < 0)
		return attack_said("pidfd_open", errno);
	l.fd = (int)syscall(SYS_pidfd_getfd, pidfd, l.fd, 0);
	return l.fd < 0 ? attack_said("pidfd_getfd", errno) : send_mark(e, l.fd, target4(e));
}

#define GIVEN(id, text, code, maker)                                                               \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_LSM, .run = code, .helper = maker,          \
		.where = PLACE_APP,                                                                \
	}

const struct attack attacks_fd[] = {
	GIVEN("scm_udp", "UDP socket from outside (SCM_RIGHTS)", scm_udp, give_udp),
	GIVEN("scm_udp6", "... IPv6", scm_udp6, give_udp6),
	GIVEN("scm_udp_conn", "... that is connected", scm_connected, give_connected),
	GIVEN("scm_tcp_new", "TCP socket from outside: connect()", scm_tcp_connect, give_tcp_new),
	GIVEN("scm_tcp", "TCP connection from outside", scm_connected, give_tcp),
	GIVEN("scm_ping", "ping socket from outside", scm_ping, give_ping),
	GIVEN("scm_raw", "raw socket from outside", scm_raw, give_raw),
	GIVEN("scm_packet", "packet socket from outside", scm_packet, give_packet),
	{ .name = "scm_xdp",
	  .what = "AF_XDP socket from outside",
	  .stop = STOP_LSM,
	  .flags = ATTACK_ALONE, /* a device has one queue */
	  .run = scm_xdp,
	  .helper = give_xdp,
	  .where = PLACE_APP },
	GIVEN("scm_wrapped", "socket that comes in the queue of another", scm_wrapped,
	      give_wrapped),
	GIVEN("scm_write", "socket from outside: write()", scm_write, give_connected),
	GIVEN("scm_writev", "... writev()", scm_writev, give_connected),
	GIVEN("scm_sendmmsg", "... sendmmsg()", scm_sendmmsg, give_udp),
	GIVEN("scm_sendfile", "... sendfile()", scm_sendfile, give_connected),
	GIVEN("scm_tcp_file", "... sendfile() into a TCP connection", scm_sendfile, give_tcp),
	GIVEN("scm_splice", "... splice()", scm_splice, give_connected),
	GIVEN("scm_tcp_splice", "... splice() into a TCP connection", scm_splice, give_tcp),
	GIVEN("scm_aio", "... io_submit()", scm_aio, give_connected),
	GIVEN("scm_child", "... by a child", scm_child, give_udp),
	GIVEN("pidfd_steal", "socket taken from a process (pidfd_getfd)", pidfd_steal, be_robbed),
	{ 0 },
};

// SPDX-License-Identifier: GPL-2.0-only
/* Processes that come into the guard late, that leave it, or that never were in it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build.h"
#include "recipe.h"
#include "ring.h"

#define SEQ 1000

/* ---- moved in: as `docker exec` does it, with what the process had opened before */
static int mover(const struct attack_env *e)
{
	pid_t pid;

	while (attack_hear(e, &pid, sizeof(pid), NULL) == sizeof(pid))
		if (attack_move(pid, e->cgroup) || attack_tell(e, "ok", 2, -1))
			return 1;
	return 0;
}

/* A step: this process is in the guard from here on. */
static int moved_in(const struct attack_env *e, int fd)
{
	pid_t pid = getpid();
	char word[8];

	if (fd < 0)
		return fd;
	attack_tell(e, &pid, sizeof(pid), -1);
	return attack_hear(e, word, sizeof(word), NULL) == 2 ? step(fd, "move", 0) : -EIO;
}

static int moved_udp(const struct attack_env *e)
{
	return send_mark(e, moved_in(e, open_socket(AF_INET, SOCK_DGRAM, 0)), target4(e));
}

static int moved_udp6(const struct attack_env *e)
{
	return send_mark(e, moved_in(e, open_socket(AF_INET6, SOCK_DGRAM, 0)), target6(e));
}

static int moved_connected(const struct attack_env *e)
{
	int fd = connect_to(open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));

	return send_connected(e, moved_in(e, fd));
}

static int moved_tcp_new(const struct attack_env *e)
{
	return done(connect_to(moved_in(e, open_socket(AF_INET, SOCK_STREAM, 0)), target4(e)));
}

static int moved_tcp(const struct attack_env *e)
{
	return send_connected(e, moved_in(e, repaired(e, SEQ)));
}

static int moved_raw(const struct attack_env *e)
{
	int fd = moved_in(e, open_socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	struct packet p = packet_target4(e);
	struct dest to = target4(e);

	return done(step(fd, "sendto", sendto(fd, packet_data(&p), p.len, 0, &to.sa, to.len)));
}

static int send_frame(const struct attack_env *e, int fd)
{
	struct packet p = packet_target4(e);

	packet_eth(&p, e->rogue_mac, e->own_mac, ETH_P_IP);
	return put_frame(fd, e->dev, &p);
}

static int moved_packet(const struct attack_env *e)
{
	return send_frame(e, moved_in(e, open_socket(AF_PACKET, SOCK_RAW, 0)));
}

/* The socket goes through an exec, and belongs to a child of the process that was moved. */
static int moved_child(const struct attack_env *e)
{
	int fd = moved_in(e, open_socket(AF_INET, SOCK_DGRAM, 0));

	return by_child(e, fd);
}

/* Half of a datagram was there before. */
static int moved_corked(const struct attack_env *e)
{
	struct dest to = target4(e);
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	fd = step(fd, "sendto", sendto(fd, e->mark, e->mark_len, MSG_MORE, &to.sa, to.len));
	return send_mark(e, moved_in(e, fd), to);
}

/* A child from before is left outside, and does the sending. */
static int left_child(const struct attack_env *e)
{
	int go[2], status = 0;
	char c;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return attack_said("pipe", errno);
	pid = fork();
	if (!pid)
		_exit(read(go[0], &c, 1) == 1 ? send_udp4(e, e->target4) : 0);
	moved_in(e, go[1]);
	if (write(go[1], "", 1) != 1 || waitpid(pid, &status, 0) < 0)
		return attack_said("fork", errno);
	return ATTACK_TRIED;
}

/* The poller of a ring that the child writes into is the parent's, who stays outside. */
static int left_uring(const struct attack_env *e)
{
	struct ring r = ring_open(IORING_SETUP_SQPOLL);
	int fd = connect_to(open_socket(AF_INET, SOCK_DGRAM, 0), target4(e)), status;
	pid_t pid;

	if (r.fd >= 0 && !(r.features & IORING_FEAT_SQPOLL_NONFIXED))
		return attack_skip("SQPOLL: registered files only");
	pid = fork();
	if (!pid) {
		ring_next(&r, IORING_OP_SEND, moved_in(e, fd), e->mark, e->mark_len);
		_exit(ring_said(&r, "send", ring_run(&r)));
	}
	if (waitpid(pid, &status, 0) < 0)
		return attack_said("waitpid", errno);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ATTACK_TRIED;
}

/* ---- moved out, by themselves */
static int cgroup_escape(const struct attack_env *e)
{
	int err = attack_move(getpid(), e->cgroup_other);

	return err ? attack_said("cgroup.procs", -err) : send_udp4(e, e->target4);
}

static int clone_into(const struct attack_env *e)
{
	struct clone_args a = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	int status = 0, dir = open(e->cgroup_other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long pid;

	if (dir < 0)
		return attack_said("open", errno);
	a.cgroup = (uint64_t)dir;
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (!pid)
		_exit(send_udp4(e, e->target4));
	if (pid < 0)
		return errno == ENOSYS ? attack_skip("clone3: not on this kernel")
				       : attack_said("clone3", errno);
	return waitpid((pid_t)pid, &status, 0) < 0 ? attack_said("waitpid", errno) : ATTACK_TRIED;
}

/* A socket of an escape, used after the way back in. */
static int escape_return(const struct attack_env *e)
{
	int fd, err = attack_move(getpid(), e->cgroup_other);

	if (err)
		return attack_said("cgroup.procs", -err);
	fd = open_socket(AF_INET, SOCK_DGRAM, 0);
	err = attack_move(getpid(), e->cgroup);
	return send_mark(e, err ? err : fd, target4(e));
}

/* ---- outside all the time, in the container's namespace: dockerd, nsenter. At a word of ours. */
static int wait_word(const struct attack_env *e, int (*send)(const struct attack_env *e))
{
	char word[8];

	return attack_hear(e, word, sizeof(word), NULL) > 0 && !send(e) &&
			       !attack_tell(e, "ok", 2, -1)
		       ? 0
		       : 1;
}

static int ask(const struct attack_env *e)
{
	char word[8];

	if (attack_tell(e, "go", 2, -1) || attack_hear(e, word, sizeof(word), NULL) < 0)
		return attack_said("helper", EIO);
	return attack_said("asked somebody outside", 0);
}

static int out_udp(const struct attack_env *e)
{
	return send_udp4(e, e->target4);
}

static int out_udp6(const struct attack_env *e)
{
	return send_udp6(e, e->target6);
}

static int out_tcp(const struct attack_env *e)
{
	return done(connect_to(open_socket(AF_INET, SOCK_STREAM, 0), target4(e)));
}

static int out_raw(const struct attack_env *e)
{
	struct packet p = packet_target4(e);

	return inject4(&p, e->target4) < 0;
}

static int out_packet(const struct attack_env *e)
{
	return send_frame(e, open_socket(AF_PACKET, SOCK_RAW, 0));
}

static int outsider_udp(const struct attack_env *e)
{
	return wait_word(e, out_udp);
}

static int outsider_udp6(const struct attack_env *e)
{
	return wait_word(e, out_udp6);
}

static int outsider_tcp(const struct attack_env *e)
{
	return wait_word(e, out_tcp);
}

static int outsider_raw(const struct attack_env *e)
{
	return wait_word(e, out_raw);
}

static int outsider_packet(const struct attack_env *e)
{
	return wait_word(e, out_packet);
}

#define MOVED(id, text, right, code)                                                               \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_LSM, .needs = right,                        \
		.flags = ATTACK_OUTSIDE, .run = code, .helper = mover, .where = PLACE_APP,         \
	}
#define OUTSIDER(id, text, by, more, code)                                                         \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .flags = more, .run = ask, .helper = code,   \
		.where = PLACE_APP,                                                                \
	}

const struct attack attacks_moved[] = {
	MOVED("moved_udp", "process moved in with a UDP socket", NEEDS_NOTHING, moved_udp),
	MOVED("moved_udp6", "... IPv6", NEEDS_NOTHING, moved_udp6),
	MOVED("moved_udp_conn", "... that is connected", NEEDS_NOTHING, moved_connected),
	MOVED("moved_cork", "... with half of a datagram in it", NEEDS_NOTHING, moved_corked),
	MOVED("moved_tcp_new", "... with a TCP socket: connect()", NEEDS_NOTHING, moved_tcp_new),
	MOVED("moved_tcp", "... with a TCP connection", NEEDS_NET_ADMIN, moved_tcp),
	MOVED("moved_raw", "... with a raw socket", NEEDS_NET_RAW, moved_raw),
	MOVED("moved_packet", "... with a packet socket", NEEDS_NET_RAW, moved_packet),
	MOVED("moved_child", "... with a UDP socket, and its child sends", NEEDS_NOTHING,
	      moved_child),
	{ .name = "left_child",
	  .what = "process moved in; its child stays outside and sends",
	  .stop = STOP_I3,
	  .flags = ATTACK_OUTSIDE,
	  .run = left_child,
	  .helper = mover,
	  .where = PLACE_APP },
	{ .name = "left_uring",
	  .what = "a child moved in, whose io_uring poller stays outside with its parent",
	  .stop = STOP_LSM,
	  .flags = ATTACK_OUTSIDE,
	  .run = left_uring,
	  .helper = mover,
	  .where = PLACE_APP },
	{ .name = "cgroup_escape",
	  .what = "writes itself into another cgroup (needs a writable cgroupfs)",
	  .stop = STOP_I3,
	  .needs = NEEDS_NET_RAW,
	  .run = cgroup_escape },
	{ .name = "cgroup_back",
	  .what = "... makes a socket there and comes back with it",
	  .stop = STOP_LSM,
	  .needs = NEEDS_NET_RAW,
	  .run = escape_return },
	{ .name = "clone_into",
	  .what = "a child born in another cgroup (CLONE_INTO_CGROUP)",
	  .stop = STOP_I3,
	  .needs = NEEDS_NET_RAW,
	  .run = clone_into },
	OUTSIDER("outsider_udp", "process in the namespace, not in the cgroup: UDP", STOP_I3, 0,
		 outsider_udp),
	OUTSIDER("outsider_udp6", "... IPv6", STOP_I3, 0, outsider_udp6),
	OUTSIDER("outsider_tcp", "... TCP", STOP_I3, 0, outsider_tcp),
	OUTSIDER("outsider_raw", "... a raw socket", STOP_I3, 0, outsider_raw),
	OUTSIDER("outsider_packet", "... a packet socket", STOP_I3, 0, outsider_packet),
	OUTSIDER("outsider_gw", "... UDP, through the gateway", STOP_I2, ATTACK_GATEWAY,
		 outsider_udp),
	OUTSIDER("outsider_gw6", "... IPv6", STOP_I2, ATTACK_GATEWAY, outsider_udp6),
	{ 0 },
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody outside who does what he is told: what the container says to him is no packet. Which of
 * them there are is up to what is mounted into the container and shared with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/un.h>
#include <unistd.h>

#include "send.h"

#define GIVE_UP_MS 2000
#define TRIES	   200

/* ---- the brokers: helpers. What they are sent goes to the target. */
static int pass_on(const struct attack_env *e, const void *data, ssize_t len)
{
	struct dest to = target4(e);
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || len <= 0 || sendto(fd, data, (size_t)len, 0, &to.sa, to.len) < 0)
		return 1;
	return attack_tell(e, "ok", 2, -1);
}

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, GIVE_UP_MS) == 1;
}

static int pass_on_from(const struct attack_env *e, int fd)
{
	char buf[256];

	return readable(fd) ? pass_on(e, buf, recv(fd, buf, sizeof(buf), 0)) : 1;
}

static int broker(const struct attack_env *e, int fd)
{
	attack_tell(e, "up", 2, -1);
	return pass_on_from(e, fd);
}

static int broker_pair(const struct attack_env *e)
{
	char buf[256];

	return pass_on(e, buf, attack_hear(e, buf, sizeof(buf), NULL));
}

/* An abstract name: each process in the network namespace finds it, without any file. */
static struct dest abstract_name(const struct attack_env *e)
{
	struct dest to = { .len = sizeof(struct sockaddr_un) };
	struct sockaddr_un *a = (struct sockaddr_un *)to.raw;

	a->sun_family = AF_UNIX;
	memcpy(a->sun_path + 1, e->mark, e->mark_len);
	return to;
}

static int broker_abstract(const struct attack_env *e)
{
	return broker(e, bind_to(open_socket(AF_UNIX, SOCK_DGRAM, 0), abstract_name(e)));
}

static struct dest netlink_port(uint32_t port)
{
	struct dest to = { .len = sizeof(struct sockaddr_nl) };
	struct sockaddr_nl *a = (struct sockaddr_nl *)to.raw;

	a->nl_family = AF_NETLINK;
	a->nl_pid = port;
	return to;
}

static int broker_netlink(const struct attack_env *e)
{
	return broker(e, bind_to(open_socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK),
				 netlink_port(e->port)));
}

static struct dest vsock_port(uint32_t cid, uint32_t port)
{
	struct dest to = { .len = sizeof(struct sockaddr_vm) };
	struct sockaddr_vm *a = (struct sockaddr_vm *)to.raw;

	a->svm_family = AF_VSOCK;
	a->svm_cid = cid;
	a->svm_port = port;
	return to;
}

static int broker_vsock(const struct attack_env *e)
{
	int fd =
		bind_to(open_socket(AF_VSOCK, SOCK_STREAM, 0), vsock_port(VMADDR_CID_ANY, e->port));

	fd = step(fd, "listen", fd < 0 ? -1 : listen(fd, 1));
	attack_tell(e, "up", 2, -1);
	return readable(fd) ? pass_on_from(e, accept(fd, NULL, NULL)) : 1;
}

/* Memory that both have: a file on a shared volume, /dev/shm of the host. */
struct shared {
	char data[256];
	uint32_t len;
};

static int share(const struct attack_env *e, struct shared **ret)
{
	int fd = memfd_create("shared", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(**ret)))
		return 1;
	*ret = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return *ret == MAP_FAILED || attack_tell(e, "up", 2, fd);
}

static int broker_memory(const struct attack_env *e)
{
	struct shared *s;
	int i;

	if (share(e, &s))
		return 1;
	for (i = 0; i < TRIES && !__atomic_load_n(&s->len, __ATOMIC_ACQUIRE); i++)
		poll(NULL, 0, GIVE_UP_MS / TRIES); /* nothing tells that memory was written */
	return pass_on(e, s->data, (ssize_t)s->len);
}

struct note {
	long type;
	char text[256];
};

static int broker_queue(const struct attack_env *e)
{
	int id = msgget(IPC_PRIVATE, 0666);
	struct note n;
	ssize_t len;

	if (id < 0 || attack_tell(e, &id, sizeof(id), -1))
		return 1;
	len = msgrcv(id, &n, sizeof(n.text), 0, 0);
	msgctl(id, IPC_RMID, NULL);
	return pass_on(e, n.text, len);
}

/* A named pipe or a file: what a volume that is shared with the host may hold. */
static int broker_pipe(const struct attack_env *e)
{
	char buf[256];
	int p[2];

	if (pipe2(p, O_CLOEXEC) || attack_tell(e, "up", 2, p[1]))
		return 1;
	return pass_on(e, buf, read(p[0], buf, sizeof(buf)));
}

/* ---- attacks */
static bool is_up(const struct attack_env *e, int *ret_fd)
{
	char word[8];

	return attack_hear(e, word, sizeof(word), ret_fd) > 0;
}

/* Waits until the broker has passed it on. */
static int brokered(const struct attack_env *e, int tried)
{
	is_up(e, NULL);
	return tried;
}

static int by_unix(const struct attack_env *e)
{
	int err = attack_tell(e, e->mark, e->mark_len, -1);

	return brokered(e, attack_said("sendmsg", -err));
}

static int by_name(const struct attack_env *e)
{
	is_up(e, NULL);
	return brokered(e, send_mark(e, open_socket(AF_UNIX, SOCK_DGRAM, 0), abstract_name(e)));
}

static int by_netlink(const struct attack_env *e)
{
	is_up(e, NULL);
	return brokered(e, send_mark(e, open_socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK),
				     netlink_port(e->port)));
}

/* A step: a connection that is being made is made, or is not. */
static int connected(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(errno);

	if (fd >= 0 &&
	    (poll(&p, 1, GIVE_UP_MS) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &len)))
		errno = ETIMEDOUT;
	return step(fd, "connect", errno ? -1 : 0);
}

static int by_vsock(const struct attack_env *e)
{
	int fd;

	is_up(e, NULL);
	fd = connect_to(open_socket(AF_VSOCK, SOCK_STREAM, 0),
			vsock_port(VMADDR_CID_LOCAL, e->port));
	fd = connected(fd);
	if (fd == -ENODEV || fd == -EADDRNOTAVAIL || fd == -ECONNRESET || fd == -ETIMEDOUT)
		return attack_skip("AF_VSOCK: no loopback");
	return fd < 0 ? done(fd) : brokered(e, send_connected(e, fd));
}

static int by_memory(const struct attack_env *e)
{
	struct shared *s;
	int fd = -1;

	if (!is_up(e, &fd) || fd < 0)
		return attack_said("recvmsg", EACCES);
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s == MAP_FAILED)
		return attack_said("mmap", errno);
	memcpy(s->data, e->mark, e->mark_len);
	__atomic_store_n(&s->len, (uint32_t)e->mark_len, __ATOMIC_RELEASE);
	return brokered(e, attack_said("mmap", 0));
}

static int by_queue(const struct attack_env *e)
{
	struct note n = { .type = 1 };
	int id;

	if (attack_hear(e, &id, sizeof(id), NULL) != sizeof(id))
		return attack_said("helper", EIO);
	memcpy(n.text, e->mark, e->mark_len);
	if (msgsnd(id, &n, e->mark_len, 0))
		return attack_said("msgsnd", errno);
	return brokered(e, attack_said("msgsnd", 0));
}

static int by_pipe(const struct attack_env *e)
{
	int fd = -1;

	if (!is_up(e, &fd) || fd < 0)
		return attack_said("recvmsg", EACCES);
	return brokered(e, done(step(fd, "write", write(fd, e->mark, e->mark_len))));
}

#define OUTSIDE(id, text, code, who, why)                                                          \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_OUT, .why_out = why, .run = code,           \
		.helper = who, .where = PLACE_ROGUE,                                               \
	}
/* ... who sits in the container's own network namespace: his packets pass the seal, too */
#define WITHIN(id, text, code, who)                                                                \
	{                                                                                          \
		.name = id, .what = text, .stop = STOP_I3, .run = code, .helper = who,             \
		.where = PLACE_APP,                                                                \
	}
#define NO_SOCKETS "a program outside sends of its own accord: mount no sockets of such programs"
#define NO_SHARING "a program outside sends of its own accord: share no memory or IPC with it"
#define NO_VOLUMES "a program outside sends of its own accord: share no volumes with it"
#define NO_VSOCK                                                                                   \
	"not a network: Docker's seccomp profile refuses the family, and BPF LSM does where it "   \
	"is on"

const struct attack attacks_broker[] = {
	OUTSIDE("broker_unix", "AF_UNIX: a program on the host sends", by_unix, broker_pair,
		NO_SOCKETS),
	OUTSIDE("broker_pipe", "a pipe to a program on the host", by_pipe, broker_pipe, NO_VOLUMES),
	OUTSIDE("broker_memory", "memory shared with a program on the host", by_memory,
		broker_memory, NO_SHARING),
	OUTSIDE("broker_queue", "a message queue (ipc: host)", by_queue, broker_queue, NO_SHARING),
	OUTSIDE("broker_vsock", "AF_VSOCK: a program on the host sends", by_vsock, broker_vsock,
		NO_VSOCK),
	WITHIN("broker_abstract", "AF_UNIX by an abstract name: a program in the same namespace",
	       by_name, broker_abstract),
	WITHIN("broker_netlink", "netlink: a program in the same namespace", by_netlink,
	       broker_netlink),
	{ 0 },
};

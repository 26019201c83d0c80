// SPDX-License-Identifier: GPL-2.0-only
/*
 * 1,000 reloads between two policies that both allow A and both deny B, under traffic: nothing for
 * B may reach the wire, nothing for A may be refused. Then the same while the programs themselves
 * are exchanged under the links.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

#define RELOADS	      1000
#define PROGRAM_SWAPS 40
#define SENDERS	      2
#define TIMEOUT_S     240
/* A: on-link and listed, and through the gateway. B: on-link and not listed, and elsewhere. */
static const char *const good[] = { "10.0.3.9", "192.0.2.1" };
static const char *const bad[] = { "10.0.4.9", "192.0.2.129" };

/* Shared with the senders. */
static struct board {
	volatile bool stop;
	volatile uint64_t sent[SENDERS], refused[SENDERS], escaped[SENDERS];
	volatile int broken; /* errno of something unforeseen */
} * board;

/* The senders' counts at settle(); theirs alone to write, so they are not set to zero. */
static struct tally {
	uint64_t sent, refused, escaped;
} start[SENDERS];

static void policy_text(char *buf, size_t size, int which)
{
	int n = snprintf(buf, size,
			 "version: 1\nguards:\n  - name: a\n    cgroup: %s\n"
			 "    gateway: {address: %s10.0.9.1]}\n    kill_switch: {lease: off}\n"
			 "    local:\n      - 10.0.9.0/24\n      - 10.0.3.0/24\n",
			 instance_cgroup("a"), which ? "[10.0.9.2, " : "[");
	int i;

	/* both sorts of lists: one policy fits inline, the other does not */
	for (i = 0; i < (which ? 20 : 3); i++)
		n += snprintf(buf + n, size - n, "      - 10.%d.%d.0/24\n", 40 + which, i);
}

static int connected(const char *addr)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PROBE_PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, addr, &to.sin_addr);
	check(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect: %m");
	return fd;
}

/* 1: went out, 0: refused. to NULL: connected. */
static int send_one(int fd, const char *to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PROBE_PORT) };
	ssize_t n;

	if (to)
		inet_pton(AF_INET, to, &sin.sin_addr);
	n = to ? sendto(fd, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)) : send(fd, "x", 1, 0);
	if (n < 0 && errno != EPERM)
		board->broken = errno;
	return n == 1;
}

static void send_for_ever(int me)
{
	int open_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), to_good[2], to_bad[2], i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < 2; i++) {
		to_good[i] = connected(good[i]);
		to_bad[i] = connected(bad[i]);
	}
	while (!board->stop) {
		for (i = 0; i < 2; i++) {
			int ok = send_one(to_good[i], NULL) + send_one(open_fd, good[i]);

			board->sent[me] += ok;
			board->refused[me] += 2 - ok;
			board->escaped[me] += send_one(to_bad[i], NULL) + send_one(open_fd, bad[i]);
		}
	}
	_exit(0);
}

/* The senders' namespace: veth v0 here, v1 (the wire's other end) there. */
static pid_t start_senders(pid_t receiver, int ready)
{
	pid_t pid = fork();
	int i;

	check(pid >= 0, "fork: %m");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	check(!unshare(CLONE_NEWNET), "unshare: %m");
	shell("ip link set lo up; ip link add v0 type veth peer name v1 netns %d && "
	      "nsenter --net=/proc/%d/ns/net sh -c 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1; "
	      "ip link set v1 up' && sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && "
	      "ip addr add 10.0.0.5/16 dev v0 && ip link set v0 up && "
	      "ip route add 192.0.2.0/26 via 10.0.9.1 && ip route add 192.0.2.128/26 via 10.0.9.3 "
	      "&& "
	      "for a in 10.0.3.9 10.0.4.9 10.0.9.1 10.0.9.3; do "
	      "ip neigh add $a lladdr 02:00:00:00:00:09 dev v0 nud permanent || exit 1; done",
	      receiver, receiver);
	instance_join("a");
	for (i = 0; i < SENDERS; i++)
		if (!fork())
			send_for_ever(i);
	check(write(ready, "r", 1) == 1, "%m");
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* A capture that keeps only what is for one of two addresses (offsets behind the Ethernet header).
 */
static int capture(const char *const addr[2])
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP));
	uint32_t a = inet_addr(addr[0]), b = inet_addr(addr[1]);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 30), /* IPv4 destination */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(a), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(b), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 64),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	check(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)),
	      "capture: %m");
	return fd;
}

/* Packets since the last call, those that found the buffer full included. */
static unsigned int captured(int fd)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);
	char buf[64];

	while (recv(fd, buf, sizeof(buf), 0) >= 0)
		;
	check(!getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len), "statistics: %m");
	return st.tp_packets;
}

static void wait_for(int fd, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	check(poll(&p, 1, 10000) == 1, "%s: never seen", what);
}

/* Makes the next load exchange the programs of a guard that stays. */
static void forget_object(void)
{
	char path[256];
	struct bg_manifest m;
	uint32_t slot = 0;
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/maps/bg_manifest", base_pins_dir());
	fd = bpf_obj_get(path);
	check(fd >= 0 && !bpf_map_lookup_elem(fd, &slot, &m), "%s: %m", path);
	memset(m.object, 0, sizeof(m.object));
	check(!bpf_map_update_elem(fd, &slot, &m, BPF_ANY), "%s: %m", path);
}

static void judge(const char *what, int bad_fd, unsigned int times)
{
	uint64_t sent = 0, refused = 0, escaped = 0;
	unsigned int seen = captured(bad_fd);
	int i;

	for (i = 0; i < SENDERS; i++) {
		check(board->sent[i] - start[i].sent > times, "%s: sender %d hardly ran", what, i);
		sent += board->sent[i] - start[i].sent;
		refused += board->refused[i] - start[i].refused;
		escaped += board->escaped[i] - start[i].escaped;
	}
	check(!board->broken, "%s: a send failed: %s", what, strerror(board->broken));
	check(!seen && !escaped, "%s: %u packets for B were captured, %llu sends accepted", what,
	      seen, (unsigned long long)escaped);
	check(!refused, "%s: %llu of %llu sends to A were refused", what,
	      (unsigned long long)refused, (unsigned long long)(refused + sent));
	printf("%u %s under traffic: %llu datagrams to A, 0 refused; B: 0 on the wire\n", times,
	       what, (unsigned long long)sent);
}

static int open_netns(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0, "%s: %m", path);
	return fd;
}

/* From here on it counts: waits until each sender has begun a new round, then notes where it is. */
static void settle(int bad_fd)
{
	int i;

	for (i = 0; i < SENDERS; i++) {
		uint64_t then = board->sent[i];

		while (board->sent[i] < then + 8 && !board->broken)
			sched_yield();
	}
	for (i = 0; i < SENDERS; i++)
		start[i] = (struct tally){ board->sent[i], board->refused[i], board->escaped[i] };
	captured(bad_fd);
}

/* The receiver's namespace, kept by a child. */
static pid_t start_keeper(int ready[2])
{
	pid_t pid = fork();
	char c;

	check(pid >= 0, "fork: %m");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		check(!unshare(CLONE_NEWNET) && write(ready[1], "r", 1) == 1, "%m");
		pause();
		_exit(0);
	}
	check(read(ready[0], &c, 1) == 1, "%m");
	return pid;
}

static int swaps(int argc, char **argv)
{
	char text[2][2048];
	int good_fd, bad_fd, here, there, ready[2], i;
	pid_t keeper, senders;
	char c;

	(void)argc;
	(void)argv;
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	check(board != MAP_FAILED && !pipe(ready), "%m");
	instance_make_cgroup("a");
	policy_text(text[0], sizeof(text[0]), 0);
	policy_text(text[1], sizeof(text[1]), 1);
	keeper = start_keeper(ready);
	here = open_netns(getpid());
	there = open_netns(keeper);
	check(!setns(there, CLONE_NEWNET), "setns: %m");
	good_fd = capture(good);
	bad_fd = capture(bad);
	check(!setns(here, CLONE_NEWNET), "setns: %m");
	senders = start_senders(keeper, ready[1]);
	check(read(ready[0], &c, 1) == 1, "%m");

	/* without a guard B is on the wire: the capture can see what must not be there */
	wait_for(good_fd, "A before the guard");
	wait_for(bad_fd, "B before the guard");
	load_policy(text[0], false, LOADER_LOADED);
	settle(bad_fd);
	for (i = 1; i <= RELOADS; i++)
		load_policy(text[i % 2], true, LOADER_RELOADED);
	judge("reloads", bad_fd, RELOADS);
	settle(bad_fd);
	for (i = 1; i <= PROGRAM_SWAPS; i++) {
		forget_object();
		load_policy(text[i % 2], true, LOADER_RELOADED);
	}
	judge("exchanges of all programs", bad_fd, PROGRAM_SWAPS);
	wait_for(good_fd, "A");
	board->stop = true;
	waitpid(senders, NULL, 0);
	kill(keeper, SIGKILL);
	waitpid(keeper, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("swaps", swaps, argc, argv, TIMEOUT_S);
}

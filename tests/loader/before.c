// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that are older than the guard. Made inside of its cgroup before `load`: each sends before
 * and is refused after, and a connected TCP flow stops. Made elsewhere and brought in, or packet
 * sockets: no hook of the cgroup sees them, and `doctor` names them. What arrives is counted by a
 * capture on the other end of the wire, not by what the sender is told.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

#define TIMEOUT_S 60
#define FAR	  "10.0.4.9" /* on the link, and on no list */
#define MARK	  "bpfguard-before-"
#define PORT	  9000

enum kind { UDP, UDP_CONNECTED, UDP_MAPPED, RAW, HDRINCL, TCP, FOREIGN, FRAME, KINDS };
static const char *const names[KINDS] = { "udp",     "udp connected", "udp mapped",  "raw",
					  "hdrincl", "tcp",	      "foreign udp", "packet" };
#define INSIDE ((1u << FOREIGN) - 1)
#define ALL    ((1u << KINDS) - 1)

struct answer {
	uint32_t sent;	/* by kind: the call succeeded */
	uint32_t tries; /* of TCP, to get through */
};

static char policy[128];

/* ---- the sender: a container's stand-in ---- */
static struct sockaddr_in far_end(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	inet_pton(AF_INET, FAR, &to.sin_addr);
	return to;
}

static int open_mapped(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), off = 0;

	check(fd >= 0 && !setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)),
	      "mapped: %m");
	return fd;
}

static int connected(int type)
{
	struct sockaddr_in to = far_end();
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	check(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect: %m");
	return fd;
}

static void open_all(int fd[KINDS])
{
	fd[UDP] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fd[UDP_CONNECTED] = connected(SOCK_DGRAM);
	fd[UDP_MAPPED] = open_mapped();
	fd[RAW] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 253);
	fd[HDRINCL] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	fd[TCP] = connected(SOCK_STREAM);
	fd[FRAME] = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(fd[UDP] >= 0 && fd[RAW] >= 0 && fd[HDRINCL] >= 0 && fd[FRAME] >= 0, "socket: %m");
}

static ssize_t send_mapped(int fd, const char *text, size_t len)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };

	inet_pton(AF_INET6, "::ffff:" FAR, &to.sin6_addr);
	return sendto(fd, text, len, 0, (struct sockaddr *)&to, sizeof(to));
}

static ssize_t send_header(int fd, const char *text, size_t len)
{
	struct sockaddr_in to = far_end();
	uint8_t packet[128] = { 0x45, [8] = 64, [9] = 253 };

	memcpy(packet + 16, &to.sin_addr, 4);
	memcpy(packet + 20, text, len);
	return sendto(fd, packet, 20 + len, 0, (struct sockaddr *)&to, sizeof(to));
}

static ssize_t send_frame(int fd, const char *text, size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP),
				  .sll_ifindex = (int)if_nametoindex("d0"),
				  .sll_halen = 6 };

	memset(to.sll_addr, 0xff, 6);
	return sendto(fd, text, len, 0, (struct sockaddr *)&to, sizeof(to));
}

static ssize_t send_kind(enum kind k, int fd)
{
	struct sockaddr_in to = far_end();
	char text[64];
	size_t len = (size_t)snprintf(text, sizeof(text), MARK "%d;", k);

	switch (k) {
	case UDP_CONNECTED:
	case TCP: return send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	case UDP_MAPPED: return send_mapped(fd, text, len);
	case HDRINCL: return send_header(fd, text, len);
	case FRAME: return send_frame(fd, text, len);
	default: return sendto(fd, text, len, 0, (struct sockaddr *)&to, sizeof(to));
	}
}

/* A refused segment stays in the queue: the kernel asks again with probes, or retransmits. */
static uint32_t tries_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return 0;
	return info.tcpi_total_retrans + info.tcpi_retransmits + info.tcpi_probes +
	       info.tcpi_backoff;
}

static struct answer send_all(const int fd[KINDS])
{
	struct answer a = { 0 };
	int k;

	for (k = 0; k < KINDS; k++) {
		if (fd[k] >= 0 && send_kind(k, fd[k]) > 0)
			a.sent |= 1u << k;
		else
			check(fd[k] < 0 || errno == EPERM, "%s: %m", names[k]);
	}
	a.tries = tries_of(fd[TCP]);
	return a;
}

/* Commands: 'o' open, 's' send, 'q' how often TCP tried again, 'c' close what is not judged. */
static void serve(int in, int out)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(7777) };
	int fd[KINDS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	struct answer a = { 0 };
	char cmd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	check(!unshare(CLONE_NEWNET), "unshare: %m");
	check(write(out, &a, sizeof(a)) == sizeof(a), "pipe: %m");
	check(read(in, &cmd, 1) == 1, "pipe: %m"); /* the device is here */
	shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up && "
	      "ip addr add 10.0.0.5/16 dev d0 && ip link set d0 up");
	fd[FOREIGN] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(fd[FOREIGN] >= 0 && !bind(fd[FOREIGN], (struct sockaddr *)&any, sizeof(any)),
	      "foreign: %m");
	instance_join("top/a");
	check(write(out, &a, sizeof(a)) == sizeof(a), "pipe: %m");
	while (read(in, &cmd, 1) == 1) {
		if (cmd == 'o')
			open_all(fd);
		if (cmd == 's')
			a = send_all(fd);
		if (cmd == 'q')
			a.tries = tries_of(fd[TCP]);
		if (cmd == 'c') {
			close(fd[FOREIGN]);
			close(fd[FRAME]);
			close(fd[RAW]);
			close(fd[HDRINCL]);
		}
		check(write(out, &a, sizeof(a)) == sizeof(a), "pipe: %m");
	}
	_exit(0);
}

/* ---- the other end ---- */
struct far {
	pid_t pid;
	int to, from, capture, server, sink, flow;
	uint32_t seen; /* kinds since the last look */
};

static struct answer hear(const struct far *f)
{
	struct answer a;

	check(read(f->from, &a, sizeof(a)) == sizeof(a), "the sender died");
	return a;
}

static struct answer tell(const struct far *f, char cmd)
{
	check(write(f->to, &cmd, 1) == 1, "pipe: %m");
	return hear(f);
}

static void take_frame(struct far *f, const char *frame, ssize_t n)
{
	const char *at = memmem(frame, (size_t)n, MARK, sizeof(MARK) - 1);

	if (at && at + sizeof(MARK) - 1 < frame + n)
		f->seen |= 1u << (at[sizeof(MARK) - 1] - '0');
}

static void look(struct far *f)
{
	char frame[2048];
	ssize_t n;

	while ((n = recv(f->capture, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		take_frame(f, frame, n);
}

/* Frames of these kinds, or -1 s. */
static void wait_for_kinds(struct far *f, uint32_t kinds)
{
	uint64_t until = base_now_ns(CLOCK_MONOTONIC) + 5000000000ull;
	struct pollfd p = { .fd = f->capture, .events = POLLIN };

	for (look(f); (f->seen & kinds) != kinds; look(f))
		check(poll(&p, 1, 100) >= 0 && base_now_ns(CLOCK_MONOTONIC) < until,
		      "only kinds %#x of %#x arrived", f->seen, kinds);
}

static void begin(struct far *f)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct sockaddr_ll dev = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int to[2], from[2];

	check(!unshare(CLONE_NEWNET), "unshare: %m");
	check(!pipe(to) && !pipe(from), "pipe: %m");
	f->pid = fork();
	check(f->pid >= 0, "fork: %m");
	if (!f->pid)
		serve(to[0], from[1]);
	close(to[0]);
	close(from[1]);
	f->to = to[1];
	f->from = from[0];
	hear(f);
	shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up && "
	      "ip link add d1 type veth peer name d0 netns %d && ip addr add " FAR "/16 dev d1 && "
	      "ip link set d1 up",
	      f->pid);
	dev.sll_ifindex = (int)if_nametoindex("d1");
	f->capture = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	check(f->capture >= 0 && !bind(f->capture, (struct sockaddr *)&dev, sizeof(dev)),
	      "capture: %m");
	f->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(!bind(f->server, (struct sockaddr *)&here, sizeof(here)) && !listen(f->server, 4),
	      "server: %m");
	f->sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* else the sender hears of it */
	check(!bind(f->sink, (struct sockaddr *)&here, sizeof(here)), "sink: %m");
	tell(f, 'd');
}

static bool doctor_says(const char *what)
{
	RUN(bpfguard_path(), "doctor", "--json", "-p", policy);
	return strstr(run_stdout(), what);
}

static void check_doctor(const struct far *f)
{
	check(doctor_says("\"id\":\"socket.foreign\",\"subject\":\"before"), "%s", run_stdout());
	check(doctor_says("holds a UDP socket that was made in /"), "foreign: %s", run_stdout());
	check(doctor_says("holds a PACKET socket"), "packet: %s", run_stdout());
	check(doctor_says("holds a RAW socket"), "raw: %s", run_stdout());
	tell(f, 'c');
	check(doctor_says("sockets in it is known to come from elsewhere"), "the rest: %s",
	      run_stdout());
	check(!doctor_says("\"id\":\"socket.raw\""), "closed, and named: %s", run_stdout());
}

static int before(int argc, char **argv)
{
	struct far f = { .flow = -1 };
	struct answer a;
	char text[512];
	uint32_t tried;

	(void)argc;
	(void)argv;
	instance_make_cgroup("top");
	instance_make_cgroup("top/a");
	snprintf(text, sizeof(text),
		 "version: 1\nguards:\n  - name: a\n    cgroup: %s\n"
		 "    gateway: {address: 10.0.9.1}\n    kill_switch: {lease: off}\n"
		 "    local: [10.0.9.0/24]\n",
		 instance_cgroup("top/a"));
	snprintf(policy, sizeof(policy), "%s", instance_file("policy", text));
	begin(&f);
	tell(&f, 'o');
	f.flow = accept4(f.server, NULL, NULL, SOCK_CLOEXEC);
	a = tell(&f, 's');
	check(a.sent == ALL, "control: only kinds %#x can be sent", a.sent);
	wait_for_kinds(&f, ALL);

	check(RUN(bpfguard_path(), "load", "-p", policy) == EXIT_YES, "load: %s", run_stderr());
	look(&f);
	f.seen = 0;
	a = tell(&f, 's');
	/* a stream takes what it is given; whether it goes out is another matter */
	check((a.sent & INSIDE) == 1u << TCP, "after load kinds %#x are sent", a.sent & INSIDE);
	/* these no hook of the cgroup sees: they also tell that the capture still works */
	wait_for_kinds(&f, 1u << FOREIGN | 1u << FRAME);
	tried = a.tries;
	for (; a.tries < tried + 2; a = tell(&f, 'q'))
		poll(NULL, 0, 50);
	look(&f);
	check(!(f.seen & INSIDE), "after load kinds %#x arrived", f.seen & INSIDE);
	check_doctor(&f);
	kill(f.pid, SIGKILL);
	waitpid(f.pid, NULL, 0);
	printf("%d kinds of sockets that are older than the guard: refused; %d from elsewhere: "
	       "named\n",
	       FOREIGN, KINDS - FOREIGN);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("before", before, argc, argv, TIMEOUT_S);
}

// SPDX-License-Identifier: GPL-2.0-only
/* See probe.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

void shell(const char *fmt, ...)
{
	char cmd[1024];
	va_list args;
	int status;

	va_start(args, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, args);
	va_end(args);
	fflush(NULL);
	status = system(cmd);
	check(status == 0, "status %d of: %s", status, cmd);
}

static void lay_out(void)
{
	check(!unshare(CLONE_NEWNET), "unshare: %m");
	shell("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up && "
	      "ip link add d0 type veth peer name d1 && ip link set d1 up && "
	      "ip addr add 10.0.0.5/16 dev d0 && ip link set d0 up && "
	      "ip route add 192.0.2.0/26 via " PROBE_ROUTER1 " && "
	      "ip route add 192.0.2.64/26 via " PROBE_ROUTER2 " && "
	      "ip route add 192.0.2.128/26 via " PROBE_ROUTER3);
}

/* 1 sent, 0 refused by the guard. */
static uint32_t send_one(int fd, uint32_t addr)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PROBE_PORT),
				  .sin_addr.s_addr = addr };

	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) == 1)
		return 1;
	check(errno == EPERM, "probe: sendto: %m");
	return 0;
}

static uint32_t send_all(int old, const uint32_t *addr, unsigned int n)
{
	uint32_t fresh_says = 0, old_says = 0;
	unsigned int i;

	for (i = 0; i < n; i++) {
		_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		check(fd >= 0 || errno == EPERM, "probe: socket: %m");
		if (fd >= 0)
			fresh_says |= send_one(fd, addr[i]) << i;
		old_says |= send_one(old, addr[i]) << i;
	}
	return fresh_says == old_says ? fresh_says : fresh_says | PROBE_TORN;
}

static void serve(const char *name, int in, int out)
{
	uint32_t addr[31], n, answer = 0;
	int old;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	lay_out();
	instance_join(name);
	old = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	check(old >= 0, "probe: socket: %m");
	check(write(out, &answer, sizeof(answer)) == sizeof(answer), "probe: %m"); /* ready */
	while (read(in, &n, sizeof(n)) == sizeof(n) && n <= ARRAY_SIZE(addr)) {
		if (read(in, addr, n * sizeof(addr[0])) != (ssize_t)(n * sizeof(addr[0])))
			break;
		answer = send_all(old, addr, n);
		if (write(out, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

static uint32_t hear(struct probe *p)
{
	uint32_t answer;

	check(read(p->from, &answer, sizeof(answer)) == sizeof(answer), "a probe died");
	return answer;
}

struct probe probe_start(const char *name)
{
	int to[2], from[2];
	struct probe p;

	check(!pipe(to) && !pipe(from), "pipe: %m");
	fflush(NULL);
	p.pid = fork();
	check(p.pid >= 0, "fork: %m");
	if (!p.pid) {
		close(to[1]);
		close(from[0]);
		serve(name, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	p.to = to[1];
	p.from = from[0];
	hear(&p);
	return p;
}

uint32_t probe_ask(struct probe *p, const char *const addr[], unsigned int n)
{
	uint32_t msg[32] = { n };
	size_t len = (n + 1) * sizeof(msg[0]);
	unsigned int i;

	check(n <= 31, "too many addresses for a probe");
	for (i = 0; i < n; i++)
		check(inet_pton(AF_INET, addr[i], &msg[i + 1]) == 1, "%s: no address", addr[i]);
	check(write(p->to, msg, len) == (ssize_t)len, "a probe is gone: %m");
	return hear(p);
}

void probe_stop(struct probe *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	close(p->to);
	close(p->from);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "recipe.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 2000 /* attack_command() takes no more */

pid_t recipe_child;
static int last_rc; /* of the last command */

enum { FIELD_IP4, FIELD_IP6, FIELD_MAC, FIELD_TEXT };

/* Writes the value of the field called name (not terminated); its length, 0: there is none. */
static int put_field(const struct attack_env *e, const char *name, size_t len, char *ret)
{
	const struct {
		const char *name;
		int kind;
		const void *value;
	} fields[] = {
		{ "target4", FIELD_IP4, &e->target4 },
		{ "own4", FIELD_IP4, &e->own4 },
		{ "own4_2", FIELD_IP4, &e->own4_2 },
		{ "gateway4", FIELD_IP4, &e->gateway4 },
		{ "rogue4", FIELD_IP4, &e->rogue4 },
		{ "peer4", FIELD_IP4, &e->peer4 },
		{ "other4", FIELD_IP4, &e->other4 },
		{ "target6", FIELD_IP6, &e->target6 },
		{ "own6", FIELD_IP6, &e->own6 },
		{ "own6_2", FIELD_IP6, &e->own6_2 },
		{ "gateway6", FIELD_IP6, &e->gateway6 },
		{ "rogue6", FIELD_IP6, &e->rogue6 },
		{ "peer6", FIELD_IP6, &e->peer6 },
		{ "other6", FIELD_IP6, &e->other6 },
		{ "own_mac", FIELD_MAC, e->own_mac },
		{ "own_mac_2", FIELD_MAC, e->own_mac_2 },
		{ "gateway_mac", FIELD_MAC, e->gateway_mac },
		{ "rogue_mac", FIELD_MAC, e->rogue_mac },
		{ "peer_mac", FIELD_MAC, e->peer_mac },
		{ "other_mac", FIELD_MAC, e->other_mac },
		{ "dev", FIELD_TEXT, e->dev },
		{ "dev2", FIELD_TEXT, e->dev2 },
	};
	char addr[INET6_ADDRSTRLEN];
	const uint8_t *m;
	size_t i;

	if (len == 4 && !memcmp(name, "port", 4))
		return sprintf(ret, "%u", e->port);
	if (len == 3 && !memcmp(name, "pid", 3))
		return sprintf(ret, "%d", recipe_child);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strlen(fields[i].name) != len || memcmp(fields[i].name, name, len))
			continue;
		m = fields[i].value;
		if (fields[i].kind == FIELD_TEXT)
			return sprintf(ret, "%s", (const char *)m);
		if (fields[i].kind == FIELD_MAC)
			return sprintf(ret, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
				       m[4], m[5]);
		inet_ntop(fields[i].kind == FIELD_IP4 ? AF_INET : AF_INET6, m, addr, sizeof(addr));
		return sprintf(ret, "%s", addr);
	}
	return 0;
}

/* A name that is none stays as it is, for the tool to complain of. */
static const char *expand(const struct attack_env *e, const char *text)
{
	static char out[TEXT_MAX + 64];
	char *to = out;

	while (*text && to < out + TEXT_MAX - 64) {
		const char *name = text + 1;
		size_t len = 0;
		int n = 0;

		while (isalnum((unsigned char)name[len]) || name[len] == '_')
			len++;
		if (*text == '@')
			n = put_field(e, name, len, to);
		if (n)
			text += len + 1;
		else
			*to = *text++;
		to += n ? n : 1;
	}
	*to = 0;
	return out;
}

const char *file_of(const char *text)
{
	static char path[64];
	int fd = memfd_create("recipe", 0);

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? path : "/dev/null";
}

static bool ran(int rc)
{
	last_rc = rc;
	return !rc;
}

bool ip_batch(const struct attack_env *e, const char *text)
{
	return ran(attack_command("ip -batch %s", file_of(expand(e, text))));
}

bool tc_batch(const struct attack_env *e, const char *text)
{
	return ran(attack_command("tc -batch %s", file_of(expand(e, text))));
}

bool nft_batch(const struct attack_env *e, const char *text)
{
	return ran(attack_command("nft -f %s", file_of(expand(e, text))));
}

bool command(const struct attack_env *e, const char *text)
{
	return ran(attack_command("%s", expand(e, text)));
}

bool sysctl_set(const char *path, const char *value)
{
	char full[200];
	bool done_it;
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	done_it = fd >= 0 && write(fd, value, strlen(value)) > 0;
	if (fd >= 0)
		close(fd);
	return done_it;
}

int unmade(const char *what)
{
	return lack(what, last_rc);
}

int send_udp4(const struct attack_env *e, struct in_addr to)
{
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), dest4(to, e->port));
}

int send_udp6(const struct attack_env *e, struct in6_addr to)
{
	return send_mark(e, open_socket(AF_INET6, SOCK_DGRAM, 0), dest6(to, e->port));
}

struct in_addr address4(const char *text)
{
	struct in_addr a = { 0 };

	inet_pton(AF_INET, text, &a);
	return a;
}

struct in6_addr address6(const char *text)
{
	struct in6_addr a = { 0 };

	inet_pton(AF_INET6, text, &a);
	return a;
}

int through(const struct attack_env *e, const char *what, const char *text, struct dest to)
{
	if (!ip_batch(e, text))
		return unmade(what);
	return send_mark(e, open_socket(to.sa.sa_family, SOCK_DGRAM, 0), to);
}

int over_dev2(const struct attack_env *e, const char *what, const char *text)
{
	if (!ip_batch(e, text) || !ip_batch(e, NET2_ADDRESS NET2_ROUTE))
		return unmade(what);
	return send_mark(e, open_socket(AF_INET, SOCK_DGRAM, 0), target4(e));
}

int to_relay(const struct attack_env *e, const char *what, const char *text, struct dest to)
{
	relay_begin(e);
	return relay_end(e, through(e, what, text, to));
}

int repaired(const struct attack_env *e, uint32_t seq)
{
	const struct tcp_repair_window window = { .snd_wnd = 65535, .max_window = 65535 };
	int fd = set_int(open_socket(AF_INET, SOCK_STREAM, 0), IPPROTO_TCP, TCP_REPAIR, 1);

	fd = bind_to(fd, dest4(e->own4, e->port));
	fd = set_int(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	fd = set_int(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)seq);
	fd = set_int(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	fd = set_int(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, (int)seq);
	fd = connect_to(fd, target4(e));
	fd = set_option(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, sizeof(window));
	return set_int(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
}

int by_child(const struct attack_env *e, int fd)
{
	pid_t pid = fork();

	if (!pid)
		_exit(send_mark(e, fd, target4(e)));
	return pid < 0 || waitpid(pid, NULL, 0) < 0 ? attack_said("fork", errno) : ATTACK_TRIED;
}

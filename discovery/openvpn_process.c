// SPDX-License-Identifier: GPL-2.0-only
/* The OpenVPN process that holds a tunnel device: its configuration and its connected sockets. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "discovery/tunnel_parts.h"

#define CONFIG_MAX    (256u << 10)
#define TABLE_MAX     (4u << 20)
#define ARGS_MAX      (64u << 10)
#define PROCESSES_MAX 65536
#define FDS_MAX	      1024

static int read_proc(pid_t pid, const char *what, size_t max, char **ret, size_t *ret_len)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	return base_read_file(path, max, ret, ret_len);
}

static bool is_openvpn(pid_t pid, uint32_t netns)
{
	_free_ char *comm = NULL;
	char path[48];
	struct stat st;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return !read_proc(pid, "comm", 64, &comm, &len) && strncmp(comm, "openvpn", 7) == 0 &&
	       stat(path, &st) == 0 && (uint32_t)st.st_ino == netns;
}

struct fds {
	uint64_t inode[FDS_MAX]; /* of sockets */
	size_t n;
	bool holds; /* the tunnel device */
};

/* drivers/net/tun.c tun_chr_show_fdinfo(): `iff:\ttun0` */
static bool is_device(pid_t pid, const char *fd, const char *name)
{
	_free_ char *text = NULL;
	char path[64], line[64];
	size_t len;

	snprintf(path, sizeof(path), "fdinfo/%.20s", fd);
	snprintf(line, sizeof(line), "\niff:\t%s\n", name);
	return !read_proc(pid, path, 4096, &text, &len) && strstr(text, line);
}

static int by_inode(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void read_fds(pid_t pid, const char *name, struct fds *fds)
{
	const struct dirent *e;
	char path[320], target[64];
	ssize_t len;
	int seen = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while (seen < FDS_MAX && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		seen++;
		len = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (strncmp(target, "socket:[", 8) == 0)
			fds->inode[fds->n++] = strtoull(target + 8, NULL, 10);
		else if (!fds->holds && is_device(pid, e->d_name, name))
			fds->holds = true;
	}
	closedir(dir);
	qsort(fds->inode, fds->n, sizeof(fds->inode[0]), by_inode);
}

/* An address of /proc/net: 32-bit words as this machine has them. 4 or 6; 0 */
static int read_hex(const char *hex, size_t len, uint8_t ret[16])
{
	char word[9] = "";
	uint32_t n;

	if (len != 8 && len != 32)
		return 0;
	for (size_t i = 0; i < len; i += 8) {
		memcpy(word, hex + i, 8);
		if (strspn(word, "0123456789abcdefABCDEF") != 8)
			return 0;
		n = (uint32_t)strtoul(word, NULL, 16);
		memcpy(ret + i / 2, &n, 4);
	}
	return len == 8 ? 4 : 6;
}

/* net/ipv4/tcp_ipv4.c get_tcp4_sock(): `0: LOCAL:PORT REMOTE:PORT STATE ... inode`, 10th word */
static void on_socket(char *line, uint8_t proto, const uint64_t *inode, size_t n,
		      struct discovery_tunnel *t)
{
	char *word, *save = NULL, *colon, *remote = NULL;
	unsigned long state = 0, port;
	uint64_t ino = 0;
	uint8_t addr[16];
	int i = 0, family;

	for (word = strtok_r(line, " ", &save); word && i < 10; word = strtok_r(NULL, " ", &save)) {
		if (i == 2)
			remote = word;
		else if (i == 3)
			state = strtoul(word, NULL, 16);
		else if (i == 9)
			ino = strtoull(word, NULL, 10);
		i++;
	}
	/* TCP_ESTABLISHED, which is also a connected datagram socket, and TCP_SYN_SENT */
	if (i < 10 || !ino || (state != 1 && state != 2))
		return;
	if (!bsearch(&ino, inode, n, sizeof(*inode), by_inode))
		return;
	colon = strchr(remote, ':');
	if (!colon)
		return;
	port = strtoul(colon + 1, NULL, 16);
	family = read_hex(remote, (size_t)(colon - remote), addr);
	if (family && port <= UINT16_MAX)
		discovery_endpoint_add(t, family, addr, (uint16_t)port, proto, "openvpn socket");
}

void discovery_openvpn_sockets(const char *text, uint8_t proto, const uint64_t *inode, size_t n,
			       struct discovery_tunnel *t)
{
	char line[512];

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len < sizeof(line)) {
			memcpy(line, text, len);
			line[len] = '\0';
			on_socket(line, proto, inode, n, t);
		}
		text += len + (text[len] == '\n');
	}
}

static void read_sockets(pid_t pid, const struct fds *fds, struct discovery_tunnel *t)
{
	static const struct {
		const char *file;
		uint8_t proto;
	} tables[] = { { "net/tcp", IPPROTO_TCP },
		       { "net/tcp6", IPPROTO_TCP },
		       { "net/udp", IPPROTO_UDP },
		       { "net/udp6", IPPROTO_UDP } };
	size_t len;

	for (size_t i = 0; fds->n && i < ARRAY_SIZE(tables); i++) {
		_free_ char *text = NULL;

		if (!read_proc(pid, tables[i].file, TABLE_MAX, &text, &len))
			discovery_openvpn_sockets(text, tables[i].proto, fds->inode, fds->n, t);
	}
}

/* An option begins with two dashes and takes the words up to the next one. */
int discovery_openvpn_from_args(const char *args, size_t len, char **ret)
{
	char *out = malloc(len * 3 + 16), *to = out;
	size_t at = strnlen(args, len) + 1; /* behind the program's own name */
	bool first = true;

	if (!out)
		return -ENOMEM;
	for (; at < len; at += strnlen(args + at, len - at) + 1) {
		const char *word = args + at;
		size_t n = strnlen(word, len - at);

		/* `openvpn FILE` is short for `openvpn --config FILE` */
		if (first && n && word[0] != '-')
			to = stpcpy(to, "config ");
		else if (n > 2 && word[0] == '-' && word[1] == '-')
			*to++ = '\n';
		else
			*to++ = ' ';
		first = false;
		*to++ = '"';
		for (size_t i = 0; i < n; i++) {
			if (word[i] == '"' || word[i] == '\\')
				*to++ = '\\';
			*to++ = (char)(word[i] == '\n' ? ' ' : word[i]);
		}
		*to++ = '"';
	}
	*to = '\0';
	*ret = out;
	return 0;
}

/* The file that --config (or a first word alone) names; "" if none does. A NUL is behind args. */
static void config_of(const char *args, size_t len, char *ret, size_t size)
{
	const char *word = args + strnlen(args, len) + 1;
	bool next = word < args + len && word[0] != '-';

	ret[0] = '\0';
	for (; word < args + len; word += strnlen(word, (size_t)(args + len - word)) + 1) {
		if (next) {
			if (snprintf(ret, size, "%s", word) >= (int)size)
				ret[0] = '\0';
			return;
		}
		next = strcmp(word, "--config") == 0;
	}
}

static int read_config(pid_t pid, const char *name, char **ret, size_t *ret_len)
{
	bool absolute = name[0] == '/';
	_close_ int dir = -1;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, absolute ? "root" : "cwd");
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	return discovery_read_inside(dir, name, absolute, CONFIG_MAX, ret, ret_len);
}

static void read_configuration(pid_t pid, struct discovery_tunnel *t)
{
	_free_ char *args = NULL, *lines = NULL, *file = NULL, *all = NULL;
	struct discovery_tunnel found;
	char name[4096], source[64];
	size_t len, file_len = 0;

	if (read_proc(pid, "cmdline", ARGS_MAX, &args, &len) || !len ||
	    discovery_openvpn_from_args(args, len, &lines))
		return;
	config_of(args, len, name, sizeof(name));
	if (name[0] && read_config(pid, name, &file, &file_len))
		file_len = 0;
	if (asprintf(&all, "%s\n%s", lines, file_len ? file : "") < 0)
		return;
	if (discovery_parse_openvpn(all, strlen(all), &found))
		return;
	len = strlen(name);
	snprintf(source, sizeof(source), "%s",
		 file_len ? name + (len > 47 ? len - 47 : 0) : "openvpn command line");
	for (size_t i = 0; i < found.n_endpoints; i++)
		discovery_endpoint_add(t, found.endpoint[i].family, found.endpoint[i].addr,
				       found.endpoint[i].port, found.endpoint[i].proto, source);
}

/* With its data in the kernel (kind "ovpn"), no descriptor of the process names the device. */
static bool ask_process(pid_t pid, const struct discovery_link *l, struct discovery_tunnel *t)
{
	struct fds *fds = calloc(1, sizeof(*fds));
	bool ours;

	if (!fds)
		return false;
	read_fds(pid, l->name, fds);
	ours = fds->holds || strncmp(l->kind, "ovpn", 4) == 0;
	if (ours) {
		read_configuration(pid, t);
		if (!t->n_endpoints)
			read_sockets(pid, fds, t);
	}
	free(fds);
	return ours;
}

int discovery_openvpn_process(int netns, const struct discovery_link *l, uint64_t deadline,
			      struct discovery_tunnel *ret)
{
	struct discovery_tunnel t = { .kind = DISCOVERY_TUNNEL_OPENVPN };
	uint32_t inode = discovery_netns_inode(netns);
	DIR *proc = inode ? opendir("/proc") : NULL;
	const struct dirent *e;
	int err = -ENOENT;

	if (!proc)
		return -ENOENT;
	for (int i = 0; err == -ENOENT && i < PROCESSES_MAX && (e = readdir(proc)); i++) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (!discovery_left_ms(deadline))
			err = -ETIMEDOUT;
		else if (pid > 0 && is_openvpn(pid, inode) && ask_process(pid, l, &t))
			err = 0;
	}
	closedir(proc);
	if (!err)
		*ret = t;
	return err;
}

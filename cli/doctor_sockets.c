// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in a guard that were made elsewhere: the hooks judge by a socket's cgroup, and these have
 * another. Passed over a unix socket, taken by pidfd_getfd(2), or of a process that was moved in.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"
#include "cli/doctor.h"
#include "discovery/netns.h"
#include "discovery/sockets.h"

#define MAX_NETNS    64
#define MAX_FINDINGS 16
#define MAX_DEPTH    4

struct looking {
	struct doctor *d;
	const char *guard; /* its name */
	char cgroup[POLICY_PATH];
	struct discovery_sockets *sockets;
	uint64_t netns[MAX_NETNS];
	size_t n_netns, n_found, n_held;
	bool cannot; /* the kernel does not tell cgroups */
	pid_t pid;
	char comm[32];
};

/* Each namespace once: what its processes hold may be of it or of the host's. */
static void add_netns(struct looking *l, pid_t pid)
{
	char path[40];
	struct stat st;
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (stat(path, &st))
		return;
	for (i = 0; i < l->n_netns; i++)
		if (l->netns[i] == st.st_ino)
			return;
	if (l->n_netns == MAX_NETNS)
		return;
	l->netns[l->n_netns++] = st.st_ino;
	fd = discovery_netns_of_pid(pid);
	if (fd < 0)
		return;
	if (discovery_sockets_add(l->sockets, fd) == -EOPNOTSUPP)
		l->cannot = true;
	close(fd);
}

static bool is_foreign(const struct looking *l, uint64_t id, char *where, size_t size)
{
	size_t len = strlen(l->cgroup);

	if (loader_cgroup_name(id, where, size)) {
		snprintf(where, size, "a cgroup that is gone");
		return true;
	}
	return strncmp(where, l->cgroup, len) != 0 || (where[len] && where[len] != '/');
}

static void found(struct looking *l, enum doctor_severity s, const char *id, const char *proto,
		  const char *why, const char *what, const char *where)
{
	char subject[100];

	if (l->n_found++ >= MAX_FINDINGS)
		return;
	snprintf(subject, sizeof(subject), "%s (pid %d, guard %s)", l->comm, l->pid, l->guard);
	doctor_add(l->d, s, id, subject, why, "restart the container: what it opens anew is judged",
		   "holds a %s socket %s%s", proto, what, where);
}

static bool is_raw(const char *proto)
{
	return strncmp(proto, "RAW", 3) == 0 || strcmp(proto, "PACKET") == 0 ||
	       strcmp(proto, "XDP") == 0;
}

static void on_held(const struct discovery_held *h, void *ctx)
{
	struct looking *l = ctx;
	char where[256];
	uint64_t id;

	l->n_held++;
	if (is_raw(h->proto))
		found(l, DOCTOR_BAD, "socket.raw", h->proto,
		      "made before the guard was loaded, or passed in: packet sockets are stopped "
		      "by BPF LSM or the link seal alone",
		      "that no guarded process may make", "");
	else if (discovery_sockets_find(l->sockets, h->inode, &id) &&
		 is_foreign(l, id, where, sizeof(where)))
		found(l, DOCTOR_BAD, "socket.foreign", h->proto,
		      "the hooks of its own cgroup judge it, not the guard's: BPF LSM or the link "
		      "seal alone stops it",
		      "that was made in ", where);
}

static void on_pid(struct looking *l, pid_t pid, bool second)
{
	_free_ char *comm = NULL;
	char path[40];
	size_t len;

	if (!second) {
		add_netns(l, pid);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (base_read_file(path, 64, &comm, &len))
		return;
	comm[strcspn(comm, "\n")] = '\0';
	base_sanitize(l->comm, sizeof(l->comm), comm, strlen(comm));
	l->pid = pid;
	discovery_held(pid, on_held, l);
}

static void walk(struct looking *l, const char *dir, int depth, bool second)
{
	char path[PATH_MAX], line[32];
	struct dirent *e;
	FILE *f;
	DIR *dp;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		return;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		on_pid(l, (pid_t)strtol(line, NULL, 10), second);
	if (f)
		fclose(f);
	dp = depth ? opendir(dir) : NULL;
	while (dp && (e = readdir(dp))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path))
			walk(l, path, depth - 1, second);
	}
	if (dp)
		closedir(dp);
}

static void look(struct looking *l, const char *root)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s%s", root, l->cgroup) >= (int)sizeof(dir))
		return;
	if (discovery_sockets_add(l->sockets, -1) == -EOPNOTSUPP)
		l->cannot = true;
	walk(l, dir, MAX_DEPTH, false);
	walk(l, dir, MAX_DEPTH, true);
	if (l->cannot)
		doctor_add(l->d, DOCTOR_WARN, "socket.unknown", l->guard,
			   "sockets that were made elsewhere cannot be told from others",
			   "use Linux 5.9 or later with CONFIG_INET_DIAG",
			   "the kernel does not tell a socket's cgroup");
	else if (!l->n_found)
		doctor_add(l->d, DOCTOR_OK, "socket.foreign", l->guard, NULL, NULL,
			   "none of %zu sockets in it is known to come from elsewhere", l->n_held);
	else if (l->n_found > MAX_FINDINGS)
		doctor_add(l->d, DOCTOR_BAD, "socket.foreign", l->guard, NULL,
			   "restart the containers", "%zu more such sockets",
			   l->n_found - MAX_FINDINGS);
}

void doctor_sockets(struct doctor *d)
{
	char root[PATH_MAX];
	size_t i;

	if (loader_cgroup_root(root, sizeof(root)))
		return;
	for (i = 0; d->policy && i < d->policy->n_guards; i++) {
		struct looking l = { .d = d, .guard = d->policy->guards[i].name };

		l.sockets = discovery_sockets_new();
		if (l.sockets &&
		    !policy_cgroup_path(d->policy->guards[i].cgroup, l.cgroup, sizeof(l.cgroup)))
			look(&l, root);
		discovery_sockets_free(l.sockets);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/* Who the attacker is: what Docker makes of a container with these options. */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner.h"

#define CAP(n) (1ull << (n))
/* what dockerd grants where nothing is said (docker run, without --cap-add and --cap-drop) */
#define DOCKER                                                                                     \
	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_FSETID) | CAP(CAP_FOWNER) |              \
	 CAP(CAP_MKNOD) | CAP(CAP_NET_RAW) | CAP(CAP_SETGID) | CAP(CAP_SETUID) |                   \
	 CAP(CAP_SETFCAP) | CAP(CAP_SETPCAP) | CAP(CAP_NET_BIND_SERVICE) | CAP(CAP_SYS_CHROOT) |   \
	 CAP(CAP_KILL) | CAP(CAP_AUDIT_WRITE))

static const struct attack_caps sets[] = {
	{ .name = "none", .uid = 1000, .no_new_privs = true },
	{ .name = "hardened", .no_new_privs = true, .mask = DOCKER & ~CAP(CAP_NET_RAW) },
	{ .name = "default", .mask = DOCKER },
	{ .name = "admin", .mask = DOCKER | CAP(CAP_NET_ADMIN) },
	{ .name = "sys", .mask = DOCKER | CAP(CAP_NET_ADMIN) | CAP(CAP_SYS_ADMIN) },
};

const struct attack_caps *caps_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	return NULL;
}

void caps_take(const struct attack_caps *c)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	int cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(c->mask & CAP(cap)) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			die("PR_CAPBSET_DROP");
	if (c->uid && (setgroups(0, NULL) || setresgid(c->uid, c->uid, c->uid) ||
		       setresuid(c->uid, c->uid, c->uid)))
		die("setresuid");
	for (cap = 0; cap < 2; cap++) {
		data[cap].effective = data[cap].permitted = (uint32_t)(c->mask >> cap * 32);
		data[cap].inheritable = 0;
	}
	if (syscall(SYS_capset, &head, data))
		die("capset");
	if (c->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("PR_SET_NO_NEW_PRIVS");
	/* a change of user takes /proc/self away from its owner; a container's init has it */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe [-c CGROUP-DIR] [-n NETNS] [-r RESOLV.CONF] [-N COMM] [-k TOKEN] [-u UID]
 *       COMMAND [ARGUMENT...]
 *
 * What a program inside the guard can try. Joins the cgroup first (as runc does), then the network
 * namespace; packets carry the mark and TOKEN. Prints one line of KEY=VALUE for each step. `exec`
 * runs another program from there.
 */
#include "probe.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

static int probe_exec(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	execvp(argv[1], argv + 1);
	live_die(argv[1]);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "udp", probe_udp },		{ "tcp", probe_tcp },	    { "ping", probe_ping },
	{ "flood", probe_flood },	{ "socket", probe_socket }, { "udplite", probe_udplite },
	{ "redirect", probe_redirect }, { "toobig", probe_toobig }, { "barrier", probe_barrier },
	{ "dns", probe_dns },		{ "loop", probe_loop },	    { "exec", probe_exec },
};

int probe_dispatch(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, argv[0]))
			return commands[i].run(argc, argv);
	fprintf(stderr, "probe: unknown command %s\n", argv[0]);
	return 64;
}

/* The program alone sees this resolv.conf, as a container sees its own. */
static void mount_resolv(const char *file)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(file, "/etc/resolv.conf", NULL, MS_BIND, NULL))
		live_die(file);
}

/* As an ordinary user, without any capability. */
static void become(uid_t uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		live_die("setresuid");
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+c:n:r:N:k:u:")) != -1) {
		switch (c) {
		case 'c': live_enter_cgroup(optarg); break;
		case 'n': live_enter_netns(optarg); break;
		case 'r': mount_resolv(optarg); break;
		case 'N': prctl(PR_SET_NAME, optarg); break;
		case 'k': probe_set_mark(optarg); break;
		case 'u': become((uid_t)atoi(optarg)); break;
		default: return 64;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return optind < argc ? probe_dispatch(argc - optind, argv + optind) : 64;
}

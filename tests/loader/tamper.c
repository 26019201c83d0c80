// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody takes the guard apart, piece by piece. After each cut `status` must not say "enforced"
 * (exit 1 or 2) and must say what is wrong and what to do; `load` of the same policy must mend what
 * can be mended, after which the guard really guards.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

#define TIMEOUT_S 180

static const char *const target[] = { "10.0.3.9", "10.0.4.9", "192.0.2.1", "192.0.2.129" };
#define LAW 0x5u /* the first and the third */

static char policy[128];
static unsigned int cuts;

static int bpfguard(const char *verb)
{
	return !strcmp(verb, "status") ? RUN(bpfguard_path(), "status")
				       : RUN(bpfguard_path(), verb, "-p", policy);
}

static void must_be_whole(const char *after)
{
	uint32_t got;
	struct probe p;

	check(bpfguard("status") == EXIT_YES, "%s: status: %s%s", after, run_stdout(),
	      run_stderr());
	p = probe_start("top/a"); /* a new process: those before may be in a cgroup that is gone */
	got = probe_ask(&p, target, ARRAY_SIZE(target));
	probe_stop(&p);
	check(got == LAW, "%s: lets out %#x instead of %#x", after, got, LAW);
}

/* status says so, in a sentence with a remedy. */
static void must_be_noticed(const char *cut)
{
	int code = bpfguard("status");
	const char *text = *run_stderr() ? run_stderr() : run_stdout();

	check(code == EXIT_NO || code == EXIT_NOT_ENFORCED, "%s: status: exit %d: %s", cut, code,
	      text);
	check(strchr(text, '(') && strlen(text) > 40, "%s: status does not say what to do: %s", cut,
	      text);
	cuts++;
}

static bool doctor_says(const char *words)
{
	RUN(bpfguard_path(), "doctor", "--json", "-p", policy);
	return strstr(run_stdout(), words);
}

static bool status_says(const char *words)
{
	bpfguard("status");
	return strstr(run_stdout(), words) || strstr(run_stderr(), words);
}

static void must_be_mended(const char *cut)
{
	int code;

	must_be_noticed(cut);
	code = bpfguard("load");
	check(code == EXIT_YES, "%s: load: exit %d: %s", cut, code, run_stderr());
	must_be_whole(cut);
}

static const char *pin(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", base_pins_dir(), name);
	return path;
}

/* Every pin, one after the other; calls unlink and expects to be mended. */
static void remove_each_pin(const char *sub)
{
	char name[64][NAME_MAX + 1], rel[NAME_MAX * 2 + 2];
	struct dirent *e;
	int n = 0, i;
	DIR *d = opendir(pin(sub));

	check(d, "%s: %m", pin(sub));
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && e->d_type != DT_DIR && n < 64)
			snprintf(name[n++], sizeof(name[0]), "%s", e->d_name);
	closedir(d);
	check(n, "nothing is pinned in %s", pin(sub));
	for (i = 0; i < n; i++) {
		snprintf(rel, sizeof(rel), "%s/%s", sub, name[i]);
		check(!unlink(pin(rel)), "%s: %m", pin(rel));
		must_be_mended(rel);
	}
}

/* As `bpftool link detach` does. */
static void detach_each_link(void)
{
	static const char *const hooks[] = { "egress",	 "sock_create", "connect4", "connect6",
					     "sendmsg4", "sendmsg6",	"recvmsg4", "sockops" };
	char rel[64], cut[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		_close_ int fd = -1;

		snprintf(rel, sizeof(rel), "guards/0-a/%s", hooks[i]);
		fd = bpf_obj_get(pin(rel));
		check(fd >= 0 && !bpf_link_detach(fd), "%s: %m", rel);
		snprintf(cut, sizeof(cut), "%s: its link was detached by its id", hooks[i]);
		check(status_says(cut), "status does not say: %s", cut);
		must_be_mended(cut);
	}
}

/* A program that allows everything. */
static int yes_program(enum bpf_prog_type type, enum bpf_attach_type attach)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	int fd = bpf_prog_load(type, "yes", "GPL", insns, ARRAY_SIZE(insns), &opts);

	check(fd >= 0, "cannot load a program: %m");
	return fd;
}

static void replace_program(void)
{
	_close_ int prog = yes_program(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS);
	_close_ int link = bpf_obj_get(pin("guards/0-a/egress"));

	check(link >= 0 && !bpf_link_update(link, prog, NULL), "link update: %m");
	must_be_mended("another program put under our egress link");
}

/* Turns a refusal into success: r1 = 0; call bpf_set_retval; r0 = 1. -1: the kernel has none. */
static int undo_program(void)
{
	struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_set_retval },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_CGROUP_INET4_CONNECT);

	return bpf_prog_load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, "undo", "GPL", insns,
			     ARRAY_SIZE(insns), &opts);
}

static void attach_undoing(void)
{
	_close_ int prog = undo_program();
	_close_ int cgroup = open(instance_cgroup_dir("top"), O_RDONLY | O_CLOEXEC);

	if (prog < 0)
		return; /* since Linux 5.18 */
	check(!bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI),
	      "attach: %m");
	must_be_noticed("another's program that undoes refusals");
	check(status_says("undoes refusals of a call (bpf_set_retval)"), "not named: %s",
	      run_stdout());
	check(doctor_says("it undoes refusals of ours"), "doctor: %s", run_stdout());
	check(!bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET4_CONNECT), "detach: %m");
	must_be_whole("it is gone");
}

static void attach_others(void)
{
	static const char *const where[] = { "top/a", "top" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		_close_ int prog =
			yes_program(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT);
		_close_ int cgroup = open(instance_cgroup_dir(where[i]), O_RDONLY | O_CLOEXEC);

		check(!bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET4_CONNECT, BPF_F_ALLOW_MULTI),
		      "attach: %m");
		must_be_noticed("another's connect4 program");
		check(!status_says("bpf_set_retval"), "called one that undoes: %s", run_stdout());
		/* it is not ours to take away: load cannot mend it */
		check(bpfguard("load") == EXIT_YES, "load beside it: %s", run_stderr());
		must_be_noticed("another's connect4 program, after load");
		check(!bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET4_CONNECT), "detach: %m");
		must_be_whole("another's connect4 program gone");
	}
}

/* Not ours to take away, and harmless to the guard: said, with the program's name. */
static void attach_override(void)
{
	_close_ int prog = yes_program(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS);
	_close_ int cgroup = open(instance_cgroup_dir("top"), O_RDONLY | O_CLOEXEC);

	check(!bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE),
	      "attach: %m");
	must_be_noticed("another's program with ALLOW_OVERRIDE above");
	check(status_says("(yes, egress)") && status_says("ALLOW_OVERRIDE"), "not named");
	check(doctor_says("attached with ALLOW_OVERRIDE: the guard takes its place"), "doctor: %s",
	      run_stdout());
	check(!bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET_EGRESS), "detach: %m");
	check(!bpf_prog_attach(prog, cgroup, BPF_CGROUP_INET_EGRESS, 0), "attach: %m");
	check(doctor_says("attached without a link and for itself alone"), "doctor: %s",
	      run_stdout());
	check(!bpf_prog_detach2(prog, cgroup, BPF_CGROUP_INET_EGRESS), "detach: %m");
	check(!doctor_says("guard.other_program"), "doctor: %s", run_stdout());
	must_be_whole("another's program above gone");
}

/* A link of ours whose pin is gone, held by somebody: it runs, and no load can change it. */
static void hold_lost(void)
{
	int held = bpf_obj_get(pin("guards/0-a/egress"));

	check(held >= 0 && !unlink(pin("guards/0-a/egress")), "egress: %m");
	must_be_noticed("a held link without its pin");
	check(status_says("1 programs of bpfguard run on its cgroup"), "the held link is not seen");
	check(bpfguard("load") == EXIT_YES, "load: %s", run_stderr());
	check(status_says("1 programs of bpfguard run on its cgroup"), "not seen after load");
	close(held);
	must_be_whole("the held link let go");
}

static void remake_cgroup(bool with_socket)
{
	int fd = -1;

	/* a socket of the old cgroup keeps its programs alive although nobody can be in it any more
	 */
	if (with_socket) {
		instance_join("top/a");
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		instance_leave();
		check(fd >= 0, "socket: %m");
	}
	check(!rmdir(instance_cgroup_dir("top/a")), "rmdir: %m");
	must_be_noticed("cgroup removed");
	instance_make_cgroup("top/a");
	must_be_mended(with_socket ? "cgroup made again while a socket of the old one lives"
				   : "cgroup removed and made again");
	if (fd >= 0)
		close(fd);
	check(!rmdir(instance_cgroup_dir("top/a")), "rmdir: %m");
	must_be_mended("cgroup removed");
}

static int map_fd(const char *name)
{
	char rel[64];
	int fd;

	snprintf(rel, sizeof(rel), "maps/%s", name);
	fd = bpf_obj_get(pin(rel));
	check(fd >= 0, "%s: %m", rel);
	return fd;
}

static void change_maps(void)
{
	_close_ int lease = map_fd("bg_lease"), prefix = map_fd("bg_prefix"),
		    law = map_fd("bg_policy");
	struct bg_prefix_key key, first;
	struct bg_prefix_value v = { .line = 1 };
	struct bg_lease down = { 0 };
	uint32_t slot = 0;

	check(!bpf_map_update_elem(lease, &slot, &down, BPF_ANY), "bg_lease: %m");
	must_be_mended("a lease taken back");

	check(!bpf_map_get_next_key(prefix, NULL, &first), "bg_prefix: %m");
	key = first;
	key.prefixlen = 64 + 16; /* 10.0.0.0/16 */
	key.addr[0] = 0x0000000a;
	check(!bpf_map_update_elem(prefix, &key, &v, BPF_ANY), "bg_prefix: %m");
	must_be_mended("a prefix added");

	check(!bpf_map_get_next_key(prefix, NULL, &first), "bg_prefix: %m");
	check(!bpf_map_delete_elem(prefix, &first), "bg_prefix: %m");
	must_be_mended("a prefix removed");

	check(!bpf_map_delete_elem(law, &slot), "bg_policy: %m");
	must_be_mended("the policy taken out");
}

/* Forged in the map; what the policy gives is no forgery. */
static void lengthen_lease(const char *text)
{
	static const char words[] = "lease is longer than the policy gives";
	struct bg_lease lease = { .vpn_state = BG_VPN_UP };
	char *with = strdup(text), *off = strstr(with, "lease: off");
	uint32_t slot = 0;
	_close_ int map = -1;

	check(off, "the policy has no lease: off");
	memcpy(off, "lease: 5s ", 10);
	instance_file("policy", with);
	free(with);
	check(bpfguard("reload") == EXIT_YES, "reload: %s", run_stderr());
	map = map_fd("bg_lease");
	lease.until_ns = base_now_ns(CLOCK_BOOTTIME) + 5000000000ull;
	check(!bpf_map_update_elem(map, &slot, &lease, BPF_ANY), "bg_lease: %m");
	check(!status_says(words), "a lease of 5 s is called forged");
	lease.until_ns += 3600000000000ull;
	check(!bpf_map_update_elem(map, &slot, &lease, BPF_ANY), "bg_lease: %m");
	must_be_noticed("a lease of an hour");
	check(status_says(words), "a lease of an hour is not called forged");
}

static int tamper(int argc, char **argv)
{
	char text[1024];
	int n, i;

	(void)argc;
	(void)argv;
	instance_make_cgroup("top");
	instance_make_cgroup("top/a");
	n = snprintf(text, sizeof(text),
		     "version: 1\nguards:\n  - name: a\n    cgroup: %s\n"
		     "    gateway: {address: 10.0.9.1, netns: /n}\n    kill_switch: {lease: off}\n"
		     "    local:\n      - 10.0.9.0/24\n      - 10.0.3.0/24\n",
		     instance_cgroup("top/a"));
	for (i = 0; i < 8; i++)
		n += snprintf(text + n, sizeof(text) - n, "      - 10.40.%d.0/24\n", i);
	snprintf(policy, sizeof(policy), "%s", instance_file("policy", text));
	check(bpfguard("load") == EXIT_YES, "load: %s", run_stderr());
	must_be_whole("at first");
	/* mended in place, so the slot stays 0 as long as bg_policy lives; that comes last */
	detach_each_link();
	replace_program();
	attach_others();
	attach_override();
	attach_undoing();
	hold_lost();
	change_maps();
	remake_cgroup(false);
	remake_cgroup(true);
	remove_each_pin("guards/0-a");
	remove_each_pin("maps");
	check(!unlink(pin("flush")), "flush: %m");
	must_be_mended("flush");
	lengthen_lease(text);
	printf("%u cuts noticed\n", cuts);
	return 0;
}

int main(int argc, char **argv)
{
	return instance_run("tamper", tamper, argc, argv, TIMEOUT_S);
}

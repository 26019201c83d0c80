// SPDX-License-Identifier: GPL-2.0-only
/*
 * What changes, and what must not: the same policy again, another one by load, a reload that fails,
 * many loaders at once, and policies as large as they may be.
 *
 *   changes same|failing|together|limits
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <bpf/bpf.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/loader/probe.h"

#define TIMEOUT_S 120
#define LOADERS	  8

static const char *const target[] = { "10.0.1.9", "10.0.2.9", "10.0.3.9", "192.0.2.1",
				      "192.0.2.65" };

/* Guards named by the letters, gateway and networks by number. extra: more prefixes. */
static const char *policy_file(const char *guards, int number, int extra)
{
	_free_ char *text = NULL;
	char name[32];
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int i;

	check(f, "out of memory");
	fputs("version: 1\nguards:\n", f);
	for (; *guards; guards++) {
		fprintf(f,
			"  - name: %c\n    cgroup: %s\n    gateway: {address: 10.0.9.%d, netns: "
			"/n}\n"
			"    kill_switch: {lease: off}\n    local:\n"
			"      - 10.0.9.0/24\n      - 10.0.%d.0/24\n",
			*guards, instance_cgroup((char[2]){ *guards, 0 }), number, number);
		for (i = 0; i < extra; i++)
			fprintf(f, "      - 11.%d.%d.0/24\n", i >> 8, i & 255);
	}
	fclose(f);
	snprintf(name, sizeof(name), "policy%d-%d", number, extra);
	return instance_file(name, text);
}

static void must(int exit_code, const char *verb, const char *policy)
{
	int got = policy ? RUN(bpfguard_path(), verb, "-p", policy) : RUN(bpfguard_path(), verb);

	check(got == exit_code, "%s %s: exit %d instead of %d: %s%s", verb, policy ? policy : "",
	      got, exit_code, run_stdout(), run_stderr());
}

/* One line, in the contract's form, that says `why`. */
static void must_say(const char *why)
{
	const char *text = run_stderr(), *end = strchr(text, '\n');

	check(!strncmp(text, "bpfguard: ", 10) && end && !end[1] && strstr(text, why),
	      "stderr is not one line about '%s': %s", why, text);
}

/* Everything that names what is in force: ids of programs and links, the maps' content. */
static void fingerprint(uint8_t ret[32])
{
	struct loader_error err = { 0 };
	_free_ char *text = NULL;
	struct loader_status st;
	struct loader_image img;
	size_t len, g, h;
	FILE *f = open_memstream(&text, &len);

	check(f && !loader_status(&st, &err) && !loader_read_image(&img, &err), "status: %s: %s",
	      err.what, err.why);
	check(st.enforced && !st.n_problems, "not enforced: %s", st.problem[0]);
	for (g = 0; g < st.n_guards; g++)
		for (h = 0; h < st.guard[g].n_hooks; h++)
			fprintf(f, "%s %u %u\n", st.guard[g].hook[h].name,
				st.guard[g].hook[h].prog_id, st.guard[g].hook[h].link_id);
	fwrite(img.guard, sizeof(img.guard), 1, f);
	for (g = 0; g < img.n_prefix; g++)
		fwrite(&img.prefix[g].key, sizeof(img.prefix[g].key), 1, f);
	fclose(f);
	base_sha256(text, len, ret);
	loader_status_free(&st);
	loader_image_free(&img);
}

static void must_be_untouched(const uint8_t before[32], const char *after)
{
	uint8_t now[32];

	fingerprint(now);
	check(!memcmp(before, now, 32), "%s changed what was in force", after);
	must(EXIT_YES, "status", NULL);
}

static int same(void)
{
	const char *one = policy_file("ab", 1, 12), *two = policy_file("ab", 2, 12);
	uint8_t before[32];

	must(EXIT_YES, "load", one);
	fingerprint(before);
	must(EXIT_YES, "load", one);
	must_be_untouched(before, "load of the same policy");
	must(EXIT_YES, "reload", one);
	must_be_untouched(before, "reload of the same policy");
	must(EXIT_YES, "load", policy_file("ab", 1, 12));
	must_be_untouched(before, "load of a copy of the same policy");
	must(EXIT_NO, "load", two);
	must_say("another policy is loaded");
	must_be_untouched(before, "a refused load");
	return 0;
}

/* Fills the table of prefixes with entries of a slot that no guard has, in the generation in force.
 */
static void fill_prefixes(void)
{
	enum { N = 4000 };
	static struct bg_prefix_key keys[N];
	static struct bg_prefix_value values[N];
	struct loader_image img;
	struct loader_error err;
	char path[256];
	_close_ int fd = -1;
	uint32_t at = 0, n, i, scope;

	check(!loader_read_image(&img, &err), "read back");
	scope = img.guard[0].generation * BG_MAX_GUARDS + BG_MAX_GUARDS - 1;
	loader_image_free(&img);
	snprintf(path, sizeof(path), "%s/maps/bg_prefix", base_pins_dir());
	fd = bpf_obj_get(path);
	check(fd >= 0, "%s: %m", path);
	do {
		for (i = 0; i < N; i++)
			keys[i] = (struct bg_prefix_key){
				.prefixlen = 96, .scope = scope, .family = 4, .addr = { at + i }
			};
		at += N;
		n = N;
	} while (!bpf_map_update_batch(fd, keys, values, &n, NULL));
	check(errno == ENOSPC && at >= BG_MAX_PREFIXES, "the table did not fill: %m at %u", at);
}

/*
 * What a reload that died before it published leaves: a prefix under the number that the next
 * generation will have. Here 10.0.3.0/24, which no policy of this test lists.
 */
static void leave_prefix(void)
{
	struct bg_prefix_key key = { .prefixlen = 64 + 24, .family = 4 };
	struct bg_prefix_value v = { .line = 1 };
	struct loader_image img;
	struct loader_error err;
	char path[256];
	_close_ int fd = -1;

	check(!loader_read_image(&img, &err), "read back");
	key.scope = (img.guard[0].generation + 1) * BG_MAX_GUARDS;
	loader_image_free(&img);
	inet_pton(AF_INET, "10.0.3.0", key.addr);
	snprintf(path, sizeof(path), "%s/maps/bg_prefix", base_pins_dir());
	fd = bpf_obj_get(path);
	check(fd >= 0 && !bpf_map_update_elem(fd, &key, &v, BPF_ANY), "%s: %m", path);
}

static int failing(void)
{
	const char *one = policy_file("a", 1, 12);
	uint32_t law, got;
	uint8_t before[32];
	char text[512];
	struct probe a;

	instance_make_cgroup("a");
	a = probe_start("a");
	must(EXIT_YES, "load", one);
	law = probe_ask(&a, target, ARRAY_SIZE(target));
	check(law == 0x9, "policy 1 lets out %#x", law);
	fingerprint(before);

	must(EXIT_POLICY, "reload", instance_file("bad", "version: 1\nguards: nonsense\n"));
	must_be_untouched(before, "a bad policy");
	must(EXIT_POLICY, "reload", "/nonexistent/policy.yaml");
	must_say("No such file");
	must_be_untouched(before, "a policy that is not there");

	/* a cgroup that cannot be made, behind a guard that can be attached: which must go again */
	snprintf(text, sizeof(text),
		 "version: 1\nguards:\n  - name: new\n    cgroup: %s/cgroup.procs/x\n"
		 "    gateway: {address: 10.0.9.2}\n    local: [10.0.9.0/24]\n",
		 instance_cgroup("nowhere"));
	must(EXIT_KERNEL, "reload", instance_file("nowhere", text));
	must_say("cannot make the cgroup");
	must_be_untouched(before, "a cgroup that cannot be made");
	fill_prefixes();
	must(EXIT_NO, "reload", policy_file("ac", 2, 12));
	must_say("prefix table is full");
	check(probe_ask(&a, target, ARRAY_SIZE(target)) == law,
	      "a full table changed the verdicts");
	must(EXIT_YES, "status", NULL);
	must(EXIT_NO, "reload", policy_file("a", 2, 20));
	must(EXIT_YES, "reload", policy_file("a", 2, 0));
	check(probe_ask(&a, target, ARRAY_SIZE(target)) == 0x12, "policy 2 is not in force");
	leave_prefix();
	must(EXIT_YES, "reload", one);
	got = probe_ask(&a, target, ARRAY_SIZE(target));
	check(got == law, "a prefix left by a dead reload became law: %#x instead of %#x", got,
	      law);
	probe_stop(&a);
	return 0;
}

/* All at once; returns how many ended with exit 0, and checks the others' words. */
static unsigned int race(const char *verb, const char *const policy[], unsigned int n_policies,
			 const char *excuse)
{
	unsigned int i, good = 0;
	pid_t pid[LOADERS];
	int gate[2];

	check(!pipe(gate), "%m");
	for (i = 0; i < LOADERS; i++) {
		char out[64];

		snprintf(out, sizeof(out), "%s/racer%u", instance_dir(), i);
		fflush(NULL);
		pid[i] = fork();
		if (pid[i])
			continue;
		close(gate[1]);
		if (!freopen("/dev/null", "w", stdout) || !freopen(out, "w", stderr) ||
		    read(gate[0], out, 1) != 0) /* all wait for the same end of file */
			_exit(126);
		execl(bpfguard_path(), "bpfguard", verb, "-p", policy[i % n_policies], NULL);
		_exit(127);
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < LOADERS; i++) {
		_free_ char *text = NULL;
		char out[64];
		size_t len;
		int status;

		snprintf(out, sizeof(out), "%s/racer%u", instance_dir(), i);
		check(waitpid(pid[i], &status, 0) == pid[i] && WIFEXITED(status), "racer %u", i);
		check(!base_read_file(out, 65536, &text, &len), "%s", out);
		good += WEXITSTATUS(status) == 0;
		if (WEXITSTATUS(status))
			check(WEXITSTATUS(status) == EXIT_NO &&
				      (strstr(text, "another bpfguard is loading") ||
				       (excuse && strstr(text, excuse))),
			      "%s at once: exit %d: %s", verb, WEXITSTATUS(status), text);
	}
	return good;
}

static int together(void)
{
	static const uint32_t laws[] = { 0x9, 0x12 };
	const char *policy[2];
	unsigned int good, i, links = 0;
	struct loader_status st;
	struct loader_error err;
	struct probe a;
	uint32_t law;

	policy[0] = strdup(policy_file("a", 1, 12));
	policy[1] = strdup(policy_file("a", 2, 12));
	instance_make_cgroup("a");
	a = probe_start("a");

	good = race("load", policy, 1, NULL);
	check(good, "none of %d loads of one policy succeeded", LOADERS);
	must(EXIT_YES, "status", NULL);
	must(EXIT_YES, "load", policy[0]);
	check(!loader_status(&st, &err), "status");
	for (i = 0; i < st.guard[0].n_hooks; i++)
		links += st.guard[0].hook[i].attached;
	check(st.n_guards == 1 && links == st.guard[0].n_hooks, "%u links", links);
	loader_status_free(&st);
	check(!loader_unload(&err), "unload");

	good = race("load", policy, 2, "another policy is loaded");
	must(EXIT_YES, "status", NULL);
	law = probe_ask(&a, target, ARRAY_SIZE(target));
	check(good && good <= LOADERS / 2 && (law == laws[0] || law == laws[1]),
	      "%u loads of two policies succeeded, %#x in force", good, law);
	must(EXIT_YES, "load", policy[law == laws[0] ? 0 : 1]);

	good = race("reload", policy, 2, NULL);
	must(EXIT_YES, "status", NULL);
	law = probe_ask(&a, target, ARRAY_SIZE(target));
	check(good && (law == laws[0] || law == laws[1]), "%u reloads, %#x in force", good, law);
	must(EXIT_YES, "load", policy[law == laws[0] ? 0 : 1]);
	probe_stop(&a);
	free((char *)policy[0]);
	free((char *)policy[1]);
	return 0;
}

/* What loads that died before anything was attached leave: a directory in each free slot. */
static void leave_dirs(void)
{
	struct loader_image img;
	struct loader_error err;
	char path[128];
	int slot;

	check(!loader_read_image(&img, &err), "read back");
	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		snprintf(path, sizeof(path), "%s/guards/%d-left%d", base_pins_dir(), slot, slot);
		check(img.guard[slot].generation || !mkdir(path, 0700), "%s: %m", path);
	}
	loader_image_free(&img);
}

static int limits(void)
{
	static const char most[] = "abcdefghijklmnop", others[] = "qrstuvwxyzabcdef";
	struct loader_image img;
	struct loader_error err;
	int i;

	must(EXIT_POLICY, "load", policy_file("abcdefghijklmnopq", 1, 0));
	check(strstr(run_stderr(), "16"), "the 17th guard: %s", run_stderr());
	/* two of each guard's prefixes are its own networks */
	must(EXIT_POLICY, "load", policy_file("a", 1, POLICY_MAX_LOCAL - 1));
	check(strstr(run_stderr(), "10000"), "the 10,001st prefix: %s", run_stderr());

	must(EXIT_YES, "load", policy_file("a", 1, POLICY_MAX_LOCAL - 2));
	must(EXIT_YES, "status", NULL);
	check(!loader_read_image(&img, &err) && img.n_prefix == POLICY_MAX_LOCAL,
	      "%zu prefixes in the kernel", img.n_prefix);
	loader_image_free(&img);
	must(EXIT_YES, "reload", policy_file("a", 2, POLICY_MAX_LOCAL - 2));
	must(EXIT_YES, "status", NULL);

	/* sixteen for sixteen others needs every slot there is; a second time, those left must do
	 */
	must(EXIT_YES, "reload", policy_file(most, 1, 0));
	must(EXIT_YES, "status", NULL);
	for (i = 0; i < 2; i++) {
		if (i)
			leave_dirs();
		must(EXIT_YES, "reload", policy_file(i ? most : others, 2, 0));
		must(EXIT_YES, "status", NULL);
	}
	check(!loader_read_image(&img, &err) && img.n_guards == POLICY_MAX_GUARDS && !img.n_prefix,
	      "%zu guards in the kernel", img.n_guards);
	loader_image_free(&img);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
} cases[] = {
	{ "same", same }, { "failing", failing }, { "together", together }, { "limits", limits }
};

static int changes(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 2 && i < ARRAY_SIZE(cases); i++)
		if (!strcmp(argv[1], cases[i].name))
			return cases[i].fn();
	die("usage: changes same|failing|together|limits");
}

int main(int argc, char **argv)
{
	return instance_run("changes", changes, argc, argv, TIMEOUT_S);
}

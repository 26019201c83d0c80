// SPDX-License-Identifier: GPL-2.0-only
/*
 * Property: `why` equals the kernel. Random policies are loaded for real; random flows are decided
 * by the decision function as the kernel runs it on the loaded maps and by loader_decide() on what
 * loader_read_image() reads back. Verdict, reason and line must be the same, always.
 *
 *   property OBJECT [SEED [FLOWS]]
 *
 * OBJECT is the compiled verdict_test.bpf.c. Without SEED one is drawn; it is printed either way.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/base.h"
#include "tests/loader/instance.h"
#include "tests/prog/gen.h"

#define FLOWS	    200000
#define BATCHES	    12 /* of one policy */
#define BIG_LIST    300
#define HUGE_LIST   3000
#define EACH_REASON 20 /* of a whole run: fewer, and the test would prove nothing about it */
#define TIMEOUT_S   120

static uint64_t seed;
static uint64_t seen[BG_R_MAX][2]; /* reason x (packet, call) */

/* The test program, on the pinned maps of the instance. */
struct kernel {
	struct bpf_object *obj;
	int prog;
	struct verdict_case *cases;
	struct bg_decision *decisions;
};

static void *map_array(struct bpf_object *obj, const char *name, size_t size)
{
	struct bpf_map *m = bpf_object__find_map_by_name(obj, name);
	void *p;

	check(m, "the object has no map %s", name);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(m), 0);
	check(p != MAP_FAILED, "mmap %s: %m", name);
	return p;
}

static void open_kernel(struct kernel *k, const char *path)
{
	struct bpf_object *obj = bpf_object__open_file(path, NULL);
	char pin[PATH_MAX];
	struct bpf_map *m;

	check(obj, "%s: %m", path);
	bpf_object__for_each_map(m, obj)
	{
		if (bpf_map__is_internal(m) || !strncmp(bpf_map__name(m), "test_", 5))
			continue;
		snprintf(pin, sizeof(pin), "%s/maps/%s", base_pins_dir(), bpf_map__name(m));
		/* a map that is not there yet would be made, and the test would look at nothing */
		check(!access(pin, F_OK), "%s is not pinned", pin);
		check(!bpf_map__set_pin_path(m, pin), "%s: %m", pin);
	}
	check(!bpf_object__load(obj), "%s does not load: %m", path);
	k->obj = obj;
	k->prog = bpf_program__fd(bpf_object__find_program_by_name(obj, "verdict_batch"));
	k->cases = map_array(obj, "test_case", VERDICT_BATCH * sizeof(*k->cases));
	k->decisions = map_array(obj, "test_decision", VERDICT_BATCH * sizeof(*k->decisions));
}

static void run_kernel(struct kernel *k)
{
	char packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = 1);

	memset(k->decisions, 0xff, VERDICT_BATCH * sizeof(*k->decisions));
	check(!bpf_prog_test_run_opts(k->prog, &opts), "test run: %m");
	check(opts.retval == 1, "the program did not decide every flow");
}

static void print_addr(const char *what, const uint32_t a[4])
{
	const uint8_t *b = (const uint8_t *)a;
	int i;

	fprintf(stderr, "  %s", what);
	for (i = 0; i < 16; i++)
		fprintf(stderr, "%s%02x", i % 4 ? "" : " ", b[i]);
	fputc('\n', stderr);
}

static void differ(const struct verdict_case *c, const struct bg_decision *kernel,
		   const struct bg_decision *user, const char *policy)
{
	const struct bg_flow *f = &c->flow;
	const char *path = getenv("PROPERTY_POLICY");

	fprintf(stderr,
		"seed %" PRIu64 ": kernel and user space differ\n"
		"  kernel verdict %u reason %u line %u\n  user   verdict %u reason %u line %u\n"
		"  slot %u now %" PRIu64 " family %u proto %u hook %u flags %#x dport %u nh %u "
		"netns %u\n",
		seed, kernel->verdict, kernel->reason, kernel->line, user->verdict, user->reason,
		user->line, c->slot, (uint64_t)c->now_ns, f->family, f->proto, f->hook, f->flags,
		f->dport, f->nh_family, f->netns);
	print_addr("daddr", f->daddr);
	print_addr("next hop", f->next_hop);
	if (path) {
		_fclose_ FILE *out = fopen(path, "we");

		if (out)
			fputs(policy, out);
	}
	die("run it again with SEED=%" PRIu64 " (PROPERTY_POLICY=FILE keeps the policy)", seed);
}

static void set_leases(struct bg_lease *lease, uint64_t base)
{
	unsigned int slot;

	for (slot = 0; slot < BG_MAX_GUARDS; slot++) {
		gen_lease(&lease[slot], base);
		check(!loader_write_lease(slot, &lease[slot]), "cannot write a lease");
	}
}

static void one_batch(struct kernel *k, const struct loader_image *img, const char *policy)
{
	struct bg_lease lease[BG_MAX_GUARDS];
	int i;

	set_leases(lease, base_now_ns(CLOCK_BOOTTIME));
	for (i = 0; i < VERDICT_BATCH; i++)
		gen_case(img, lease, &k->cases[i]);
	run_kernel(k);
	for (i = 0; i < VERDICT_BATCH; i++) {
		const struct verdict_case *c = &k->cases[i];
		const struct bg_decision *d = &k->decisions[i];
		struct bg_decision user;
		bool packet = c->flow.hook == BG_HOOK_EGRESS || c->flow.hook == BG_HOOK_SOCKOPS;

		loader_decide(img, c->slot, &c->flow, &lease[c->slot], c->now_ns, NULL, &user);
		if (d->verdict != user.verdict || d->reason != user.reason || d->line != user.line)
			differ(c, d, &user, policy);
		seen[d->reason % BG_R_MAX][packet ? 0 : 1]++;
	}
}

/* Loads one random policy; returns its text. */
static char *next_policy(bool first, unsigned int big)
{
	struct policy_errors errs = { 0 };
	struct loader_error err = { 0 };
	enum loader_result result;
	struct policy *p = NULL;
	char *text;

	while (!p) { /* the generator may write what a policy must not say: then another */
		text = gen_policy(instance_cgroup, big);
		if (policy_parse(text, strlen(text), &p, &errs))
			free(text);
		policy_errors_free(&errs);
		memset(&errs, 0, sizeof(errs));
	}
	if (loader_load(p, "random", !first, 0, &result, &err))
		die("seed %" PRIu64 ": load: %s: %s", seed, err.what, err.why);
	policy_free(p);
	return text;
}

/* Each reason that the decision can give was met often enough for the comparison to mean anything.
 */
static int check_seen(void)
{
	static const uint8_t packet[] = {
		BG_R_LOOPBACK,	       BG_R_LOCAL,	     BG_R_GATEWAY,
		BG_R_NEIGHBOUR,	       BG_R_NOT_LOADED,	     BG_R_MALFORMED,
		BG_R_HOST_NAMESPACE,   BG_R_NEXT_HOP,	     BG_R_NO_ROUTE_TO_GATEWAY,
		BG_R_LOCAL_NOT_LISTED, BG_R_IPV6_NO_GATEWAY, BG_R_LEASE_EXPIRED,
		BG_R_VPN_DOWN,	       BG_R_DNS_ELSEWHERE,   BG_R_IP_OPTIONS,
		BG_R_MARTIAN,	       BG_R_ENCAPSULATION,
	};
	static const uint8_t call[] = {
		BG_R_NONE,	     BG_R_NEIGHBOUR,	   BG_R_NOT_LOADED,    BG_R_MALFORMED,
		BG_R_HOST_NAMESPACE, BG_R_IPV6_NO_GATEWAY, BG_R_LEASE_EXPIRED, BG_R_VPN_DOWN,
		BG_R_DNS_ELSEWHERE,  BG_R_IP_OPTIONS,
	};
	size_t i;
	int bad = 0;

	for (i = 0; i < ARRAY_SIZE(packet); i++)
		if (seen[packet[i]][0] < EACH_REASON)
			bad = packet[i];
	for (i = 0; i < ARRAY_SIZE(call); i++)
		if (seen[call[i]][1] < EACH_REASON)
			bad = call[i] + 100;
	return bad;
}

static int property(int argc, char **argv)
{
	uint64_t flows = argc > 3 ? strtoull(argv[3], NULL, 0) : FLOWS, done = 0;
	uint64_t start = base_now_ns(CLOCK_MONOTONIC);
	unsigned int policies = 0, prefixes = 0, b;
	struct kernel k = { 0 };

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : base_now_ns(CLOCK_REALTIME) % 1000000007;
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	gen_seed(seed);
	while (done < flows) {
		bool huge =
			policies % 16 == 1; /* each flow then searches thousands in user space */
		_free_ char *text = next_policy(!policies, huge ? HUGE_LIST : BIG_LIST);
		struct loader_image img;
		struct loader_error err = { 0 };

		if (!k.obj)
			open_kernel(&k, argv[1]);
		check(!loader_read_image(&img, &err), "read back: %s: %s", err.what, err.why);
		prefixes += img.n_prefix;
		for (b = 0; b < (huge ? BATCHES / 4 : BATCHES); b++, done += VERDICT_BATCH)
			one_batch(&k, &img, text);
		loader_image_free(&img);
		policies++;
	}
	bpf_object__close(k.obj);
	if (flows >= FLOWS)
		check(!check_seen(), "reason %d was met too seldom: the generator is at fault",
		      check_seen());
	printf("%" PRIu64
	       " flows on %u policies (%u prefixes): kernel and user space agree (%.1f s)\n",
	       done, policies, prefixes, (base_now_ns(CLOCK_MONOTONIC) - start) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: property OBJECT [SEED [FLOWS]]\n");
		return EXIT_USAGE;
	}
	return instance_run("property", property, argc, argv, TIMEOUT_S);
}

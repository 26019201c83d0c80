// SPDX-License-Identifier: GPL-2.0-only
/* Random policies, as text: so that their lines are real lines. */
#include <arpa/inet.h>
#include <string.h>

#include "base/base.h"
#include "tests/prog/gen.h"

static uint64_t state = 1;

void gen_seed(uint64_t seed)
{
	state = seed ? seed : 1;
}

uint64_t gen_u64(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

uint32_t gen_below(uint32_t n)
{
	return (gen_u64() >> 32) % n;
}

/* The network that holds the gateways of guard i: 10.i.0.0/16 and 2001:db8:i::/48. */
static void gateway_text(char *buf, size_t size, int family, unsigned int guard, unsigned int k)
{
	if (family == 4)
		snprintf(buf, size, "10.%u.%u.%u", 100 + guard, k, 2 + k);
	else
		snprintf(buf, size, "2001:db8:%x::%x", guard, 2 + k);
}

static void print_gateway(FILE *f, unsigned int guard, unsigned int n4, unsigned int n6,
			  bool tunnel)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int k;

	fputs("    gateway:\n", f);
	if (tunnel)
		fputs("      interface: tun0\n", f);
	if (!n4 && !n6)
		return;
	fputs("      address:\n", f);
	for (k = 0; k < n4 + n6; k++) {
		gateway_text(text, sizeof(text), k < n4 ? 4 : 6, guard, k < n4 ? k : k - n4);
		fprintf(f, "        - \"%s\"\n", text);
	}
}

static void mask_bits(uint8_t *a, unsigned int len, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i<bytes; i++, len = len> 8 ? len - 8 : 0)
		a[i] &= len >= 8 ? 0xff : ~(0xffu >> len);
}

static void random_prefix(uint8_t a[16], unsigned int *len, int family, unsigned int n)
{
	unsigned int shortest = n > 50 ? 20 : 8, i;

	for (i = 0; i < 16; i++)
		a[i] = gen_u64();
	if (family == 4) {
		*len = shortest + gen_below(33 - shortest);
		a[0] = 11 + gen_below(115); /* neither 0, 10 nor 127 and above */
		mask_bits(a, *len, 4);
	} else {
		/* single addresses are the trie's edge, and would be rare */
		*len = gen_below(4) ? 32 + gen_below(97) : 128;
		a[0] = 0x20 + gen_below(16);
		mask_bits(a, *len, 16);
	}
}

/* n prefixes, a third of them inside an earlier one: longest match must win on both sides. */
static void print_prefixes(FILE *f, int family, unsigned int n)
{
	unsigned int bits = family == 4 ? 32 : 128, i;
	_free_ uint8_t(*list)[16] = calloc(n + 1, sizeof(*list));
	_free_ unsigned int *lens = calloc(n + 1, sizeof(*lens));
	char text[INET6_ADDRSTRLEN];

	if (!list || !lens)
		abort();
	for (i = 0; i < n; i++) {
		random_prefix(list[i], &lens[i], family, n);
		if (i && gen_one_in(3)) {
			unsigned int from = gen_below(i), more = 1 + gen_below(8), b;

			if (lens[from] + more <= bits) {
				uint8_t inside[16];

				memcpy(inside, list[i], 16);
				memcpy(list[i], list[from], 16);
				lens[i] = lens[from] + more;
				for (b = lens[from]; b < lens[i]; b++)
					list[i][b / 8] |= inside[b / 8] & (0x80 >> b % 8);
			}
		}
		inet_ntop(family == 4 ? AF_INET : AF_INET6, list[i], text, sizeof(text));
		fprintf(f, "      - \"%s/%u\"\n", text, lens[i]);
	}
}

static unsigned int list_size(unsigned int big)
{
	switch (gen_below(5)) {
	case 0: return 0;
	case 1: return 7; /* with the gateway's network: just fits inline */
	case 2: return 8; /* just does not */
	case 3: return gen_below(7);
	default: return 1 + gen_below(big);
	}
}

static void print_guard(FILE *f, unsigned int guard, const char *cgroup, unsigned int big)
{
	static const char *const modes[] = { "gateway", "local-names", "strict" };
	bool tunnel = gen_one_in(4), v6 = gen_one_in(2), v4 = !v6 || gen_below(4);
	bool lease = !gen_one_in(3);
	unsigned int n4 = v4 ? 1 + gen_below(4) : 0, n6 = v6 ? 1 + gen_below(4) : 0;

	if (tunnel && gen_one_in(2))
		n4 = n6 = 0;
	fprintf(f, "  - name: g%u\n    cgroup: %s\n", guard, cgroup);
	fprintf(f, "    mode: %s\n", gen_one_in(4) ? "audit" : "enforce");
	print_gateway(f, guard, n4, n6, tunnel);
	if (lease) /* only where somebody could renew it */
		fputs("      netns: /run/netns/gw\n", f);
	fputs("    local:\n", f);
	fprintf(f, "      - 10.%u.0.0/16\n", 100 + guard);
	if (n6 || gen_one_in(4))
		fprintf(f, "      - \"2001:db8:%x::/48\"\n", guard);
	print_prefixes(f, 4, list_size(big));
	if (n6 || gen_one_in(4))
		print_prefixes(f, 6, list_size(big));
	fprintf(f, "    dns:\n      mode: %s\n      tls: %s\n", modes[gen_below(3)],
		gen_one_in(2) ? "deny" : "allow");
	if ((!n4 && !n6) || gen_one_in(2)) {
		fprintf(f, "      server:\n        - 10.%u.7.%u\n", 100 + guard, 1 + gen_below(9));
		if (n6)
			fprintf(f, "        - \"2001:db8:%x::53\"\n", guard);
	}
	fprintf(f, "    kill_switch:\n      lease: %s\n", lease ? "5s" : "off");
}

char *gen_policy(const char *(*cgroup)(const char *name), unsigned int big)
{
	unsigned int n = 1 + gen_below(GEN_MAX_GUARDS), i;
	char name[8], *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		abort();
	fputs("version: 1\nguards:\n", f);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		print_guard(f, i, cgroup(name), big);
		for (uint32_t blank = gen_below(3); blank; blank--)
			fputc('\n', f); /* moves the lines about */
	}
	fclose(f);
	return text;
}

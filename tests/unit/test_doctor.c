// SPDX-License-Identifier: GPL-2.0-only
/* What doctor says of an engine's containers and networks, of a policy, and without an engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "cli/doctor.h"
#include "tests/unit/engine_script.h"

#define ID(n)  "000000000000000000000000000000000000000000000000000000000000000" n
#define VPN    ID("a")
#define OTHER  ID("b")
#define GW     ID("0")
#define GOOD   ID("1")
#define EVIL   ID("2")
#define LOOSE  ID("3")
#define NOBODY ID("4")

#define ON(name, id) "\"" name "\":{\"NetworkID\":\"" id "\"}"
#define CONTAINER(id, name, host, nets)                                                            \
	"{\"Id\":\"" id "\",\"Name\":\"/" name "\",\"State\":{\"Running\":false},\"Config\":"      \
	"{\"Image\":\"img\"},\"HostConfig\":{" host "},\"NetworkSettings\":{\"Networks\":{" nets   \
	"}}}"
#define HARDENED                                                                                   \
	"\"CgroupParent\":\"bgtest.slice\",\"CapDrop\":[\"NET_RAW\"],\"Dns\":[\"172.30.0.3\"],"    \
	"\"SecurityOpt\":[\"no-new-privileges:true\"]"
#define NETWORK_GOOD                                                                               \
	"{\"Id\":\"" VPN "\",\"Name\":\"vpn\",\"Driver\":\"bridge\",\"Options\":{"                 \
	"\"com.docker.network.bridge.inhibit_ipv4\":\"true\","                                     \
	"\"com.docker.network.bridge.enable_ip_masquerade\":\"false\"},\"IPAM\":{\"Config\":["     \
	"{\"Subnet\":\"172.30.0.0/24\",\"Gateway\":\"172.30.0.2\"}]}}"
#define NETWORK_BAD                                                                                \
	"{\"Id\":\"" VPN "\",\"Name\":\"vpn\",\"Driver\":\"bridge\",\"EnableIPv6\":true,"          \
	"\"IPAM\":{\"Config\":[{\"Subnet\":\"172.30.0.0/24\",\"Gateway\":\"172.30.0.1\"}]}}"
#define NETWORK_OTHER                                                                              \
	"{\"Id\":\"" OTHER "\",\"Name\":\"media\",\"Driver\":\"bridge\",\"IPAM\":{\"Config\":["    \
	"{\"Subnet\":\"172.40.0.0/24\"}]}}"

static char policy[64];

static void write_policy(const char *rest)
{
	FILE *f = fopen(policy, "we");

	assert_non_null(f);
	fprintf(f,
		"version: 1\nguards:\n  - name: vpn\n    cgroup: bgtest.slice\n    gateway:\n"
		"      address: [172.30.0.2]\n      container: gw\n    local: [172.30.0.0/24]\n%s",
		rest);
	fclose(f);
}

static int setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct script *s = calloc(1, sizeof(*s));

	snprintf(s->path, sizeof(s->path), "/tmp/bpfguard-doctor-%d", getpid());
	snprintf(policy, sizeof(policy), "/tmp/bpfguard-doctor-%d.yaml", getpid());
	unlink(s->path);
	memcpy(sa.sun_path, s->path, sizeof(s->path));
	setenv("BPFGUARD_DOCKER", s->path, 1);
	setenv("BPFGUARD_PINS", "/nowhere/pins", 1);
	setenv("BPFGUARD_RUN", "/nowhere/run", 1);
	write_policy("");
	*state = s;
	return script_listen(s, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
			     (struct sockaddr *)&sa, sizeof(sa));
}

static int teardown(void **state)
{
	unlink(policy);
	script_end(*state);
	free(*state);
	return 0;
}

static void engine(struct script *s, const char *list, const char *network)
{
	script_reset(s);
	script_json(s, "GET /info ", 200,
		    "{\"ServerVersion\":\"28.5\",\"CgroupDriver\":\"systemd\",\"CgroupVersion\":"
		    "\"2\"}");
	script_json(s, "GET /containers/json", 200, list);
	script_json(s, "GET /networks/" VPN " ", 200, network);
	script_json(s, "GET /networks/" OTHER " ", 200, NETWORK_OTHER);
	script_json(s, "GET /containers/gw/json", 200,
		    CONTAINER(GW, "gw", "\"CapAdd\":[\"NET_ADMIN\"]",
			      ON("vpn", VPN) "," ON("up", OTHER)));
	script_json(s, "GET /containers/" GW "/json", 200,
		    CONTAINER(GW, "gw", "\"CapAdd\":[\"NET_ADMIN\"]",
			      ON("vpn", VPN) "," ON("up", OTHER)));
	script_json(s, "GET /containers/" GOOD "/json", 200,
		    CONTAINER(GOOD, "good", HARDENED, ON("vpn", VPN)));
	script_json(s, "GET /containers/" EVIL "/json", 200,
		    CONTAINER(EVIL, "evil",
			      "\"CgroupParent\":\"bgtest.slice\",\"CapAdd\":[\"NET_ADMIN\"],"
			      "\"PortBindings\":{\"80/tcp\":[{}]}",
			      ON("vpn", VPN) "," ON("media", OTHER)));
	script_json(s, "GET /containers/" LOOSE "/json", 200,
		    CONTAINER(LOOSE, "loose", "\"CapDrop\":[\"ALL\"]", ON("vpn", VPN)));
	script_json(s, "GET /containers/" NOBODY "/json", 200,
		    CONTAINER(NOBODY, "nobody", "\"Privileged\":true", ON("media", OTHER)));
}

/* NULL: not found. */
static const struct doctor_finding *finding(const struct doctor *d, const char *id,
					    const char *subject)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (strcmp(d->list[i].id, id) == 0 &&
		    (!subject || strcmp(d->list[i].subject, subject) == 0))
			return &d->list[i];
	return NULL;
}

static void assert_said(const struct doctor *d, const char *id, const char *subject,
			enum doctor_severity severity)
{
	const struct doctor_finding *f = finding(d, id, subject);

	if (!f)
		fail_msg("%s: %s is not said", subject ? subject : "", id);
	if (f->severity != severity)
		fail_msg("%s: %s: severity %d", subject ? subject : "", id, f->severity);
}

static size_t count(const struct doctor *d, const char *subject)
{
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		n += d->list[i].severity != DOCTOR_OK && strcmp(d->list[i].subject, subject) == 0;
	return n;
}

static void look(struct doctor *d)
{
	size_t i;

	*d = (struct doctor){ .policy_path = policy };
	doctor_run(d);
	for (i = 0; i < d->n; i++) {
		const struct doctor_finding *f = &d->list[i];

		assert_true(f->what[0] && strchr(f->id, '.'));
		/* nobody is left alone with a finding */
		if (f->severity != DOCTOR_OK && (!f->why[0] || !f->todo[0]))
			fail_msg("%s: no reason or no remedy", f->id);
	}
}

static void test_containers(void **state)
{
	struct doctor d;

	engine(*state,
	       "[{\"Id\":\"" GW "\"},{\"Id\":\"" GOOD "\"},{\"Id\":\"" EVIL "\"},{\"Id\":\"" LOOSE
	       "\"},{\"Id\":\"" NOBODY "\"}]",
	       NETWORK_GOOD);
	look(&d);
	assert_said(&d, "docker.engine", "", DOCTOR_OK);
	assert_said(&d, "container.inside", "good", DOCTOR_OK);
	assert_int_equal(count(&d, "good"), 0);
	assert_said(&d, "container.net_admin", "evil", DOCTOR_BAD);
	assert_said(&d, "container.net_raw", "evil", DOCTOR_WARN);
	assert_said(&d, "container.new_privileges", "evil", DOCTOR_WARN);
	assert_said(&d, "container.second_network", "evil", DOCTOR_BAD);
	assert_said(&d, "container.ports", "evil", DOCTOR_WARN);
	assert_said(&d, "container.dns", "evil", DOCTOR_WARN);
	assert_int_equal(count(&d, "evil"), 6);
	assert_said(&d, "container.outside", "loose", DOCTOR_BAD);
	assert_said(&d, "container.dns", "loose", DOCTOR_BAD);
	assert_int_equal(count(&d, "loose"), 2);
	/* neither the gateway nor who is elsewhere is anybody's business */
	assert_int_equal(count(&d, "nobody"), 0);
	assert_null(finding(&d, "container.outside", "gw"));
	assert_said(&d, "gateway.container", "gw", DOCTOR_BAD); /* it does not run */
	assert_int_equal(count(&d, "gw"), 1);
	assert_int_equal(count(&d, "vpn"), 0);
	assert_false(d.enforced);
	assert_int_equal(doctor_code(&d), EXIT_NOT_ENFORCED);
	d.enforced = true;
	assert_int_equal(doctor_code(&d), EXIT_NO);
	doctor_free(&d);
}

static void test_network(void **state)
{
	struct doctor d;

	engine(*state, "[]", NETWORK_BAD);
	look(&d);
	assert_said(&d, "network.gateway", "vpn", DOCTOR_BAD);
	assert_said(&d, "network.ipv6", "vpn", DOCTOR_BAD);
	assert_said(&d, "network.host_address", "vpn", DOCTOR_WARN);
	assert_said(&d, "network.masquerade", "vpn", DOCTOR_WARN);
	doctor_free(&d);
	write_policy("    link: {seal: off}\n");
	look(&d);
	assert_said(&d, "network.host_address", "vpn", DOCTOR_BAD);
	assert_said(&d, "network.masquerade", "vpn", DOCTOR_BAD);
	assert_said(&d, "policy.link", "vpn", DOCTOR_WARN);
	doctor_free(&d);
	write_policy("");
}

static void test_gateway(void **state)
{
	struct script *s = *state;
	struct doctor d;

	engine(s, "[]", NETWORK_GOOD);
	script_reset(s);
	script_json(s, "GET /info ", 200,
		    "{\"CgroupVersion\":\"1\",\"CgroupDriver\":\"cgroupfs\"}");
	script_json(s, "GET /containers/gw/json", 404, "{\"message\":\"no such container\"}");
	script_json(s, "GET /containers/json", 200, "[{\"Id\":\"" GW "\"}]");
	script_json(s, "GET /containers/" GW "/json", 200,
		    CONTAINER(GW, "gw", "\"CgroupParent\":\"bgtest.slice\"", ""));
	look(&d);
	assert_said(&d, "gateway.container", "gw", DOCTOR_BAD);
	assert_non_null(strstr(finding(&d, "gateway.container", "gw")->what, "by its label"));
	assert_said(&d, "gateway.inside", "gw", DOCTOR_BAD);
	assert_said(&d, "docker.cgroup_version", "", DOCTOR_BAD);
	assert_said(&d, "docker.cgroup_driver", "vpn", DOCTOR_WARN);
	doctor_free(&d);
	script_reset(s);
	script_json(s, "GET /info ", 200, "{}");
	script_json(s, "GET /containers/gw/json", 404, "{}");
	script_json(s, "GET /containers/json", 200, "[]");
	look(&d);
	assert_said(&d, "gateway.container", "gw", DOCTOR_BAD);
	assert_non_null(strstr(finding(&d, "gateway.container", "gw")->what, "no such container"));
	doctor_free(&d);
}

static void test_policy(void **state)
{
	struct doctor d;

	engine(*state, "[]", NETWORK_GOOD);
	write_policy("    mode: audit\n    kill_switch: {lease: off}\n    uplink: {guard: off}\n");
	look(&d);
	assert_said(&d, "policy.audit", "vpn", DOCTOR_BAD);
	assert_said(&d, "policy.lease", "vpn", DOCTOR_WARN);
	assert_said(&d, "policy.uplink", "vpn", DOCTOR_WARN);
	doctor_free(&d);
	write_policy("    nonsense: 1\n");
	look(&d);
	assert_said(&d, "policy.file", NULL, DOCTOR_BAD);
	assert_null(d.policy);
	doctor_free(&d);
	write_policy("");
}

/* An engine that hangs or talks rubbish costs its time-out, and the rest is looked at. */
static void test_no_engine(void **state)
{
	struct script *s = *state;
	struct doctor d;

	script_reset(s);
	script_json(s, "GET /info ", 200, "{}")->then = SCRIPT_HANG;
	s->shared->line[0].len = 0;
	look(&d);
	assert_said(&d, "docker.engine", "", DOCTOR_WARN);
	assert_said(&d, "kernel.release", "", DOCTOR_OK);
	assert_said(&d, "guard.loaded", "", DOCTOR_BAD);
	doctor_free(&d);
	script_reset(s);
	script_json(s, "GET /info ", 200, "{}");
	script_json(s, "GET /containers/json", 200, "rubbish");
	look(&d);
	assert_said(&d, "docker.containers", "", DOCTOR_WARN);
	doctor_free(&d);
}

static void test_json(void **state)
{
	char *text = NULL;
	size_t len;
	struct doctor d;
	FILE *f;

	engine(*state, "[]", NETWORK_GOOD);
	look(&d);
	f = open_memstream(&text, &len);
	doctor_print_json(&d, f);
	fclose(f);
	assert_non_null(strstr(text, "{\"schema\":1,\"verdict\":\"not_enforced\",\"bad\":"));
	assert_non_null(strstr(text, "\"remedy\":\""));
	free(text);
	f = open_memstream(&text, &len);
	doctor_print_text(&d, f, false);
	fclose(f);
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "not enforced"));
	free(text);
	doctor_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers), cmocka_unit_test(test_network),
		cmocka_unit_test(test_gateway),	   cmocka_unit_test(test_policy),
		cmocka_unit_test(test_no_engine),  cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

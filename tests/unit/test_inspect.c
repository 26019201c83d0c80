// SPDX-License-Identifier: GPL-2.0-only
/* What an engine's answer and /proc say of a container's privileges, and of a network. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/inspect.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NET "00000000000000000000000000000000000000000000000000000000000000ff"

/* What an engine's defaults leave: everything else has to be asked for. */
#define DEFAULTS (INSPECT_NET_RAW | INSPECT_NEW_PRIVILEGES | INSPECT_NO_DNS)

static uint32_t facts_of(const char *host, const char *mounts, struct inspect_container *ret)
{
	struct inspect_container c;
	char text[2048];

	snprintf(text, sizeof(text),
		 "{\"Id\":\"" ID "\",\"Name\":\"/app\",\"State\":{\"Running\":false},"
		 "\"HostConfig\":{%s},\"Mounts\":[%s]}",
		 host, mounts);
	assert_int_equal(inspect_parse_container(text, strlen(text), &c), 0);
	if (ret)
		*ret = c;
	return c.facts;
}

static uint32_t of_host(const char *host)
{
	return facts_of(host, "", NULL);
}

static uint32_t of_mount(const char *source, const char *rw)
{
	struct inspect_container c;
	char text[512];
	uint32_t facts;

	snprintf(text, sizeof(text),
		 "{\"Type\":\"bind\",\"Source\":\"/srv/x\",\"RW\":true},{\"Type\":\"bind\","
		 "\"Source\":\"%s\",\"Destination\":\"/d\",\"RW\":%s}",
		 source, rw);
	facts = facts_of("", text, &c);
	if (facts != DEFAULTS)
		assert_string_equal(c.mount, source);
	return facts & ~(uint32_t)DEFAULTS;
}

static void test_caps(void **state)
{
	uint32_t all = INSPECT_NET_ADMIN | INSPECT_SYS_ADMIN | INSPECT_SYS_PTRACE | INSPECT_BPF |
		       INSPECT_SYS_MODULE | INSPECT_NET_RAW;

	(void)state;
	assert_int_equal(of_host(""), DEFAULTS);
	assert_int_equal(of_host("\"CapDrop\":[\"NET_RAW\"]"), DEFAULTS & ~INSPECT_NET_RAW);
	assert_int_equal(of_host("\"CapDrop\":[\"CAP_NET_RAW\"]"), DEFAULTS & ~INSPECT_NET_RAW);
	assert_int_equal(of_host("\"CapDrop\":[\"all\"]"), DEFAULTS & ~INSPECT_NET_RAW);
	assert_int_equal(of_host("\"CapDrop\":[\"ALL\"],\"CapAdd\":[\"NET_RAW\"]"), DEFAULTS);
	assert_int_equal(of_host("\"CapDrop\":[\"NET_RAW\"],\"CapAdd\":[\"net_raw\"]"), DEFAULTS);
	assert_int_equal(of_host("\"CapAdd\":[\"CAP_NET_ADMIN\"]"), DEFAULTS | INSPECT_NET_ADMIN);
	assert_int_equal(of_host("\"CapAdd\":[\"net_admin\",\"BPF\"]"),
			 DEFAULTS | INSPECT_NET_ADMIN | INSPECT_BPF);
	assert_int_equal(of_host("\"CapAdd\":[\"SYS_PTRACE\"]"), DEFAULTS | INSPECT_SYS_PTRACE);
	assert_int_equal(of_host("\"CapAdd\":[\"SYS_ADMIN\",\"SYS_MODULE\"]"),
			 DEFAULTS | INSPECT_SYS_ADMIN | INSPECT_SYS_MODULE);
	assert_int_equal(of_host("\"CapAdd\":[\"ALL\"]"), DEFAULTS | all);
	assert_int_equal(of_host("\"CapAdd\":[\"ALL\"],\"CapDrop\":[\"NET_RAW\"]"),
			 (DEFAULTS | all) & ~INSPECT_NET_RAW);
	assert_int_equal(of_host("\"CapAdd\":null,\"CapDrop\":[7]"), DEFAULTS);
	assert_int_equal(of_host("\"Privileged\":true,\"CapDrop\":[\"NET_RAW\"]"),
			 DEFAULTS | all | INSPECT_PRIVILEGED | INSPECT_NO_SECCOMP | INSPECT_SYS_RW |
				 INSPECT_TUN);
}

static void test_security_options(void **state)
{
	const uint32_t without = DEFAULTS & ~INSPECT_NEW_PRIVILEGES;

	(void)state;
	assert_int_equal(of_host("\"SecurityOpt\":[\"no-new-privileges\"]"), without);
	assert_int_equal(of_host("\"SecurityOpt\":[\"no-new-privileges:true\"]"), without);
	assert_int_equal(of_host("\"SecurityOpt\":[\"no-new-privileges=true\"]"), without);
	assert_int_equal(of_host("\"SecurityOpt\":[\"no-new-privileges:false\"]"), DEFAULTS);
	assert_int_equal(of_host("\"SecurityOpt\":[\"no-new-privileges-x\"]"), DEFAULTS);
	assert_int_equal(of_host("\"SecurityOpt\":[\"seccomp=unconfined\"]"),
			 DEFAULTS | INSPECT_NO_SECCOMP);
	assert_int_equal(of_host("\"SecurityOpt\":[\"seccomp:unconfined\"]"),
			 DEFAULTS | INSPECT_NO_SECCOMP);
	assert_int_equal(of_host("\"SecurityOpt\":[\"seccomp={}\",\"apparmor=unconfined\",3]"),
			 DEFAULTS);
}

static void test_modes(void **state)
{
	struct inspect_container c;

	(void)state;
	assert_int_equal(of_host("\"NetworkMode\":\"host\""), DEFAULTS | INSPECT_NET_HOST);
	assert_int_equal(of_host("\"NetworkMode\":\"container:" ID "\""),
			 (DEFAULTS & ~INSPECT_NO_DNS) | INSPECT_NET_CONTAINER);
	assert_int_equal(of_host("\"NetworkMode\":\"none\""), DEFAULTS & ~INSPECT_NO_DNS);
	assert_int_equal(of_host("\"PidMode\":\"host\""), DEFAULTS | INSPECT_PID_HOST);
	assert_int_equal(of_host("\"PidMode\":\"container:x\""), DEFAULTS);
	assert_int_equal(of_host("\"CgroupnsMode\":\"host\""), DEFAULTS | INSPECT_CGROUPNS_HOST);
	assert_int_equal(of_host("\"CgroupnsMode\":\"private\""), DEFAULTS);
	assert_int_equal(of_host("\"Dns\":[\"172.30.0.3\"]"), DEFAULTS & ~INSPECT_NO_DNS);
	assert_int_equal(of_host("\"Dns\":[]"), DEFAULTS);
	assert_int_equal(of_host("\"PortBindings\":{\"80/tcp\":[]}"), DEFAULTS);
	assert_int_equal(of_host("\"PublishAllPorts\":true"), DEFAULTS | INSPECT_PORTS);
	assert_int_equal(of_host("\"Devices\":[{\"PathOnHost\":\"/dev/net/tun\"}]"),
			 DEFAULTS | INSPECT_TUN);
	assert_int_equal(of_host("\"Devices\":[{\"PathOnHost\":\"/dev/fuse\"}]"), DEFAULTS);
	facts_of("\"CgroupParent\":\"bpfguard.slice\",\"PortBindings\":{\"8787/tcp\":"
		 "[{\"HostPort\":\"1\"}]}",
		 "", &c);
	assert_int_equal(c.facts, DEFAULTS | INSPECT_PORTS);
	assert_string_equal(c.cgroup_parent, "bpfguard.slice");
	assert_string_equal(c.ports, "8787/tcp");
}

static void test_mounts(void **state)
{
	(void)state;
	assert_int_equal(of_mount("/srv/data", "true"), 0);
	assert_int_equal(of_mount("/run/docker.sock", "false"), INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/var/run/docker.sock", "true"), INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/home/x/docker.sock", "true"), INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/run/containerd/containerd.sock", "true"),
			 INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/run/containerd", "true"), INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/run/podman/podman.sock", "true"), INSPECT_ENGINE_SOCKET);
	assert_int_equal(of_mount("/run/dbus", "true"), INSPECT_DBUS);
	assert_int_equal(of_mount("/var/run/dbus/system_bus_socket", "true"), INSPECT_DBUS);
	assert_int_equal(of_mount("/run/systemd/private", "true"), INSPECT_DBUS);
	assert_int_equal(of_mount("/var/run", "false"), INSPECT_RUN);
	assert_int_equal(of_mount("/run", "true"), INSPECT_RUN);
	assert_int_equal(of_mount("/running", "true"), 0);
	assert_int_equal(of_mount("/", "true"), INSPECT_RUN | INSPECT_SYS_RW);
	assert_int_equal(of_mount("/", "false"), INSPECT_RUN);
	assert_int_equal(of_mount("/sys/fs/cgroup", "true"), INSPECT_SYS_RW);
	assert_int_equal(of_mount("/sys", "true"), INSPECT_SYS_RW);
	assert_int_equal(of_mount("/sys/fs/cgroup", "false"), 0);
	assert_int_equal(of_mount("/system", "true"), 0);
	assert_int_equal(of_mount("/proc", "true"), INSPECT_PROC_RW);
	assert_int_equal(of_mount("/proc", "false"), 0);
	assert_int_equal(of_mount("/dev/net/tun", "true"), INSPECT_TUN);
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "",
					   "[]",
					   "{}",
					   "{\"Id\":\"x\",\"Name\":\"/a\"}",
					   "7",
					   "{\"Id\":\"" ID "\"}",
					   "{\"Id\":\"" ID "\",\"Name\":1}" };
	struct inspect_container c;
	struct inspect_network n;
	struct inspect_engine e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(inspect_parse_container(bad[i], strlen(bad[i]), &c), -EBADMSG);
		if (!strstr(bad[i], ID))
			assert_int_equal(inspect_parse_network(bad[i], strlen(bad[i]), &n),
					 -EBADMSG);
	}
	assert_int_equal(inspect_parse_engine("[]", 2, &e), -EBADMSG);
	assert_int_equal(inspect_parse_engine("{}", 2, &e), 0);
}

static void network(const char *rest, struct inspect_network *ret)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"Id\":\"" NET "\",\"Name\":\"vpn\",\"Driver\":\"bridge\",%s}", rest);
	assert_int_equal(inspect_parse_network(text, strlen(text), ret), 0);
	assert_string_equal(ret->name, "vpn");
	assert_string_equal(ret->bridge, "br-000000000000");
}

static void test_network(void **state)
{
	static const uint8_t gw[4] = { 172, 30, 0, 2 };
	struct inspect_network n;

	(void)state;
	network("\"Options\":{}", &n);
	assert_true(n.masquerade && !n.inhibit_ipv4 && !n.internal && !n.ipv6 && !n.has_gateway4);
	network("\"Internal\":true,\"EnableIPv6\":true,\"Options\":{"
		"\"com.docker.network.bridge.inhibit_ipv4\":\"true\","
		"\"com.docker.network.bridge.enable_ip_masquerade\":\"false\"},\"IPAM\":{"
		"\"Config\":"
		"[{\"Subnet\":\"172.30.0.0/24\",\"Gateway\":\"172.30.0.2\"},{\"Subnet\":\"fd30::/"
		"64\","
		"\"Gateway\":\"fd30::1\"}]}",
		&n);
	assert_true(n.internal && n.ipv6 && n.inhibit_ipv4 && !n.masquerade && n.has_gateway4);
	assert_memory_equal(n.gateway4, gw, 4);
	assert_false(n.has_gateway6); /* fd30::1 is the host's own */
	network("\"IPAM\":{\"Config\":[{\"Gateway\":\"172.30.0.1\",\"AuxiliaryAddresses\":"
		"{\"DefaultGatewayIPv4\":\"172.30.0.2\"}},{\"AuxiliaryAddresses\":"
		"{\"DefaultGatewayIPv6\":\"fd30::2\"}}]}",
		&n);
	assert_memory_equal(n.gateway4, gw, 4);
	assert_true(n.has_gateway6);
}

static void test_status(void **state)
{
	static const char docker[] = "Name:\tx\nCapEff:\t0000000000000000\n"
				     "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\n";
	static const char hard[] = "CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n";
	static const char all[] = "CapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n";
	uint32_t facts = INSPECT_NET_ADMIN | INSPECT_DBUS | INSPECT_NO_SECCOMP;

	(void)state;
	inspect_parse_status(docker, &facts);
	assert_int_equal(facts, INSPECT_DBUS | INSPECT_NET_RAW | INSPECT_NEW_PRIVILEGES);
	inspect_parse_status(hard, &facts);
	assert_int_equal(facts, INSPECT_DBUS);
	inspect_parse_status("", &facts);
	assert_int_equal(facts, INSPECT_DBUS);
	inspect_parse_status(all, &facts);
	assert_int_equal(facts, INSPECT_DBUS | INSPECT_NET_RAW | INSPECT_NET_ADMIN |
					INSPECT_SYS_ADMIN | INSPECT_SYS_PTRACE |
					INSPECT_SYS_MODULE | INSPECT_BPF | INSPECT_NEW_PRIVILEGES |
					INSPECT_NO_SECCOMP);
}

static void test_resolv(void **state)
{
	(void)state;
	assert_true(inspect_dns_from_host("nameserver 127.0.0.11\n\n# Based on host file\n"
					  "# ExtServers: [host(203.0.113.53)]\n# Overrides: []\n"));
	assert_false(inspect_dns_from_host("nameserver 127.0.0.11\n# ExtServers: [172.30.0.3]\n"));
	assert_false(inspect_dns_from_host("# ExtServers: [172.30.0.3]\n# host(203.0.113.53)\n"));
	assert_false(inspect_dns_from_host(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caps),	cmocka_unit_test(test_security_options),
		cmocka_unit_test(test_modes),	cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_network),
		cmocka_unit_test(test_status),	cmocka_unit_test(test_resolv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* The engine's word on a container's privileges and on a network, to facts. Outside bytes. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"
#include "discovery/engine_parse.h"
#include "discovery/inspect.h"

#define CAP_BIT(n)     (1ull << (n))
#define CAP_NET_ADMIN  12
#define CAP_NET_RAW    13
#define CAP_SYS_MODULE 16
#define CAP_SYS_PTRACE 19
#define CAP_SYS_ADMIN  21
#define CAP_BPF	       39

static const struct {
	const char *name;
	unsigned int number; /* linux/capability.h */
	uint32_t fact;
} caps[] = {
	{ "NET_ADMIN", CAP_NET_ADMIN, INSPECT_NET_ADMIN },
	{ "SYS_ADMIN", CAP_SYS_ADMIN, INSPECT_SYS_ADMIN },
	{ "SYS_PTRACE", CAP_SYS_PTRACE, INSPECT_SYS_PTRACE },
	{ "SYS_MODULE", CAP_SYS_MODULE, INSPECT_SYS_MODULE },
	{ "BPF", CAP_BPF, INSPECT_BPF },
	{ "NET_RAW", CAP_NET_RAW, INSPECT_NET_RAW },
};
#define CAP_FACTS                                                                                  \
	(INSPECT_NET_ADMIN | INSPECT_SYS_ADMIN | INSPECT_SYS_PTRACE | INSPECT_SYS_MODULE |         \
	 INSPECT_BPF | INSPECT_NET_RAW)

static void text_of(const json_t *o, const char *key, char *ret, size_t size)
{
	const json_t *v = json_object_get(o, key);

	ret[0] = '\0';
	if (json_is_string(v))
		base_sanitize(ret, size, json_string_value(v), json_string_length(v));
}

/* ---- capabilities: `CAP_NET_RAW`, `net_raw` and `ALL` are all legal ---- */
static bool names_cap(const json_t *list, const char *name)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (!s)
			continue;
		if (strncasecmp(s, "CAP_", 4) == 0)
			s += 4;
		if (strcasecmp(s, name) == 0)
			return true;
	}
	return false;
}

static uint32_t cap_facts(const json_t *host)
{
	const json_t *add = json_object_get(host, "CapAdd"),
		     *drop = json_object_get(host, "CapDrop");
	bool all = names_cap(add, "ALL"), none = names_cap(drop, "ALL");
	uint32_t facts = 0;
	size_t i;

	if (json_is_true(json_object_get(host, "Privileged")))
		return CAP_FACTS;
	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		bool given = caps[i].fact == INSPECT_NET_RAW && !none;

		if (all || names_cap(add, caps[i].name))
			given = true;
		/* named on both sides: which one wins has changed with the engine's version */
		if (names_cap(drop, caps[i].name) && !names_cap(add, caps[i].name))
			given = false;
		if (given)
			facts |= caps[i].fact;
	}
	return facts;
}

static uint32_t security_facts(const json_t *host)
{
	const json_t *list = json_object_get(host, "SecurityOpt");
	uint32_t facts = INSPECT_NEW_PRIVILEGES;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i)), *value;

		if (!s)
			continue;
		value = s + strcspn(s, "=:");
		if (strncmp(s, "no-new-privileges", 17) == 0 && s + 17 == value &&
		    (!*value || strcasecmp(value + 1, "true") == 0 || strcmp(value + 1, "1") == 0))
			facts &= ~(uint32_t)INSPECT_NEW_PRIVILEGES;
		if (strncmp(s, "seccomp", 7) == 0 && s + 7 == value && *value &&
		    strcmp(value + 1, "unconfined") == 0)
			facts |= INSPECT_NO_SECCOMP;
	}
	return facts;
}

/* ---- mounts ---- */
static bool is_at_or_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

static uint32_t mount_fact(const char *source, bool writable)
{
	static const char *const sockets[] = { "/docker.sock", "/containerd.sock", "/podman.sock",
					       "/crio.sock", "/dockershim.sock" };
	size_t i, len = strlen(source);

	for (i = 0; i < ARRAY_SIZE(sockets); i++) {
		size_t n = strlen(sockets[i]);

		if (len >= n && strcmp(source + len - n, sockets[i]) == 0)
			return INSPECT_ENGINE_SOCKET;
	}
	if (strcmp(source, "/") == 0 || strcmp(source, "/run") == 0 ||
	    strcmp(source, "/var") == 0 || strcmp(source, "/var/run") == 0)
		return INSPECT_RUN | (writable && !source[1] ? INSPECT_SYS_RW : 0);
	if (is_at_or_below(source, "/run/docker") || is_at_or_below(source, "/var/run/docker") ||
	    is_at_or_below(source, "/run/containerd") ||
	    is_at_or_below(source, "/var/run/containerd"))
		return INSPECT_ENGINE_SOCKET;
	if (is_at_or_below(source, "/run/dbus") || is_at_or_below(source, "/var/run/dbus") ||
	    is_at_or_below(source, "/run/systemd"))
		return INSPECT_DBUS;
	if (writable && is_at_or_below(source, "/sys"))
		return INSPECT_SYS_RW;
	if (writable && is_at_or_below(source, "/proc"))
		return INSPECT_PROC_RW;
	if (is_at_or_below(source, "/dev/net"))
		return INSPECT_TUN;
	return 0;
}

static void mounts(const json_t *o, struct inspect_container *c)
{
	const json_t *list = json_object_get(o, "Mounts");
	char source[256];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);
		uint32_t fact;

		text_of(m, "Source", source, sizeof(source));
		fact = mount_fact(source, !json_is_false(json_object_get(m, "RW")));
		if (fact && !c->mount[0])
			snprintf(c->mount, sizeof(c->mount), "%.127s", source);
		c->facts |= fact;
	}
}

static void devices(const json_t *host, struct inspect_container *c)
{
	const json_t *list = json_object_get(host, "Devices");
	char path[128];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		text_of(json_array_get(list, i), "PathOnHost", path, sizeof(path));
		if (strcmp(path, "/dev/net/tun") == 0 || strcmp(path, "/dev/net") == 0)
			c->facts |= INSPECT_TUN;
	}
}

static void modes(const json_t *host, struct inspect_container *c)
{
	const json_t *ports = json_object_get(host, "PortBindings"), *port;
	char mode[16], pid[16];
	const char *name;

	text_of(host, "CgroupnsMode", mode, sizeof(mode));
	text_of(host, "PidMode", pid, sizeof(pid));
	text_of(host, "CgroupParent", c->cgroup_parent, sizeof(c->cgroup_parent));
	if (strcmp(mode, "host") == 0)
		c->facts |= INSPECT_CGROUPNS_HOST;
	if (strcmp(pid, "host") == 0)
		c->facts |= INSPECT_PID_HOST;
	if (strcmp(c->c.network_mode, "host") == 0)
		c->facts |= INSPECT_NET_HOST;
	if (strncmp(c->c.network_mode, "container:", 10) == 0)
		c->facts |= INSPECT_NET_CONTAINER;
	else if (strcmp(c->c.network_mode, "none") != 0 &&
		 !json_array_size(json_object_get(host, "Dns")))
		c->facts |= INSPECT_NO_DNS;
	json_object_foreach ((json_t *)ports, name, port) {
		if (!json_array_size(port))
			continue;
		c->facts |= INSPECT_PORTS;
		if (!c->ports[0])
			base_sanitize(c->ports, sizeof(c->ports), name, strlen(name));
	}
	if (json_is_true(json_object_get(host, "PublishAllPorts")))
		c->facts |= INSPECT_PORTS;
}

int inspect_parse_container(const char *body, size_t len, struct inspect_container *ret)
{
	struct inspect_container c = { 0 };
	int err = engine_parse_container(body, len, &c.c);
	const json_t *host;
	json_t *o;

	if (err)
		return err;
	o = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	host = json_object_get(o, "HostConfig");
	c.facts = cap_facts(host) | security_facts(host);
	if (json_is_true(json_object_get(host, "Privileged")))
		c.facts |= INSPECT_PRIVILEGED | INSPECT_NO_SECCOMP | INSPECT_SYS_RW | INSPECT_TUN;
	modes(host, &c);
	mounts(o, &c);
	devices(host, &c);
	json_decref(o);
	*ret = c;
	return 0;
}

/* ---- networks ---- */
static bool option_is(const json_t *options, const char *key, const char *value)
{
	const char *s = json_string_value(json_object_get(options, key));

	return s && strcasecmp(s, value) == 0;
}

static void ipam(const json_t *config, struct inspect_network *n)
{
	char gateway[64], aux[64];
	uint8_t v6[16];

	text_of(config, "Gateway", gateway, sizeof(gateway));
	text_of(json_object_get(config, "AuxiliaryAddresses"), "DefaultGatewayIPv4", aux,
		sizeof(aux));
	if (inet_pton(AF_INET, aux[0] ? aux : gateway, n->gateway4) == 1)
		n->has_gateway4 = true;
	text_of(json_object_get(config, "AuxiliaryAddresses"), "DefaultGatewayIPv6", aux,
		sizeof(aux));
	/* Gateway of the other family is the bridge's own address: the host, unless named here */
	if (inet_pton(AF_INET6, aux, v6) == 1)
		n->has_gateway6 = true;
}

int inspect_parse_network(const char *body, size_t len, struct inspect_network *ret)
{
	struct engine_attachment a = { 0 };
	struct inspect_network n = { .masquerade = true };
	int err = engine_parse_network(body, len, &a);
	const json_t *options, *config;
	json_t *o;
	size_t i;

	if (err)
		return err;
	o = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	text_of(o, "Id", n.id, sizeof(n.id));
	text_of(o, "Name", n.name, sizeof(n.name));
	snprintf(n.driver, sizeof(n.driver), "%s", a.driver);
	snprintf(n.bridge, sizeof(n.bridge), "%s", a.bridge);
	n.has_subnet = a.has_subnet;
	n.subnet_len = a.subnet_len;
	memcpy(n.subnet, a.subnet, sizeof(n.subnet));
	n.internal = json_is_true(json_object_get(o, "Internal"));
	n.ipv6 = json_is_true(json_object_get(o, "EnableIPv6"));
	options = json_object_get(o, "Options");
	n.inhibit_ipv4 = option_is(options, "com.docker.network.bridge.inhibit_ipv4", "true");
	n.masquerade =
		!option_is(options, "com.docker.network.bridge.enable_ip_masquerade", "false");
	n.isolated = option_is(options, "com.docker.network.bridge.gateway_mode_ipv4", "isolated");
	config = json_object_get(json_object_get(o, "IPAM"), "Config");
	for (i = 0; i < json_array_size(config); i++)
		ipam(json_array_get(config, i), &n);
	json_decref(o);
	*ret = n;
	return 0;
}

int inspect_parse_engine(const char *body, size_t len, struct inspect_engine *ret)
{
	json_t *o = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	struct inspect_engine e = { 0 };

	if (!json_is_object(o)) {
		json_decref(o);
		return -EBADMSG;
	}
	text_of(o, "ServerVersion", e.version, sizeof(e.version));
	text_of(o, "CgroupDriver", e.cgroup_driver, sizeof(e.cgroup_driver));
	text_of(o, "CgroupVersion", e.cgroup_version, sizeof(e.cgroup_version));
	json_decref(o);
	*ret = e;
	return 0;
}

/* ---- the kernel's word ---- */
static const char *line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text && *text) {
		if (strncmp(text, key, len) == 0)
			return text + len;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

/*
 * What the process could ever have: the bounding set, by which a program with file capabilities
 * gets what the first process has given up.
 */
void inspect_parse_status(const char *text, uint32_t *facts)
{
	const char *line = line_of(text, "CapBnd:");
	unsigned long long bits;
	size_t i;

	if (line && sscanf(line, " %llx", &bits) == 1)
		for (i = 0; i < ARRAY_SIZE(caps); i++) {
			*facts &= ~caps[i].fact;
			if (bits & CAP_BIT(caps[i].number))
				*facts |= caps[i].fact;
		}
	line = line_of(text, "NoNewPrivs:");
	if (line && sscanf(line, " %llu", &bits) == 1) {
		*facts &= ~(uint32_t)INSPECT_NEW_PRIVILEGES;
		if (!bits)
			*facts |= INSPECT_NEW_PRIVILEGES;
	}
	line = line_of(text, "Seccomp:");
	if (line && sscanf(line, " %llu", &bits) == 1) {
		*facts &= ~(uint32_t)INSPECT_NO_SECCOMP;
		if (!bits)
			*facts |= INSPECT_NO_SECCOMP;
	}
}

bool inspect_dns_from_host(const char *text)
{
	const char *line = line_of(text, "# ExtServers:");
	size_t len = line ? strcspn(line, "\n") : 0;

	return line && memmem(line, len, "host(", 5);
}

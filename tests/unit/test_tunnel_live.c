/* SPDX-License-Identifier: GPL-2.0-only */
/* Tunnels that run: wireguard-go, OpenVPN and impostors, in namespaces of our own. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"
#include "discovery/tunnel.h"
#include "tests/unit/netns_child.h"
#include "tests/unit/tunnel_shown.h"

/* ---- a gateway: a namespace, and a root of its own below dir ---- */
struct gateway {
	char dir[64];
	pid_t pid;
	int ns;
};

static int make_gateway(void **state)
{
	struct gateway *g = calloc(1, sizeof(*g));
	char root[128];

	strcpy(g->dir, "/tmp/bpfguard-gateway-XXXXXX");
	if (!mkdtemp(g->dir))
		return -1;
	g->pid = netns_child();
	g->ns = discovery_netns_of_pid(g->pid);
	if (g->pid < 0 || g->ns < 0)
		return -1;
	/* `root` of that child: its own, by a child of it in a chroot, is made by each test */
	snprintf(root, sizeof(root), "%s/run/wireguard", g->dir);
	sh("mkdir -p %s %s/etc/openvpn %s/var && ln -s /run %s/var/run", root, g->dir, g->dir,
	   g->dir);
	*state = g;
	return 0;
}

static int end_gateway(void **state)
{
	struct gateway *g = *state;

	netns_child_end(g->pid);
	close(g->ns);
	sh("rm -rf %s", g->dir);
	free(g);
	return 0;
}

/* A process in the gateway's namespace with the gateway's root. */
static pid_t inhabitant(const struct gateway *g)
{
	int ready[2];
	char ok = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ok = setns(g->ns, CLONE_NEWNET) == 0 && chroot(g->dir) == 0 && chdir("/") == 0;
		if (write(ready[1], &ok, 1) == 1 && ok)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &ok, 1), 1);
	assert_true(ok);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void wait_file(const char *fmt, const char *dir)
{
	char path[256];

	snprintf(path, sizeof(path), fmt, dir);
	for (int i = 0; access(path, F_OK); i++) {
		if (i > 500)
			fail_msg("%s does not come", path);
		poll(NULL, 0, 10);
	}
}

static pid_t run_in(const struct gateway *g, const char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		if (setns(g->ns, CLONE_NEWNET) == 0)
			execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

/* A real wireguard-go; its socket directory is fixed, so it gets a mount namespace of its own. */
static void test_wireguard_go(void **state)
{
	static const char *const argv[] = {
		"unshare",
		"-m",
		"sh",
		"-c",
		"mount --bind \"$0/run/wireguard\" /var/run/wireguard && exec wireguard-go -f tun0",
		NULL,
		NULL,
	};
	const char *with_dir[ARRAY_SIZE(argv)];
	struct gateway *g = *state;
	struct discovery_tunnel t = { 0 };
	pid_t wg, pid = inhabitant(g);

	sh("mkdir -p /var/run/wireguard");
	memcpy(with_dir, argv, sizeof(argv));
	with_dir[5] = g->dir;
	wg = run_in(g, with_dir);
	wait_file("%s/run/wireguard/tun0.sock", g->dir);
	/* the stranger in the peers' list has no endpoint yet */
	sh("unshare -m sh -ec 'mount --bind %s/run/wireguard /var/run/wireguard; "
	   "wg genkey | nsenter --net=/proc/%d/ns/net wg set tun0 private-key /dev/stdin "
	   "peer $(wg genkey | wg pubkey) endpoint 198.51.100.7:51820 allowed-ips 0.0.0.0/0 "
	   "peer $(wg genkey | wg pubkey) endpoint [2001:db8::7]:443 "
	   "peer $(wg genkey | wg pubkey)'",
	   g->dir, g->pid);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), 0);
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_WIREGUARD_GO);
	assert_int_equal(t.n_endpoints, 2);
	assert_non_null(strstr(shown(&t), "udp 198.51.100.7 51820"));
	assert_non_null(strstr(shown(&t), "udp 2001:db8::7 443"));
	assert_string_equal(t.endpoint[0].source, "wireguard-go tun0");
	assert_int_equal(t.last_handshake_real_ns, 0);
	/* without a process nobody can be asked */
	assert_int_equal(discovery_tunnel(g->ns, 0, "tun0", 2000, &t), -ENODATA);
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_UNKNOWN);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun1", 2000, &t), -ENODEV);
	assert_int_equal(discovery_tunnel(g->ns, pid, "lo", 2000, &t), -ENODATA);
	netns_child_end(wg);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), -ENODEV);
	netns_child_end(pid);
}

/* A device without a program behind it, for what stands in a program's place. */
static void make_tun(const struct gateway *g)
{
	sh("nsenter --net=/proc/%d/ns/net ip tuntap add tun0 mode tun", g->pid);
}

static int listen_at(const char *dir, const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);
	unlink(sa.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Says `what` so often to one caller after the other; with `pause_ms` between, or nothing at all.
 */
static pid_t say(int fd, const char *what, unsigned int times, int pause_ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			int client = accept(fd, NULL, NULL);

			for (unsigned int i = 0; i < times; i++) {
				if (write(client, what, strlen(what)) < 0)
					break;
				if (pause_ms)
					poll(NULL, 0, pause_ms);
			}
			if (times == 0)
				pause();
			close(client);
		}
	}
	return pid;
}

static void test_impostors(void **state)
{
	struct gateway *g = *state;
	struct discovery_tunnel t = { .rx_bytes = 42 };
	uint64_t before;
	int took_ms, fd;
	pid_t other, pid = inhabitant(g);

	make_tun(g);
	fd = listen_at(g->dir, "run/wireguard/tun0.sock");
	other = say(fd, "errno=0\n", 1, 0);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), 0);
	assert_int_equal(t.n_endpoints, 0);
	netns_child_end(other);
	t.rx_bytes = 42;
	other = say(fd, "220 mail ready\r\n", 1, 0);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), -EBADMSG);
	netns_child_end(other);
	other = say(fd, "allowed_ip=0.0.0.0/0\n", 1000000, 0);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 5000, &t), -EBADMSG);
	netns_child_end(other);
	/* silent, and one that drips: the time is for all of it, not for each byte */
	for (unsigned int times = 0; times <= 60; times += 60) {
		other = say(fd, "a", times, 100);
		before = base_now_ns(CLOCK_MONOTONIC);
		assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 300, &t), -ETIMEDOUT);
		took_ms = (int)((base_now_ns(CLOCK_MONOTONIC) - before) / 1000000);
		assert_in_range(took_ms, 250, 2000);
		netns_child_end(other);
	}
	assert_int_equal(t.rx_bytes, 42);
	/* nobody behind the file: as after a `docker restart` */
	close(fd);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), -ENODATA);
	netns_child_end(pid);
}

/* Links in the gateway's root lead to its own files, never to the host's. */
static void test_links_inside(void **state)
{
	struct gateway *g = *state;
	struct discovery_tunnel t = { 0 };
	char outside[64];
	int fd;
	pid_t other, pid;

	strcpy(outside, "/tmp/bpfguard-outside-XXXXXX");
	assert_non_null(mkdtemp(outside));
	make_tun(g);
	fd = listen_at(outside, "tun0.sock");
	other = say(fd, "errno=0\n", 1, 0);
	sh("ln -s %s/tun0.sock %s/run/wireguard/tun0.sock", outside, g->dir);
	sh("echo remote 203.0.113.66 66 > %s/host.ovpn", outside);
	sh("ln -s ../../../../../..%s/host.ovpn %s/etc/openvpn/target.ovpn", outside, g->dir);
	pid = inhabitant(g);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), -ENODATA);
	/* the same name inside of the root is fine */
	sh("mkdir -p %s%s && echo remote 198.51.100.7 1194 > %s%s/host.ovpn", g->dir, outside,
	   g->dir, outside);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), 0);
	assert_string_equal(shown(&t), "udp 198.51.100.7 1194");
	assert_string_equal(t.endpoint[0].source, "/etc/openvpn/target.ovpn");
	/* no regular file: not opened */
	sh("rm %s%s/host.ovpn && mkfifo %s%s/host.ovpn", g->dir, outside, g->dir, outside);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun0", 2000, &t), -ENODATA);
	netns_child_end(other);
	netns_child_end(pid);
	close(fd);
	sh("rm -rf %s", outside);
}

static void wait_tunnel(const struct gateway *g, pid_t pid, const char *want)
{
	struct discovery_tunnel t = { 0 };
	int err = 0;

	for (int i = 0; i < 500; i++) {
		err = discovery_tunnel(g->ns, pid, "tun0", 2000, &t);
		if (!err && t.n_endpoints)
			break;
		poll(NULL, 0, 10);
	}
	assert_int_equal(err, 0);
	assert_int_equal(t.kind, DISCOVERY_TUNNEL_OPENVPN);
	assert_string_equal(shown(&t), want);
}

/* A real OpenVPN with its configuration in a file of its own. */
static void test_openvpn_process(void **state)
{
	struct gateway *g = *state;
	struct discovery_tunnel t;
	char config[128];
	const char *const argv[] = { "openvpn", "--config", config, "--dev", "tun0", NULL };
	pid_t vpn, pid = inhabitant(g);

	snprintf(config, sizeof(config), "%s/client.conf", g->dir);
	sh("openvpn --genkey secret %s/key", g->dir);
	sh("echo 'remote 198.51.100.7 1195 udp\nnobind\nsecret %s/key\ncipher AES-256-CBC\n"
	   "ifconfig 10.8.0.2 10.8.0.1\n' > %s",
	   g->dir, config);
	sh("nsenter --net=/proc/%d/ns/net sh -ec 'ip link set lo up; ip link add d0 type bridge;"
	   "ip addr add 198.51.100.1/24 dev d0; ip link set d0 up'",
	   g->pid);
	vpn = run_in(g, argv);
	wait_tunnel(g, pid, "udp 198.51.100.7 1195");
	/* another device is none of its business */
	sh("nsenter --net=/proc/%d/ns/net ip tuntap add tun7 mode tun", g->pid);
	assert_int_equal(discovery_tunnel(g->ns, pid, "tun7", 2000, &t), -ENODATA);
	netns_child_end(vpn);
	netns_child_end(pid);
}

/* The remote is a name, so what counts is the connection that was made. */
static void test_openvpn_socket(void **state)
{
	struct gateway *g = *state;
	char config[128], command[512];
	pid_t vpn, server, pid = inhabitant(g);
	const char *const listener[] = {
		"openvpn",  "--dev",	  "null",    "--ifconfig-noexec",
		"--proto",  "tcp-server", "--lport", "443",
		"--config", config,	  NULL,
	};
	const char *const shell[] = { "unshare", "-m", "sh", "-c", command, NULL };

	snprintf(config, sizeof(config), "%s/common.conf", g->dir);
	sh("openvpn --genkey secret %s/key", g->dir);
	sh("echo 'secret %s/key\ncipher AES-256-CBC\nifconfig 10.8.0.2 10.8.0.1\n' > %s", g->dir,
	   config);
	sh("echo 198.51.100.1 vpn.test > %s/hosts", g->dir);
	sh("nsenter --net=/proc/%d/ns/net sh -ec 'ip link set lo up; ip link add d0 type bridge;"
	   "ip addr add 198.51.100.1/24 dev d0; ip link set d0 up'",
	   g->pid);
	server = run_in(g, listener);
	snprintf(command, sizeof(command),
		 "mount --bind %s/hosts /etc/hosts && exec openvpn --remote vpn.test 443 "
		 "--proto tcp-client --nobind --dev tun0 --config %s",
		 g->dir, config);
	vpn = run_in(g, shell);
	wait_tunnel(g, pid, "tcp 198.51.100.1 443");
	netns_child_end(vpn);
	netns_child_end(server);
	netns_child_end(pid);
}

#define WITH_GATEWAY(f) cmocka_unit_test_setup_teardown(f, make_gateway, end_gateway)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GATEWAY(test_wireguard_go),   WITH_GATEWAY(test_impostors),
		WITH_GATEWAY(test_links_inside),   WITH_GATEWAY(test_openvpn_process),
		WITH_GATEWAY(test_openvpn_socket),
	};

	return have_root() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}

// SPDX-License-Identifier: GPL-2.0-only
/* Other network namespaces: nested ones, made here, and one that is entered. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recipe.h"

#define SETTLE_MS 50

/* How the two namespaces and what is sent in the inner one are made. */
struct nested {
	const char *outer, *inner; /* for ip; outer with @pid of a process that is inside */
	const char *nft;	   /* outside, or NULL */
	int (*send)(const struct attack_env *e);
};

static int inside(const struct attack_env *e, const struct nested *n)
{
	int ret = ip_batch(e, n->inner) ? n->send(e) : unmade("ip");

	poll(NULL, 0, SETTLE_MS); /* what is still on its way would die with the namespace */
	return ret;
}

/* The child: enters a new namespace, says so, waits until it is connected. */
static void nested_child(const struct attack_env *e, const struct nested *n, int ready, int go)
{
	int err = unshare(CLONE_NEWNET) ? errno : 0;
	char c;

	if (write(ready, &err, sizeof(err)) != sizeof(err) || read(go, &c, 1) != 1)
		_exit(ATTACK_TRIED);
	_exit(inside(e, n));
}

static bool connect_nested(const struct attack_env *e, const struct nested *n)
{
	sysctl_set("ipv4/ip_forward", "1");
	sysctl_set("ipv6/conf/all/forwarding", "1");
	return ip_batch(e, n->outer) && (!n->nft || nft_batch(e, n->nft));
}

static int nested(const struct attack_env *e, const struct nested *n)
{
	int ready[2], go[2], err = EIO, status = 0;

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return attack_said("pipe", errno);
	recipe_child = fork();
	if (!recipe_child) {
		close(go[1]);
		nested_child(e, n, ready[1], go[0]);
	}
	if (read(ready[0], &err, sizeof(err)) != sizeof(err) || err) {
		close(go[1]);
		return attack_said("unshare", err);
	}
	if (!connect_nested(e, n)) {
		close(go[1]);
		return unmade("the way out of the inner namespace");
	}
	if (write(go[1], "", 1) != 1 || waitpid(recipe_child, &status, 0) < 0)
		return attack_said("fork", errno);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ATTACK_TRIED;
}

static int to_target4(const struct attack_env *e)
{
	return send_udp4(e, e->target4);
}

static int to_target6(const struct attack_env *e)
{
	return send_udp6(e, e->target6);
}

static int to_peer4(const struct attack_env *e)
{
	return send_udp4(e, e->peer4);
}

#define VETH                                                                                       \
	"link add atk address 02:00:00:00:99:03 type veth peer name atk0 netns @pid\n"             \
	"address add 10.99.0.1/24 dev atk\naddress add fd99::1/64 dev atk nodad\n"                 \
	"link set atk up\n"
#define INNER                                                                                      \
	"link set lo up\nlink set atk0 up\n"                                                       \
	"address add 10.99.0.2/24 dev atk0\naddress add fd99::2/64 dev atk0 nodad\n"
/* The outer end of the veth poses as the gateway. */
#define SPOOF4                                                                                     \
	"neighbour replace @gateway4 lladdr 02:00:00:00:99:03 dev atk0 nud permanent\n"            \
	"route add default via @gateway4 dev atk0 onlink\n"
#define SPOOF6                                                                                     \
	"neighbour replace @gateway6 lladdr 02:00:00:00:99:03 dev atk0 nud permanent\n"            \
	"route add default via @gateway6 dev atk0 onlink\n"
#define MASQUERADE                                                                                 \
	"table ip atk {\nchain c { type nat hook postrouting priority 100; masquerade; }\n}\n"
#define DNAT                                                                                       \
	"table ip atk {\nchain c { type nat hook prerouting priority -100; "                       \
	"iifname atk dnat to @target4; }\n}\n"

static int netns_forward(const struct attack_env *e)
{
	return nested(e, &(struct nested){ .outer = VETH,
					   .inner = INNER "neighbour replace 10.99.0.1 lladdr "
							  "02:00:00:00:99:03 dev atk0\n"
							  "route add default via 10.99.0.1\n",
					   .send = to_target4 });
}

static int netns_spoof(const struct attack_env *e)
{
	return nested(e,
		      &(struct nested){ .outer = VETH, .inner = INNER SPOOF4, .send = to_target4 });
}

static int netns_spoof6(const struct attack_env *e)
{
	return nested(e,
		      &(struct nested){ .outer = VETH, .inner = INNER SPOOF6, .send = to_target6 });
}

static int netns_masquerade(const struct attack_env *e)
{
	return nested(e, &(struct nested){ .outer = VETH,
					   .inner = INNER SPOOF4,
					   .nft = MASQUERADE,
					   .send = to_target4 });
}

/* An allowed address inside, which becomes the target's on the way. */
static int netns_dnat(const struct attack_env *e)
{
	return nested(e, &(struct nested){
				 .outer = VETH,
				 .inner = INNER "neighbour replace @peer4 lladdr 02:00:00:00:99:03 "
						"dev atk0 nud permanent\n"
						"route add @peer4/32 dev atk0\n",
				 .nft = DNAT,
				 .send = to_peer4,
			 });
}

/* A bridge here joins the inner namespace with the VPN network. */
static int netns_bridge(const struct attack_env *e)
{
	return nested(e,
		      &(struct nested){
			      .outer = "link add atkbr type bridge mcast_snooping 0\n"
				       "link add atk type veth peer name atk0 netns @pid\n"
				       "link set atk master atkbr up\nlink set @dev master atkbr\n"
				       "link set atkbr up\n",
			      .inner = "link set atk0 address @own_mac up\n"
				       "address add @own4/24 dev atk0\n"
				       "neighbour replace @gateway4 lladdr @rogue_mac dev atk0 "
				       "nud permanent\n"
				       "route add default via @gateway4\n",
			      .send = to_target4,
		      });
}

/* A device of the container, or one over it, is taken inside. */
static int netns_device(const struct attack_env *e, const char *outer, const char *inner)
{
	return nested(e, &(struct nested){ .outer = outer, .inner = inner, .send = to_target4 });
}

#define INNER_DEV2                                                                                 \
	"link set @dev2 up\naddress add @own4_2/24 dev @dev2\n"                                    \
	"neighbour replace @other4 lladdr @other_mac dev @dev2 nud permanent\n"

static int netns_move(const struct attack_env *e)
{
	return netns_device(e, "link set @dev2 netns @pid\n",
			    INNER_DEV2 "route add default via @other4\n");
}

static int netns_imitate(const struct attack_env *e)
{
	return netns_device(e, "link set @dev2 netns @pid\n",
			    INNER_DEV2 "neighbour replace @gateway4 lladdr @other_mac dev @dev2\n"
				       "route add default via @gateway4 dev @dev2 onlink\n");
}

static int netns_eth0(const struct attack_env *e)
{
	return netns_device(e, "link set @dev netns @pid\n",
			    "link set @dev up\naddress add @own4/24 dev @dev\n"
			    "neighbour replace @gateway4 lladdr @rogue_mac dev @dev\n"
			    "route add default via @gateway4\n");
}

#define INNER_OVER                                                                                 \
	"link set atk up\naddress add @own4/24 dev atk\n"                                          \
	"neighbour replace @gateway4 lladdr @rogue_mac dev atk nud permanent\n"                    \
	"route add default via @gateway4\n"

static int netns_macvlan(const struct attack_env *e)
{
	return netns_device(e,
			    "link add atk link @dev type macvlan mode bridge\n"
			    "link set atk netns @pid\n",
			    INNER_OVER);
}

static int netns_passthru(const struct attack_env *e)
{
	return netns_device(e,
			    "link add atk link @dev type macvlan mode passthru\n"
			    "link set atk netns @pid\n",
			    INNER_OVER);
}

static int netns_ipvlan(const struct attack_env *e)
{
	return netns_device(e,
			    "link add atk link @dev type ipvlan mode l2\n"
			    "link set atk netns @pid\n",
			    INNER_OVER);
}

/* The socket stays in the namespace that it was made in. */
static int old_socket(const struct attack_env *e, int flags)
{
	int fd = open_socket(AF_INET, SOCK_DGRAM, 0);

	if (fd >= 0 && unshare(flags))
		return flags & CLONE_NEWUSER ? attack_skip("unshare: %s", strerror(errno))
					     : attack_said("unshare", errno);
	return send_mark(e, fd, target4(e));
}

static int netns_old_socket(const struct attack_env *e)
{
	return old_socket(e, CLONE_NEWNET);
}

static int userns_old_socket(const struct attack_env *e)
{
	return old_socket(e, CLONE_NEWUSER | CLONE_NEWNET);
}

/* A user namespace alone: all rights in it, and none over the container's network. */
static int userns_socket(const struct attack_env *e)
{
	if (unshare(CLONE_NEWUSER))
		return attack_skip("unshare: %s", strerror(errno));
	return to_target4(e);
}

static int enter_sibling(const struct attack_env *e)
{
	int fd = open(e->sibling, O_RDONLY | O_CLOEXEC);

	return step(fd < 0 ? -errno : fd, "setns", fd < 0 ? -1 : setns(fd, CLONE_NEWNET));
}

static int netns_enter(const struct attack_env *e)
{
	int fd = enter_sibling(e);

	return fd < 0 ? done(fd) : to_target4(e);
}

/* In a namespace that nobody watches its router may be given the gateway's address. */
static bool spoof_router(const struct attack_env *e)
{
	char mac[20] = "", dev[IFNAMSIZ] = "", text[300];
	FILE *f = fopen("/proc/self/net/arp", "re");

	/* a line of titles, then the neighbours: the router is the only one */
	if (f && fscanf(f, "%*[^\n] %*s %*s %*s %19s %*s %15s", mac, dev) != 2)
		mac[0] = 0;
	if (f)
		fclose(f);
	snprintf(text, sizeof(text),
		 "neighbour replace @gateway4 lladdr %s dev %s nud permanent\n"
		 "route replace @target4/32 via @gateway4 dev %s onlink\n",
		 mac, dev, dev);
	return ip_batch(e, text);
}

static int netns_enter_spoof(const struct attack_env *e)
{
	int fd = enter_sibling(e);

	if (fd < 0)
		return done(fd);
	return spoof_router(e) ? to_target4(e) : unmade("ip");
}

#define NESTED(id, text, by, code, more)                                                           \
	{                                                                                          \
		.name = id, .what = text, .stop = by, .needs = NEEDS_SYS_ADMIN,                    \
		.flags = ATTACK_DIRTY | (more), .run = code,                                       \
	}

const struct attack attacks_netns[] = {
	NESTED("netns_forward", "nested namespace, forwarded by the outer one", STOP_I1,
	       netns_forward, 0),
	NESTED("netns_spoof", "... in which the outer one poses as the gateway", STOP_I3,
	       netns_spoof, 0),
	NESTED("netns_spoof6", "... IPv6", STOP_I3, netns_spoof6, 0),
	NESTED("netns_spoof_gw", "... and forwards to the gateway", STOP_I2, netns_spoof,
	       ATTACK_GATEWAY),
	NESTED("netns_spoof_gw6", "... IPv6", STOP_I2, netns_spoof6, ATTACK_GATEWAY),
	NESTED("netns_masq", "... and masquerades", STOP_I3, netns_masquerade, 0),
	NESTED("netns_masq_gw", "... to the gateway", STOP_I2, netns_masquerade, ATTACK_GATEWAY),
	NESTED("netns_dnat", "... and turns the peer's address into the target's", STOP_I3,
	       netns_dnat, 0),
	NESTED("netns_dnat_gw", "... to the gateway", STOP_I2, netns_dnat, ATTACK_GATEWAY),
	NESTED("netns_bridge", "nested namespace, bridged with the VPN network", STOP_I3,
	       netns_bridge, 0),
	NESTED("netns_move", "the other network's device in a nested namespace", STOP_I1,
	       netns_move, 0),
	NESTED("netns_imitate", "... where its router has the gateway's address", STOP_I3,
	       netns_imitate, 0),
	NESTED("netns_eth0", "eth0 in a nested namespace, the host as gateway", STOP_I3, netns_eth0,
	       0),
	NESTED("netns_macvlan", "macvlan over eth0 in a nested namespace", STOP_I3, netns_macvlan,
	       0),
	NESTED("netns_passthru", "... that has eth0's MAC", STOP_I3, netns_passthru, 0),
	NESTED("netns_ipvlan", "ipvlan over eth0 in a nested namespace", STOP_I3, netns_ipvlan, 0),
	NESTED("netns_socket", "a socket that stays behind in the container's namespace", STOP_I1,
	       netns_old_socket, 0),
	NESTED("netns_enter", "setns() into a namespace with a way out of its own", STOP_I1,
	       netns_enter, 0),
	{ .name = "netns_enter_gw",
	  .what = "... where the router is given the gateway's address",
	  .stop = STOP_OUT,
	  .why_out = "SYS_ADMIN, and the file of a namespace that is not the container's: who has "
		     "both is not in a container; grant no SYS_ADMIN",
	  .needs = NEEDS_SYS_ADMIN,
	  .flags = ATTACK_DIRTY,
	  .run = netns_enter_spoof },
	{ .name = "userns_socket",
	  .what = "user namespace: root in it sends",
	  .stop = STOP_I1,
	  .run = userns_socket },
	{ .name = "userns_netns",
	  .what = "user and network namespace, with a socket from before",
	  .stop = STOP_I1,
	  .run = userns_old_socket },
	{ 0 },
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that wrap a packet in another. The inner one goes where the policy lets it: to the peer,
 * or to what seems to be the gateway. The outer one goes to the target.
 */
#include <poll.h>
#include <stdio.h>
#include <sys/random.h>

#include "recipe.h"
#include "tunnel.h"

#define HANDSHAKE_MS 1000
#define INNER	     "192.0.2.9"
#define TO_PEER4     "link set atk up\nroute replace @peer4/32 dev atk\n"
#define TO_PEER6     "link set atk up\nroute replace @peer6/128 dev atk\n"
/* Inside of an Ethernet tunnel the gateway's address can be anybody's. */
#define TO_GATEWAY                                                                                 \
	"link set atk up\n"                                                                        \
	"neighbour replace @gateway4 lladdr 02:00:00:00:99:02 dev atk nud permanent\n"             \
	"route replace " INNER "/32 via @gateway4 dev atk onlink\n"

static struct dest peer4(const struct attack_env *e)
{
	return dest4(e->peer4, e->port);
}

static struct dest peer6(const struct attack_env *e)
{
	return dest6(e->peer6, e->port);
}

static int by_gateway(const struct attack_env *e, const char *what, const char *text)
{
	return through(e, what, text, dest4(address4(INNER), e->port));
}

int tunnel_ipip(const struct attack_env *e)
{
	return through(e, "ipip", "link add atk type ipip local @own4 remote @target4\n" TO_PEER4,
		       peer4(e));
}

int tunnel_gre(const struct attack_env *e)
{
	return through(e, "gre", "link add atk type gre local @own4 remote @target4\n" TO_PEER4,
		       peer4(e));
}

int tunnel_sit(const struct attack_env *e)
{
	return through(e, "sit", "link add atk type sit local @own4 remote @target4\n" TO_PEER6,
		       peer6(e));
}

int tunnel_ip6tnl(const struct attack_env *e)
{
	return through(e, "ip6tnl",
		       "link add atk type ip6tnl mode any local @own6 remote @target6\n" TO_PEER4,
		       peer4(e));
}

int tunnel_ip6gre(const struct attack_env *e)
{
	return through(e, "ip6gre",
		       "link add atk type ip6gre local @own6 remote @target6\n" TO_PEER4, peer4(e));
}

int tunnel_gretap(const struct attack_env *e)
{
	return by_gateway(e, "gretap",
			  "link add atk type gretap local @own4 remote @target4\n" TO_GATEWAY);
}

int tunnel_ip6gretap(const struct attack_env *e)
{
	return by_gateway(e, "ip6gretap",
			  "link add atk type ip6gretap local @own6 remote @target6\n" TO_GATEWAY);
}

int tunnel_erspan(const struct attack_env *e)
{
	return by_gateway(e, "erspan",
			  "link add atk type erspan seq key 7 local @own4 remote @target4 "
			  "erspan_ver 1 erspan 7\n" TO_GATEWAY);
}

#define VXLAN "link add atk type vxlan id 7 dstport 4789 "

int tunnel_vxlan(const struct attack_env *e)
{
	return by_gateway(e, "vxlan", VXLAN "local @own4 remote @target4\n" TO_GATEWAY);
}

/* No socket sends: neighbour discovery and group reports are the kernel's own. */
int tunnel_vxlan_noise(const struct attack_env *e)
{
	if (!ip_batch(e, VXLAN "local @own4 remote @target4\nlink set atk up\n"
			       "neighbour add 192.0.2.1 dev atk use\n"))
		return unmade("vxlan");
	return attack_said("ip", 0);
}

int tunnel_vxlan6(const struct attack_env *e)
{
	return by_gateway(e, "vxlan",
			  VXLAN "local @own6 remote @target6 udp6zerocsumtx\n" TO_GATEWAY);
}

int tunnel_external(const struct attack_env *e)
{
	return through(e, "vxlan external",
		       "link add atk type vxlan external dstport 4789\n"
		       "link set atk up\n"
		       "neighbour replace @peer4 lladdr 02:00:00:00:99:02 dev atk nud permanent\n"
		       "route replace @peer4/32 encap ip id 7 dst @target4 dev atk\n",
		       peer4(e));
}

int tunnel_geneve(const struct attack_env *e)
{
	return by_gateway(e, "geneve",
			  "link add atk type geneve id 7 remote @target4\n" TO_GATEWAY);
}

int tunnel_fou(const struct attack_env *e)
{
	return through(e, "fou",
		       "fou add port 5555 ipproto 4\n"
		       "link add atk type ipip local @own4 remote @target4 "
		       "encap fou encap-sport auto encap-dport 5555\n" TO_PEER4,
		       peer4(e));
}

int tunnel_gue(const struct attack_env *e)
{
	return through(e, "gue",
		       "fou add port 5555 gue\n"
		       "link add atk type ipip local @own4 remote @target4 "
		       "encap gue encap-sport auto encap-dport 5555\n" TO_PEER4,
		       peer4(e));
}

#define L2TP_DEVICE "l2tp add session name atk tunnel_id 7 session_id 7 peer_session_id 7\n"

int tunnel_l2tp_ip(const struct attack_env *e)
{
	return by_gateway(e, "l2tp",
			  "l2tp add tunnel tunnel_id 7 peer_tunnel_id 7 encap ip "
			  "local @own4 remote @target4\n" L2TP_DEVICE TO_GATEWAY);
}

int tunnel_l2tp_udp(const struct attack_env *e)
{
	return by_gateway(e, "l2tp",
			  "l2tp add tunnel tunnel_id 7 peer_tunnel_id 7 encap udp "
			  "local @own4 remote @target4 udp_sport 1701 udp_dport 1701\n" L2TP_DEVICE
				  TO_GATEWAY);
}

/* The target is nobody who answers: what it sees is that it was asked. */
int tunnel_wireguard(const struct attack_env *e)
{
	/* of no use to anybody: 32 bytes of one value each, in base64 */
	const char *key = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA0M=";
	const char *peer = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
	char wg[300], random;

	if (getrandom(&random, 1, GRND_NONBLOCK) < 0)
		return attack_skip("wireguard: no random numbers yet, so no handshake");
	if (!ip_batch(e, "link add atk type wireguard\naddress add 10.99.0.1/24 dev atk\n"))
		return unmade("wireguard");
	snprintf(wg, sizeof(wg),
		 "wg set atk private-key %s peer %s endpoint @target4:@port allowed-ips 0.0.0.0/0 "
		 "persistent-keepalive 1",
		 file_of(key), peer);
	if (!command(e, wg) || !ip_batch(e, TO_PEER4))
		return unmade("wg");
	(void)send_udp4(e, e->peer4);
	poll(NULL, 0, HANDSHAKE_MS); /* made by a thread of the kernel, after much arithmetic */
	return attack_said("wg", 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Routes and IPsec policies that wrap or rewrite what goes to an allowed address. */
#include <arpa/inet.h>
#include <stdio.h>

#include "recipe.h"
#include "tunnel.h"

#define CIPHER "aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 "
#define STATE4 "xfrm state add src @own4 dst @target4 spi 0x1007 "
#define POLICY "xfrm policy add dir out src 0.0.0.0/0 dst @peer4/32 "
#define TMPL4  "tmpl src @own4 dst @target4 "

static int to_peer4(const struct attack_env *e, const char *what, const char *text)
{
	return through(e, what, text, dest4(e->peer4, e->port));
}

static int to_peer6(const struct attack_env *e, const char *what, const char *text)
{
	return through(e, what, text, dest6(e->peer6, e->port));
}

int tunnel_xfrm(const struct attack_env *e)
{
	return to_peer4(e, "xfrm",
			STATE4 "proto esp mode tunnel " CIPHER "\n" POLICY TMPL4
			       "proto esp mode tunnel\n");
}

int tunnel_xfrm6(const struct attack_env *e)
{
	return to_peer6(
		e, "xfrm",
		"xfrm state add src @own6 dst @target6 spi 0x1007 proto esp mode tunnel " CIPHER
		"\n"
		"xfrm policy add dir out src ::/0 dst @peer6/128 "
		"tmpl src @own6 dst @target6 proto esp mode tunnel\n");
}

int tunnel_xfrm_beet(const struct attack_env *e)
{
	return to_peer4(e, "xfrm beet",
			STATE4 "proto esp mode beet " CIPHER
			       "sel src @own4/32 dst @peer4/32\n" POLICY TMPL4
			       "proto esp mode beet\n");
}

int tunnel_xfrm_udp(const struct attack_env *e)
{
	return to_peer4(e, "xfrm espinudp",
			STATE4 "proto esp mode tunnel " CIPHER
			       "encap espinudp 4500 4500 0.0.0.0\n" POLICY TMPL4
			       "proto esp mode tunnel\n");
}

int tunnel_xfrm_comp(const struct attack_env *e)
{
	return to_peer4(e, "xfrm comp",
			STATE4 "proto comp mode tunnel comp deflate\n" POLICY TMPL4
			       "proto comp mode tunnel\n");
}

int tunnel_xfrm_device(const struct attack_env *e)
{
	return to_peer4(e, "xfrm device",
			"link add atk type xfrm dev @dev if_id 7\nlink set atk up\n" STATE4
			"proto esp mode tunnel " CIPHER "if_id 7\n" POLICY "if_id 7 " TMPL4
			"proto esp mode tunnel\n"
			"route replace @peer4/32 dev atk\n");
}

int tunnel_vti(const struct attack_env *e)
{
	return to_peer4(e, "vti",
			"link add atk type vti local @own4 remote @target4 key 7\n"
			"link set atk up\n" STATE4 "proto esp mode tunnel " CIPHER "mark 7\n"
			"xfrm policy add dir out src 0.0.0.0/0 dst 0.0.0.0/0 mark 7 " TMPL4
			"proto esp mode tunnel\n"
			"route replace @peer4/32 dev atk\n");
}

int tunnel_seg6(const struct attack_env *e)
{
	return to_peer6(e, "seg6",
			"route replace @peer6/128 encap seg6 mode encap segs @target6 dev @dev\n");
}

int tunnel_seg6_inline(const struct attack_env *e)
{
	return to_peer6(e, "seg6",
			"route replace @peer6/128 encap seg6 mode inline segs @target6 dev @dev\n");
}

int tunnel_ioam6(const struct attack_env *e)
{
	return to_peer6(e, "ioam6",
			"route replace @peer6/128 encap ioam6 mode encap tundst @target6 "
			"trace prealloc type 0x800000 ns 0 size 4 dev @dev\n");
}

/* Sent to an address that has another locator, the upper half: it becomes the target's. */
int tunnel_ila(const struct attack_env *e)
{
	const uint8_t *a = e->target6.s6_addr;
	struct in6_addr to = address6("2001:db8:77::");
	char text[300], name[INET6_ADDRSTRLEN];

	for (int i = 8; i < 16; i++)
		to.s6_addr[i] = a[i];
	inet_ntop(AF_INET6, &to, name, sizeof(name));
	snprintf(text, sizeof(text),
		 "route add %s/128 encap ila %x:%x:%x:%x csum-mode no-action ident-type luid "
		 "via @rogue6 dev @dev\n",
		 name, a[0] << 8 | a[1], a[2] << 8 | a[3], a[4] << 8 | a[5], a[6] << 8 | a[7]);
	return through(e, "ila", text, dest6(to, e->port));
}

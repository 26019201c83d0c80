// SPDX-License-Identifier: GPL-2.0-only
/* IPsec by AF_KEY (RFC 2367), the interface that `ip xfrm` replaced. */
#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>
#include <string.h>
#include <unistd.h>

#include "recipe.h"
#include "tunnel.h"

#define SPI	     0x1007
#define AUTH_BYTES   20
#define CIPHER_BYTES 16
#define WORD	     8 /* lengths count these */

struct message {
	union {
		struct sadb_msg head;
		uint8_t data[512];
	};
	size_t len;
};

static void put(struct message *m, const void *data, size_t len)
{
	memcpy(m->data + m->len, data, len);
	m->len += (len + WORD - 1) / WORD * WORD;
}

static struct message begin(uint8_t type, uint8_t satype)
{
	struct message m = { .len = sizeof(m.head) };

	m.head = (struct sadb_msg){
		.sadb_msg_version = PF_KEY_V2,
		.sadb_msg_type = type,
		.sadb_msg_satype = satype,
		.sadb_msg_seq = 1,
		.sadb_msg_pid = (uint32_t)getpid(),
	};
	return m;
}

static void put_address(struct message *m, uint16_t which, struct in_addr a)
{
	struct {
		struct sadb_address head;
		struct sockaddr_in addr;
	} x = {
		.head = { .sadb_address_len = sizeof(x) / WORD,
			  .sadb_address_exttype = which,
			  .sadb_address_proto = IPSEC_PROTO_ANY,
			  .sadb_address_prefixlen = 32 },
		.addr = { .sin_family = AF_INET, .sin_addr = a },
	};

	put(m, &x, sizeof(x));
}

static void put_key(struct message *m, uint16_t which, size_t bytes)
{
	struct {
		struct sadb_key head;
		uint8_t key[32];
	} key = { .head = { .sadb_key_exttype = which, .sadb_key_bits = (uint16_t)(bytes * 8) },
		  .key = { 1 } };
	size_t words = (sizeof(key.head) + bytes + WORD - 1) / WORD;

	key.head.sadb_key_len = (uint16_t)words;
	put(m, &key, words * WORD);
}

static struct message add_state(const struct attack_env *e)
{
	struct message m = begin(SADB_ADD, SADB_SATYPE_ESP);
	const struct sadb_sa sa = {
		.sadb_sa_len = sizeof(sa) / WORD,
		.sadb_sa_exttype = SADB_EXT_SA,
		.sadb_sa_spi = htonl(SPI),
		.sadb_sa_state = SADB_SASTATE_MATURE,
		.sadb_sa_auth = SADB_AALG_SHA1HMAC,
		.sadb_sa_encrypt = SADB_X_EALG_AESCBC,
	};
	const struct sadb_x_sa2 mode = {
		.sadb_x_sa2_len = sizeof(mode) / WORD,
		.sadb_x_sa2_exttype = SADB_X_EXT_SA2,
		.sadb_x_sa2_mode = IPSEC_MODE_TUNNEL,
	};

	put(&m, &sa, sizeof(sa));
	put(&m, &mode, sizeof(mode));
	put_address(&m, SADB_EXT_ADDRESS_SRC, e->own4);
	put_address(&m, SADB_EXT_ADDRESS_DST, e->target4);
	put_key(&m, SADB_EXT_KEY_AUTH, AUTH_BYTES);
	put_key(&m, SADB_EXT_KEY_ENCRYPT, CIPHER_BYTES);
	return m;
}

static struct message add_policy(const struct attack_env *e)
{
	struct message m = begin(SADB_X_SPDADD, SADB_SATYPE_UNSPEC);
	const struct {
		struct sadb_x_policy head;
		struct sadb_x_ipsecrequest request;
		struct sockaddr_in from, to;
	} p = {
		.head = { .sadb_x_policy_len = sizeof(p) / WORD,
			  .sadb_x_policy_exttype = SADB_X_EXT_POLICY,
			  .sadb_x_policy_type = IPSEC_POLICY_IPSEC,
			  .sadb_x_policy_dir = IPSEC_DIR_OUTBOUND },
		.request = { .sadb_x_ipsecrequest_len = sizeof(p) - sizeof(p.head),
			     .sadb_x_ipsecrequest_proto = IPPROTO_ESP,
			     .sadb_x_ipsecrequest_mode = IPSEC_MODE_TUNNEL,
			     .sadb_x_ipsecrequest_level = IPSEC_LEVEL_REQUIRE },
		.from = { .sin_family = AF_INET, .sin_addr = e->own4 },
		.to = { .sin_family = AF_INET, .sin_addr = e->target4 },
	};

	put_address(&m, SADB_EXT_ADDRESS_SRC, e->own4);
	put_address(&m, SADB_EXT_ADDRESS_DST, e->peer4);
	put(&m, &p, sizeof(p));
	return m;
}

/* A step. The kernel's answer says what was wrong. */
static int tell(int fd, struct message m)
{
	struct message answer;
	ssize_t n;

	m.head.sadb_msg_len = (uint16_t)(m.len / WORD);
	fd = step(fd, "AF_KEY", send(fd, m.data, m.len, 0));
	if (fd < 0)
		return fd;
	n = recv(fd, answer.data, sizeof(answer.data), 0);
	return n < (ssize_t)sizeof(answer.head) || !answer.head.sadb_msg_errno
		       ? fd
		       : -answer.head.sadb_msg_errno;
}

int tunnel_pfkey(const struct attack_env *e)
{
	int fd = open_socket(AF_KEY, SOCK_RAW, PF_KEY_V2);

	fd = tell(tell(fd, add_state(e)), add_policy(e));
	return fd < 0 ? done(fd) : send_udp4(e, e->peer4);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the policy room: the YAML tree and how errors are gathered.
 *
 *   text.c  bytes -> clean text     tree.c  text -> nodes     map.c  nodes -> values, key by key
 *   parse.c, guard.c, gateway.c, control.c, uplink.c, kill_switch.c, cases.c  -> struct policy
 *   check.c, check_watch.c  what only shows in the whole
 *
 * A function that finds something wrong reports it and goes on, so that one run shows every error;
 * whoever reads what it left must cope with a value that is absent.
 */
#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "policy/policy.h"

#define POLICY_DEPTH	     16 /* levels of nesting; the format itself needs 5 */
#define POLICY_MIN_LOCAL4    8	/* shortest prefix that may be called local */
#define POLICY_MIN_LOCAL6    32
#define POLICY_LEASE_MIN_MS  1000u
#define POLICY_LEASE_MAX_MS  3600000u
#define POLICY_LEASE_MS	     5000u /* default where a monitor can prove the tunnel */
#define POLICY_EVERY_MIN_MS  200u
#define POLICY_EVERY_MS	     1000u /* default, or half a lease that is shorter than two */
#define POLICY_QUOTE	     72	   /* room for a quoted, shortened token */
#define POLICY_TARGET_TEXT   64	   /* room for policy_target_format() */
#define POLICY_DURATION_TEXT 24
#define POLICY_ADDR_TEXT     46
#define POLICY_PREFIX_TEXT   (POLICY_ADDR_TEXT + 4)

#define POLICY_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP, /* children: key, value, key, value */
	NODE_BAD, /* already reported: nothing more is to be said of it */
};

struct node {
	enum node_kind kind;
	bool plain; /* scalar without quotes */
	struct policy_pos pos;
	struct node *first, *last, *next;
	size_t n;    /* children */
	char text[]; /* of a scalar: one line, no control character */
};

struct parse {
	struct policy_errors *errs;
	bool nomem; /* sticky: the whole run ends with -ENOMEM */
};

/* One key that a mapping may have. */
struct key {
	const char *name;
	void (*read)(struct parse *c, const struct node *key, const struct node *val, void *obj);
	const char *missing; /* what to do when it is absent; NULL: it may be */
	bool unenforced;     /* in the design, but nothing in this version would act on it */
};

enum {
	UPLINK_GUARD,
	UPLINK_INTERFACE,
	UPLINK_NETWORK,
	UPLINK_BRIDGE,
	UPLINK_ENDPOINTS,
	UPLINK_OUTBOUND,
	UPLINK_KEYS
};
enum { LINK_SEAL, LINK_NETWORK, LINK_BRIDGE, LINK_KEYS };

/* `guard:` and `seal:`, whose default follows from the gateway. */
enum said { SAID_NOTHING, SAID_ON, SAID_OFF, SAID_RUBBISH };

/* A guard while it is read: what is known to be damaged is not reported a second time. */
struct draft {
	struct policy_guard *g;
	bool gateway_bad, address_given, local_bad, dns_bad;
	bool watch_bad; /* container or netns: whether a monitor can watch is not known */
	bool lease_bad, every_bad, targets_bad, icmp_given, tcp_given;
	enum said guard, seal;
	struct policy_pos pos_container, pos_netns, pos_control, pos_stop, pos_probe, pos_every;
	struct policy_pos pos_uplink[UPLINK_KEYS], pos_link[LINK_KEYS]; /* of the keys */
};

/* A list of ADDRESS:PORT. */
struct endpoint_kind {
	const char *what, *todo;
	const char *name_todo; /* what to do about a host name */
	uint8_t proto;	       /* when none is written */
	bool any_proto;	       /* UDP or TCP; else `proto` only */
	size_t max;
};

/* errors.c */
void err_add(struct parse *c, struct policy_pos pos, const char *todo, const char *what, ...)
	__attribute__((format(printf, 4, 5)));
char *err_quote(char *buf, const char *text);
/* A quoted token that lives until the end of the block. */
#define QUOTE(text) err_quote((char[POLICY_QUOTE]){ 0 }, (text))

/* text.c: true if the text can be read as YAML. Tabs are reported and blanked in *ret_copy. */
bool text_check(struct parse *c, const char *text, size_t len, char **ret_copy);
/* The first character that has no place in a value, with its length; 0: none. */
uint32_t text_forbidden(const char *text, size_t len);

/* tree.c: NULL when there is no tree to go on with, which has been reported. */
struct node *tree_build(struct parse *c, const char *text, size_t len);
void tree_free(struct node *n);

/* map.c */
/* Bit i of the result: keys[i] is damaged (misspelt or doubled), so its absence says nothing. */
uint32_t map_walk(struct parse *c, const struct node *map, const char *what, const struct key *keys,
		  size_t n_keys, void *obj);
const char *map_scalar(struct parse *c, const struct node *n, const char *what, const char *todo);
/* Index of the word, or -1 after reporting. */
int map_word(struct parse *c, const struct node *n, const char *what, const char *const *words,
	     size_t n_words);
bool map_list(struct parse *c, const struct node *n, const char *what, const char *todo);
/* A list, or one scalar in its place: its first element. NULL: none, which has been reported. */
const struct node *map_scalars(struct parse *c, const struct node *n, const char *what,
			       const char *todo);

/* A list, which may be empty, or one scalar in its place: its elements, NULL behind the last. */
const struct node *map_first(const struct node *val);
const struct node *map_next(const struct node *val, const struct node *n);
/* The text of a key that names a device; `what` is the key. */
const char *map_device(struct parse *c, const struct node *n, const char *what, const char *todo);
/* The text of a key that names a container or network, of at most POLICY_CONTAINER - 1 bytes. */
const char *map_docker_name(struct parse *c, const struct node *n, const char *what,
			    const char *todo);
/* The text of a key that names a file by its absolute path. */
const char *map_path(struct parse *c, const struct node *n, const char *what, const char *todo);

/* guard.c, gateway.c, control.c, uplink.c, kill_switch.c, cases.c */
void guard_read(struct parse *c, const struct node *n, struct policy_guard *g);
void gateway_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void dns_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void control_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void uplink_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void link_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void kill_switch_read(struct parse *c, const struct node *key, const struct node *val, void *draft);
void cases_read(struct parse *c, const struct node *key, const struct node *val, void *draft);

/* values.c: one value into a list, with everything that can be said of it alone. */
/* max_family: of each family. */
bool address_read(struct parse *c, const struct node *n, const char *what, struct policy_addr *list,
		  size_t *n_list, size_t max_family);
bool prefix_read(struct parse *c, const struct node *n, const char *what, const char *todo,
		 struct policy_prefix *ret);
/* A whole list; false if something in it was wrong. */
bool endpoints_read(struct parse *c, const struct node *val, const struct endpoint_kind *kind,
		    struct policy_endpoint *list, size_t *n_list);

/* check.c */
void check_guard(struct parse *c, const struct draft *d);
void check_guards(struct parse *c, const struct policy *p);
/* The local network that holds the address, or NULL. */
const struct policy_prefix *local_of(const struct policy_guard *g, const struct policy_addr *a);

/* check_watch.c: what needs a monitor, with the defaults that follow from there being one. */
void check_watch(struct parse *c, struct draft *d);

/* addr.c */
bool prefix_contains(const struct policy_prefix *p, const struct policy_addr *a);
/* The prefix with its host bits cleared; true if some were set. */
bool prefix_mask(struct policy_prefix *p);
bool addr_equal(const struct policy_addr *a, const struct policy_addr *b);
/* Why it can be neither a gateway nor a resolver (`a loopback address`); NULL: it can. */
const char *addr_unfit(const struct policy_addr *a);
char *prefix_format(const struct policy_prefix *p, char *buf, size_t size);

/* target.c */
char *target_format(const struct policy_test *t, char *buf, size_t size);
/* Decimal without sign or leading zero, from 1 to max; 0: it is not. */
unsigned int number_parse(const char *text, unsigned int max);

/* duration.c: milliseconds; 0 is `off`. */
int duration_parse(const char *text, uint64_t *ret_ms);
char *duration_format(uint64_t ms, char *buf, size_t size);

/* print.c: the words of each enum, in its order. */
extern const char *const policy_mode_words[2];
extern const char *const policy_dns_words[3];
extern const char *const policy_tls_words[2];
extern const char *const policy_namespace_words[2];
extern const char *const policy_vpn_words[2];
extern const char *const policy_expect_words[2];
extern const char *const policy_auth_words[3];
extern const char *const policy_on_down_words[2];

#endif /* POLICY_INTERNAL_H */

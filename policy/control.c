// SPDX-License-Identifier: GPL-2.0-only
/* `gateway.control`: where the gateway's control API is, and what opens it. */
#include <string.h>

#include "policy/internal.h"

static void read_port(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	static const char todo[] = "write the port of the control API, such as 8000";
	const char *text = map_scalar(c, val, "port", todo);
	struct policy_control *ctl = obj;

	(void)key;
	if (!text)
		return;
	ctl->port = (uint16_t)number_parse(text, 65535);
	if (!ctl->port)
		err_add(c, val->pos, todo, "port %s is not a number from 1 to 65535", QUOTE(text));
}

static void read_auth(struct parse *c, const struct node *key, const struct node *val, void *obj)
{
	int i = map_word(c, val, "auth", policy_auth_words, POLICY_COUNT(policy_auth_words));
	struct policy_control *ctl = obj;

	(void)key;
	if (i >= 0)
		ctl->auth = (enum policy_control_auth)i;
}

static void read_secret_file(struct parse *c, const struct node *key, const struct node *val,
			     void *obj)
{
	static const char todo[] = "write the path of a file that holds the secret, such as "
				   "/etc/bpfguard/gluetun.key";
	const char *text = map_path(c, val, "secret_file", todo);
	struct policy_control *ctl = obj;

	(void)key;
	if (text)
		snprintf(ctl->secret_file, sizeof(ctl->secret_file), "%s", text);
}

enum { CONTROL_PORT, CONTROL_AUTH, CONTROL_SECRET };

static const struct key control_keys[] = {
	[CONTROL_PORT] = { .name = "port", .read = read_port, .missing = "add `port: 8000`" },
	[CONTROL_AUTH] = { .name = "auth", .read = read_auth },
	[CONTROL_SECRET] = { .name = "secret_file", .read = read_secret_file },
};

void control_read(struct parse *c, const struct node *key, const struct node *val, void *draft)
{
	struct draft *d = draft;
	struct policy_control *ctl = &d->g->control;
	size_t before = c->errs->n;

	d->pos_control = key->pos;
	map_walk(c, val, "control", control_keys, POLICY_COUNT(control_keys), ctl);
	if (c->errs->n != before)
		return;
	if (ctl->auth != POLICY_AUTH_NONE && !*ctl->secret_file)
		err_add(c, key->pos, "add `secret_file:` with the path of the file that holds it",
			"'auth: %s' has no secret", policy_auth_words[ctl->auth]);
	if (ctl->auth == POLICY_AUTH_NONE && *ctl->secret_file)
		err_add(c, key->pos, "add `auth: apikey` or `auth: basic`, or remove it",
			"'secret_file' says nothing without 'auth'");
}

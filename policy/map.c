// SPDX-License-Identifier: GPL-2.0-only
/* Nodes to values: mappings by a table of keys, words from a list, scalars, lists. */
#include <string.h>

#include "policy/internal.h"

#define MAX_KEYS 16

static void unknown_key(struct parse *c, const struct node *key, const char *what,
			const struct key *keys, size_t n_keys, uint32_t *damaged)
{
	const char *names[MAX_KEYS], *near;
	char todo[sizeof(c->errs->list->todo)];
	size_t used = 0;

	if (!strcmp(key->text, "<<")) {
		err_add(c, key->pos, "write the keys out",
			"merge key '<<': a policy has no merges");
		return;
	}
	for (size_t i = 0; i < n_keys; i++)
		names[i] = keys[i].name;
	near = policy_suggest(key->text, names, n_keys);
	if (near) {
		snprintf(todo, sizeof(todo), "did you mean '%s'?", near);
		for (size_t i = 0; i < n_keys; i++)
			*damaged |= keys[i].name == near ? 1u << i : 0;
	} else {
		used = (size_t)snprintf(todo, sizeof(todo), "known here:");
		for (size_t i = 0; i < n_keys && used < sizeof(todo); i++) {
			if (!keys[i].unenforced)
				used += (size_t)snprintf(todo + used, sizeof(todo) - used, "%s %s",
							 used > sizeof("known here:") ? "," : "",
							 keys[i].name);
		}
	}
	err_add(c, key->pos, todo, "unknown key %s in %s", QUOTE(key->text), what);
}

static int find_key(const char *name, const struct key *keys, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		if (!strcmp(name, keys[i].name))
			return (int)i;
	}
	return -1;
}

static void read_key(struct parse *c, const struct node *key, const struct key *k, void *obj)
{
	if (k->unenforced)
		err_add(c, key->pos, "remove it: what cannot be enforced is not accepted",
			"'%s' is not enforced by this version", k->name);
	else
		k->read(c, key, key->next, obj);
}

uint32_t map_walk(struct parse *c, const struct node *map, const char *what, const struct key *keys,
		  size_t n_keys, void *obj)
{
	struct policy_pos first[MAX_KEYS] = { 0 };
	uint32_t damaged = 0;

	if (map->kind == NODE_BAD)
		return ~0u;
	if (map->kind != NODE_MAP) {
		char todo[96];

		snprintf(todo, sizeof(todo), "write keys and values, such as `%s: ...`",
			 keys[0].name);
		err_add(c, map->pos, todo, "%s must be a mapping", what);
		return ~0u;
	}
	for (const struct node *key = map->first; key; key = key->next->next) {
		int i;

		if (key->kind == NODE_BAD)
			continue;
		if (key->kind != NODE_SCALAR) {
			err_add(c, key->pos, "a key is one word",
				"a list or mapping stands as key");
			continue;
		}
		i = find_key(key->text, keys, n_keys);
		if (i < 0) {
			unknown_key(c, key, what, keys, n_keys, &damaged);
		} else if (first[i].line) {
			err_add(c, key->pos, "keep one of them",
				"key '%s' is here twice, first at line %u", keys[i].name,
				first[i].line);
		} else {
			first[i] = key->pos;
			read_key(c, key, &keys[i], obj);
		}
	}
	for (size_t i = 0; i < n_keys; i++) {
		if (keys[i].missing && !first[i].line && !(damaged & 1u << i))
			err_add(c, map->pos, keys[i].missing, "%s has no '%s'", what, keys[i].name);
	}
	return damaged;
}

/* What YAML would call null: the key is there and says nothing. */
static bool is_empty(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->plain &&
	       (!n->text[0] || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

const char *map_scalar(struct parse *c, const struct node *n, const char *what, const char *todo)
{
	if (n->kind == NODE_BAD)
		return NULL;
	if (n->kind != NODE_SCALAR) {
		err_add(c, n->pos, todo, "%s must be a single value", what);
		return NULL;
	}
	if (is_empty(n)) {
		err_add(c, n->pos, todo, "%s has no value", what);
		return NULL;
	}
	return n->text;
}

int map_word(struct parse *c, const struct node *n, const char *what, const char *const *words,
	     size_t n_words)
{
	char todo[120] = "write ";
	const char *text, *near;
	size_t used = strlen(todo);

	for (size_t i = 0; i < n_words && used < sizeof(todo); i++)
		used += (size_t)snprintf(todo + used, sizeof(todo) - used, "%s%s", i ? " or " : "",
					 words[i]);
	text = map_scalar(c, n, what, todo);
	if (!text)
		return -1;
	for (size_t i = 0; i < n_words; i++) {
		if (!strcmp(text, words[i]))
			return (int)i;
	}
	near = policy_suggest(text, words, n_words);
	if (near)
		snprintf(todo, sizeof(todo), "did you mean '%s'?", near);
	err_add(c, n->pos, todo, "%s cannot be %s", what, QUOTE(text));
	return -1;
}

bool map_list(struct parse *c, const struct node *n, const char *what, const char *todo)
{
	if (n->kind == NODE_LIST)
		return true;
	if (n->kind != NODE_BAD)
		err_add(c, n->pos, todo, "%s must be a list", what);
	return false;
}

const struct node *map_scalars(struct parse *c, const struct node *n, const char *what,
			       const char *todo)
{
	if (n->kind == NODE_LIST && !n->first)
		err_add(c, n->pos, todo, "%s is an empty list", what);
	if (n->kind == NODE_LIST)
		return n->first;
	return map_scalar(c, n, what, todo) ? n : NULL;
}

const struct node *map_first(const struct node *val)
{
	return val->kind == NODE_LIST ? val->first : val;
}

const struct node *map_next(const struct node *val, const struct node *n)
{
	return val->kind == NODE_LIST ? n->next : NULL;
}

/*
 * What the kernel takes as a name (dev_valid_name() in net/core/dev.c: its isspace() counts the
 * byte 0xa0 too); `lo` is where a packet stays, never a way out.
 */
const char *map_device(struct parse *c, const struct node *n, const char *what, const char *todo)
{
	const char *text = map_scalar(c, n, what, todo);

	if (!text)
		return NULL;
	if (*text && strlen(text) < POLICY_IFNAME && !strpbrk(text, "/: \t\xa0") &&
	    strcmp(text, ".") && strcmp(text, "..") && strcmp(text, "lo"))
		return text;
	err_add(c, n->pos, todo, "%s %s cannot be a device's name (1 to %d bytes)", what,
		QUOTE(text), POLICY_IFNAME - 1);
	return NULL;
}

static bool is_alnum(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
}

/* Docker's own rule for names: two letters or more. */
const char *map_docker_name(struct parse *c, const struct node *n, const char *what,
			    const char *todo)
{
	const char *text = map_scalar(c, n, what, todo);
	bool ok;

	if (!text)
		return NULL;
	ok = is_alnum(text[0]) && text[1] && strlen(text) < POLICY_CONTAINER;
	for (const char *s = text; ok && *s; s++)
		ok = is_alnum(*s) || strchr("_.-", *s);
	if (ok)
		return text;
	err_add(c, n->pos, todo, "%s %s is not a %s name", what, QUOTE(text), what);
	return NULL;
}

const char *map_path(struct parse *c, const struct node *n, const char *what, const char *todo)
{
	const char *text = map_scalar(c, n, what, todo);
	size_t len;

	if (!text)
		return NULL;
	len = strlen(text);
	if (len >= POLICY_PATH) {
		err_add(c, n->pos, "choose a shorter path", "%s %s is longer than %d bytes", what,
			QUOTE(text), POLICY_PATH - 1);
		return NULL;
	}
	if (text[0] == '/' && text[len - 1] != '/')
		return text;
	err_add(c, n->pos, todo, "%s %s is not the absolute path of a file", what, QUOTE(text));
	return NULL;
}

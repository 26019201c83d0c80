// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text to nodes, with libyaml's events, so that every node knows its line and column. Nothing is
 * resolved: a scalar is its text. What lets a YAML file say more than it shows (anchors, aliases,
 * tags, directives, further documents) is refused here.
 */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "policy/internal.h"

struct tree {
	struct parse *c;
	struct node *root;
	struct node *open[POLICY_DEPTH];
	size_t depth, documents;
	bool stop; /* reported, and what follows cannot be understood */
};

static struct policy_pos pos_of(yaml_mark_t m)
{
	return (struct policy_pos){ (unsigned int)m.line + 1, (unsigned int)m.column + 1 };
}

void tree_free(struct node *n)
{
	if (!n)
		return;
	for (struct node *child = n->first, *next; child; child = next) {
		next = child->next;
		tree_free(child); /* no deeper than POLICY_DEPTH */
	}
	free(n);
}

static struct node *add(struct tree *t, enum node_kind kind, yaml_mark_t mark, const char *text,
			size_t len)
{
	struct node *parent = t->depth ? t->open[t->depth - 1] : NULL;
	struct node *n = calloc(1, sizeof(*n) + len + 1);

	if (!n) {
		t->c->nomem = t->stop = true;
		return NULL;
	}
	n->kind = kind;
	n->pos = pos_of(mark);
	if (len)
		memcpy(n->text, text, len);
	if (!parent) {
		t->root = n;
		return n;
	}
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	parent->last = n;
	parent->n++;
	return n;
}

static void refuse_properties(struct tree *t, yaml_mark_t mark, const yaml_char_t *anchor,
			      const yaml_char_t *tag)
{
	if (anchor)
		err_add(t->c, pos_of(mark), "remove it and write the value out where it is used",
			"anchor %s: a policy has no anchors", QUOTE((const char *)anchor));
	if (tag)
		err_add(t->c, pos_of(mark), "remove it", "tag %s: a policy has no tags",
			QUOTE((const char *)tag));
}

static void open_node(struct tree *t, enum node_kind kind, yaml_mark_t mark)
{
	struct node *n;

	if (t->depth == POLICY_DEPTH) {
		err_add(t->c, pos_of(mark), "see bpfguard-policy(5) for the form of a policy",
			"more than %d levels of nesting", POLICY_DEPTH);
		t->stop = true;
		return;
	}
	n = add(t, kind, mark, NULL, 0);
	if (n)
		t->open[t->depth++] = n;
}

static void on_scalar(struct tree *t, const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	uint32_t bad = text_forbidden(text, len);
	struct node *n;

	refuse_properties(t, ev->start_mark, ev->data.scalar.anchor, ev->data.scalar.tag);
	n = add(t, bad ? NODE_BAD : NODE_SCALAR, ev->start_mark, bad ? NULL : text, bad ? 0 : len);
	if (n)
		n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (bad == '\n')
		err_add(t->c, pos_of(ev->start_mark), "write it on one line",
			"a value goes over several lines");
	else if (bad)
		err_add(t->c, pos_of(ev->start_mark), "remove it",
			"a value holds a control character");
}

static void on_document(struct tree *t, const yaml_event_t *ev)
{
	if (t->documents++) {
		err_add(t->c, pos_of(ev->start_mark),
			"keep one; several guards go into one `guards` list",
			"the file has a second YAML document");
		t->stop = true;
	} else if (ev->data.document_start.version_directive ||
		   ev->data.document_start.tag_directives.start !=
			   ev->data.document_start.tag_directives.end) {
		err_add(t->c, pos_of(ev->start_mark), "remove the line that starts with %",
			"a policy has no YAML directives");
	}
}

static void on_event(struct tree *t, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT: on_document(t, ev); break;
	case YAML_ALIAS_EVENT:
		err_add(t->c, pos_of(ev->start_mark), "write the value out",
			"alias %s: a policy has no aliases",
			QUOTE((const char *)ev->data.alias.anchor));
		add(t, NODE_BAD, ev->start_mark, NULL, 0);
		break;
	case YAML_SCALAR_EVENT: on_scalar(t, ev); break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_properties(t, ev->start_mark, ev->data.sequence_start.anchor,
				  ev->data.sequence_start.tag);
		open_node(t, NODE_LIST, ev->start_mark);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_properties(t, ev->start_mark, ev->data.mapping_start.anchor,
				  ev->data.mapping_start.tag);
		open_node(t, NODE_MAP, ev->start_mark);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: t->depth--; break;
	default: break;
	}
}

static const char *syntax_todo(const char *problem)
{
	static const struct {
		const char *problem, *todo;
	} hints[] = {
		{ "mapping values are not allowed",
		  "check the indentation; put quotes around a value that holds ': '" },
		{ "could not find expected ':'",
		  "a key is followed by a colon and a space; check the indentation" },
		{ "did not find expected key",
		  "keys of one mapping start in the same column; check the indentation" },
		{ "did not find expected '-'",
		  "entries of one list start in the same column; check the indentation" },
		{ "did not find expected ','",
		  "close the bracket, or separate the entries by ','" },
		{ "did not find expected node content",
		  "put quotes around a value that starts with ':' or another sign, as in \"::1\"" },
		{ "unexpected end of stream", "close the quote" },
		{ "cannot start any token", "put quotes around the value" },
		{ "block sequence entries are not allowed", "start the list on a line of its own" },
	};

	for (size_t i = 0; i < POLICY_COUNT(hints); i++) {
		if (strstr(problem, hints[i].problem))
			return hints[i].todo;
	}
	return "check the indentation, the quotes and the brackets here";
}

static void syntax_error(struct tree *t, const yaml_parser_t *y)
{
	const char *problem = y->problem ? y->problem : "cannot be read";
	yaml_mark_t at = y->problem_mark;

	if (y->error == YAML_MEMORY_ERROR) {
		t->c->nomem = true;
		return;
	}
	if (y->error == YAML_READER_ERROR)
		at = y->mark; /* the reader keeps no mark of its own */
	err_add(t->c, pos_of(at), syntax_todo(problem), "not valid YAML: %s%s%s", problem,
		y->context ? " " : "", y->context ? y->context : "");
	t->stop = true;
}

struct node *tree_build(struct parse *c, const char *text, size_t len)
{
	struct tree t = { .c = c };
	yaml_parser_t y;
	bool end = false;

	if (!yaml_parser_initialize(&y)) {
		c->nomem = true;
		return NULL;
	}
	yaml_parser_set_encoding(&y, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&y, (const unsigned char *)text, len);
	while (!end && !t.stop && !c->nomem) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&y, &ev)) {
			syntax_error(&t, &y);
			break;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		on_event(&t, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&y);
	if (t.stop || c->nomem) {
		tree_free(t.root);
		return NULL;
	}
	if (!t.root)
		err_add(c, (struct policy_pos){ 1, 1 },
			"write at least `version: 1` and one guard, see bpfguard-policy(5)",
			"the file holds no policy");
	return t.root;
}

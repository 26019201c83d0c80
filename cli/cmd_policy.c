// SPDX-License-Identifier: GPL-2.0-only
/* policy check, show, schema, test: nothing here touches the kernel. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/policy_cases.h"
#include "cli/source.h"

static bool opt_json;

static const struct cli_opt opts[] = {
	{ 0, "json", NULL, "one JSON object (check and test)", &opt_json, NULL, NULL },
};

/* Takes the object. */
static int print_json(json_t *o, int code)
{
	int err = o ? json_dumpf(o, stdout, JSON_COMPACT) : -1;

	json_decref(o);
	if (err)
		return base_fail(EXIT_NO, "policy", "cannot write the JSON object", NULL);
	putchar('\n');
	return code;
}

static json_t *errors_json(const struct cli_source *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->errs.n; i++) {
		const struct policy_error *e = &s->errs.list[i];

		json_array_append_new(list, json_pack("{s:s, s:i, s:i, s:s, s:s}", "file", s->name,
						      "line", (int)e->pos.line, "column",
						      (int)e->pos.column, "what", e->what, "todo",
						      e->todo));
	}
	return list;
}

/* The errors, in the form asked for. */
static int say_errors(const struct cli_source *s)
{
	if (opt_json)
		return print_json(json_pack("{s:i, s:b, s:o, s:b}", "schema", 1, "ok", 0, "errors",
					    errors_json(s), "more", s->errs.more),
				  EXIT_POLICY);
	policy_errors_print(&s->errs, s->name, stderr);
	return EXIT_POLICY;
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int run_check(const char *arg)
{
	_cli_source_ struct cli_source s = { 0 };
	int ret = cli_source_read(arg, &s);
	size_t local = 0, tests = 0;

	if (s.errs.n)
		return say_errors(&s);
	if (ret)
		return ret;
	if (opt_json)
		return print_json(json_pack("{s:i, s:b, s:[], s:b}", "schema", 1, "ok", 1, "errors",
					    "more", 0),
				  EXIT_YES);
	for (size_t i = 0; i < s.policy->n_guards; i++) {
		local += s.policy->guards[i].n_local;
		tests += s.policy->guards[i].n_tests;
	}
	printf("%s: good: %zu guard%s, %zu local network%s, %zu test%s\n", s.name,
	       s.policy->n_guards, plural(s.policy->n_guards), local, plural(local), tests,
	       plural(tests));
	return EXIT_YES;
}

static int run_show(const char *arg)
{
	_cli_source_ struct cli_source s = { 0 };
	int ret = cli_source_read(arg, &s);

	if (s.errs.n)
		return say_errors(&s);
	if (!ret)
		policy_print(s.policy, stdout);
	return ret;
}

static json_t *side_json(const struct case_side *side)
{
	return json_pack("{s:s, s:s?}", "verdict", side->allow ? "allow" : "deny", "reason",
			 side->reason);
}

static json_t *case_json(const struct case_result *r)
{
	return json_pack("{s:s, s:i, s:b, s:o, s:o}", "guard", r->guard, "line", (int)r->line, "ok",
			 r->ok, "expected", side_json(&r->expected), "got", side_json(&r->got));
}

static void case_text(const struct case_result *r)
{
	bool color = base_color_on(cli_color, stdout);

	if (r->ok) {
		printf("%sok%s   line %u: %s %s\n", color ? C_GREEN : "", color ? C_RESET : "",
		       r->line, r->got.allow ? "allow" : "deny", r->got.reason);
		return;
	}
	printf("%sFAIL%s line %u: expected %s%s%s, got %s %s\n", color ? C_RED : "",
	       color ? C_RESET : "", r->line, r->expected.allow ? "allow" : "deny",
	       r->expected.reason ? " " : "", r->expected.reason ? r->expected.reason : "",
	       r->got.allow ? "allow" : "deny", r->got.reason);
}

struct tally {
	size_t passed, failed;
	json_t *results; /* NULL: text */
};

static void on_case(const struct case_result *r, void *ctx)
{
	struct tally *t = ctx;

	if (r->ok)
		t->passed++;
	else
		t->failed++;
	if (t->results)
		json_array_append_new(t->results, case_json(r));
	else
		case_text(r);
}

static int run_test(const char *arg)
{
	_cli_source_ struct cli_source s = { 0 };
	struct tally t = { 0 };
	int ret = cli_source_read(arg, &s), err;

	if (!ret)
		cases_check_reasons(s.policy, &s.errs);
	if (s.errs.n || s.errs.more) /* more and none: out of memory for the list, yet not good */
		return say_errors(&s);
	if (ret)
		return ret;
	if (opt_json)
		t.results = json_array();
	err = cases_run(s.policy, s.name, on_case, &t);
	if (err) {
		json_decref(t.results);
		return base_fail(EXIT_NO, s.name, strerror(-err), NULL);
	}
	ret = t.failed ? EXIT_NO : EXIT_YES;
	if (opt_json)
		return print_json(json_pack("{s:i, s:b, s:s, s:I, s:I, s:o}", "schema", 1, "ok",
					    !t.failed, "file", s.name, "passed",
					    (json_int_t)t.passed, "failed", (json_int_t)t.failed,
					    "results", t.results),
				  ret);
	if (!t.passed && !t.failed)
		printf("%s: the policy has no tests (add some under `tests:`)\n", s.name);
	else
		printf("%zu passed, %zu failed\n", t.passed, t.failed);
	return ret;
}

static int run_schema(const char *arg)
{
	(void)arg;
	policy_schema(stdout);
	return EXIT_YES;
}

static const struct {
	const char *name;
	int (*run)(const char *arg);
	bool json, file;
} verbs[] = {
	{ "check", run_check, true, true },
	{ "show", run_show, false, true },
	{ "schema", run_schema, false, false },
	{ "test", run_test, true, true },
};

static int run_policy(int argc, char **argv)
{
	const char *names[ARRAY_SIZE(verbs)], *near;
	char why[160];
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		names[i] = verbs[i].name;
		if (strcmp(argv[0], verbs[i].name))
			continue;
		if (opt_json && !verbs[i].json)
			return cli_usage(&cmd_policy, "--json goes with check and test only");
		if (argc > 1 && !verbs[i].file)
			return cli_usage(&cmd_policy, "schema reads no file");
		ret = verbs[i].run(argc > 1 ? argv[1] : NULL);
		/* A full disk or a closed pipe must not look like a good policy. */
		if (fflush(stdout) || ferror(stdout))
			return base_fail(EXIT_NO, "policy", "cannot write the output", NULL);
		return ret;
	}
	near = policy_suggest(argv[0], names, ARRAY_SIZE(names));
	snprintf(why, sizeof(why), "no such action: %.60s%s%s%s", argv[0],
		 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return cli_usage(&cmd_policy, why);
}

const struct cli_command cmd_policy = {
	.name = "policy",
	.args = "check|show|schema|test [FILE]",
	.summary = "check, print or test a policy, without loading it",
	.details = "check   report every error of the policy at once: file:line:column: what (what "
		   "to do)\n"
		   "show    print the policy in canonical form, every default written out\n"
		   "schema  print the JSON Schema of the policy, for editors\n"
		   "test    run the policy's own test cases against the decision function\n\n"
		   "FILE is - for standard input; default: /etc/bpfguard/policy.yaml\n"
		   "(BPFGUARD_POLICY). Exit codes: 0 good, 1 a test failed, 65 bad policy.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.min_args = 1,
	.max_args = 2,
	.run = run_policy,
	.complete = "check show schema test",
	.permute = true,
};

// SPDX-License-Identifier: GPL-2.0-only
/* doctor: what stands between this machine and a guard that holds. */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/doctor.h"

static bool opt_json;
static const char *opt_policy;

static const struct cli_opt opts[] = {
	{ 0, "json", NULL, "one JSON object", &opt_json, NULL, NULL },
	{ 'p', "policy", "FILE", "look at this policy (default: the one in force, else the file)",
	  NULL, &opt_policy, "file" },
};

void doctor_add(struct doctor *d, enum doctor_severity s, const char *id, const char *subject,
		const char *why, const char *todo, const char *fmt, ...)
{
	struct doctor_finding *grown = realloc(d->list, (d->n + 1) * sizeof(*d->list)), *f;
	va_list args;

	if (!grown)
		return;
	d->list = grown;
	f = &d->list[d->n++];
	*f = (struct doctor_finding){ .severity = s };
	snprintf(f->id, sizeof(f->id), "%s", id);
	snprintf(f->subject, sizeof(f->subject), "%s", subject ? subject : "");
	snprintf(f->why, sizeof(f->why), "%s", why ? why : "");
	snprintf(f->todo, sizeof(f->todo), "%s", todo ? todo : "");
	va_start(args, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, args);
	va_end(args);
}

size_t doctor_count(const struct doctor *d, enum doctor_severity s)
{
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		n += d->list[i].severity == s;
	return n;
}

int doctor_code(const struct doctor *d)
{
	if (!d->enforced)
		return EXIT_NOT_ENFORCED;
	return doctor_count(d, DOCTOR_BAD) ? EXIT_NO : EXIT_YES;
}

void doctor_run(struct doctor *d)
{
	doctor_policy(d);
	doctor_kernel(d);
	doctor_guard(d);
	doctor_monitor(d);
	doctor_docker(d);
	doctor_containers(d);
	doctor_sockets(d);
}

void doctor_free(struct doctor *d)
{
	if (d->status)
		loader_status_free(d->status);
	free(d->status);
	policy_free(d->policy);
	free(d->container);
	free(d->list);
	*d = (struct doctor){ 0 };
}

static int doctor(int argc, char **argv)
{
	struct doctor d = { .policy_path = opt_policy };
	int code;

	(void)argc;
	(void)argv;
	if (geteuid() != 0)
		return base_fail(EXIT_PERMISSION, "doctor", "not permitted", "run as root");
	doctor_run(&d);
	if (opt_json)
		doctor_print_json(&d, stdout);
	else
		doctor_print_text(&d, stdout, base_color_on(cli_color, stdout));
	code = doctor_code(&d);
	doctor_free(&d);
	return cli_written(code);
}

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.summary = "look for what could undo the guard; exit 0 nothing bad, 1 something, 2 not "
		   "enforced",
	.details =
		"Kernel, loaded guards, monitor, Docker's networks and containers, and sockets "
		"that\n"
		"came from elsewhere; each finding with its reason and what to do. Changes "
		"nothing.\n"
		"Docker is asked with a limit of a few seconds; without it the rest is looked at.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = doctor,
};

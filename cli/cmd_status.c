// SPDX-License-Identifier: GPL-2.0-only
/* status: what is enforced, asked from the kernel. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/load.h"
#include "cli/status.h"

static bool opt_json, opt_watch;

static const struct cli_opt opts[] = {
	{ 0, "json", NULL, "one JSON object", &opt_json, NULL, NULL },
	{ 'w', "watch", NULL, "show it again each second, in place", &opt_watch, NULL, NULL },
};

/* One look. Returns the contract's exit code. */
static int show(FILE *out, bool color)
{
	struct loader_error err = { 0 };
	struct loader_status st;
	struct status_monitor mon;
	int ret, code;

	ret = loader_status(&st, &err);
	if (ret) {
		if (opt_json)
			status_print_json_failed(&err, out);
		if (opt_watch && !opt_json)
			fprintf(out, "not enforced: %s: %s\n", err.what, err.why);
		if (opt_watch || opt_json)
			return err.exit_code ? err.exit_code : EXIT_NOT_ENFORCED;
		return cli_loader_fail(&err);
	}
	status_monitor_load(&mon, &st);
	if (opt_json)
		status_print_json(&st, &mon, out);
	else
		status_print_text(&st, &mon, out, color);
	status_monitor_free(&mon);
	code = !st.enforced ? st.n_guards && status_any_attached(&st) ? EXIT_NO : EXIT_NOT_ENFORCED
	       : st.n_problems ? EXIT_NO
			       : EXIT_YES;
	loader_status_free(&st);
	return code;
}

/* A second, or a signal to stop. */
static bool wait_second(int sig_fd)
{
	struct pollfd p = { .fd = sig_fd, .events = POLLIN };

	return poll(&p, 1, 1000) == 0;
}

/* In place without flicker: each line clears its own rest, the last what a longer page left. */
static void paint(const char *page)
{
	fputs("\033[H", stdout);
	for (; *page; page++) {
		if (*page == '\n')
			fputs("\033[K", stdout);
		putchar(*page);
	}
	fputs("\033[J", stdout);
}

static int watch(void)
{
	bool tty = isatty(STDOUT_FILENO), color = base_color_on(cli_color, stdout);
	_close_ int sig_fd = -1;
	sigset_t stop;
	int code;

	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	sig_fd = signalfd(-1, &stop, SFD_CLOEXEC);
	do {
		_free_ char *page = NULL;
		size_t len;
		FILE *mem = open_memstream(&page, &len);

		if (!mem)
			return base_fail(EXIT_NO, "status", "out of memory", NULL);
		code = show(mem, color);
		fclose(mem);
		if (tty && !opt_json)
			paint(page);
		else
			fwrite(page, 1, len, stdout);
		if (fflush(stdout))
			break;
	} while (wait_second(sig_fd));
	return code;
}

static int status(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (opt_watch) {
		if (isatty(STDOUT_FILENO) && !opt_json)
			fputs("\033[2J", stdout);
		return watch();
	}
	return cli_written(show(stdout, base_color_on(cli_color, stdout)));
}

const struct cli_command cmd_status = {
	.name = "status",
	.summary = "say what is enforced; exit 0 enforced, 1 degraded, 2 not enforced",
	.details =
		"Reads the kernel, not the policy file: each program on its cgroup, its tag, the\n"
		"maps it uses, the pins, and what others attached that could rewrite addresses.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.run = status,
};

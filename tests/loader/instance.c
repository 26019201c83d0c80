// SPDX-License-Identifier: GPL-2.0-only
/* See instance.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/base.h"
#include "tests/loader/instance.h"

static const char *test_name = "test";
static char root[PATH_MAX], scratch[64], pins[64];
static pid_t owner; /* names everything: the process that called instance_run() */

void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", test_name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

static char *buffer(void)
{
	static char bufs[64][PATH_MAX];
	static unsigned int next;

	return bufs[next++ % ARRAY_SIZE(bufs)];
}

const char *instance_cgroup(const char *name)
{
	char *b = buffer();

	snprintf(b, PATH_MAX, "/bpfguard-test-%d-%s", owner, name);
	return b;
}

const char *instance_cgroup_dir(const char *name)
{
	char *b = buffer();

	if (snprintf(b, PATH_MAX, "%s/bpfguard-test-%d-%s", root, owner, name) >= PATH_MAX)
		die("the cgroup root's path is too long");
	return b;
}

void instance_make_cgroup(const char *name)
{
	if (mkdir(instance_cgroup_dir(name), 0755) && errno != EEXIST)
		die("mkdir %s: %m", instance_cgroup_dir(name));
}

static void write_procs(const char *dir)
{
	char path[PATH_MAX];
	_close_ int fd = -1;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", dir) >= (int)sizeof(path))
		die("%s: too long", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die("%s: %m", path);
}

void instance_join(const char *name)
{
	write_procs(instance_cgroup_dir(name));
}

void instance_leave(void)
{
	write_procs(root);
}

const char *instance_dir(void)
{
	return scratch;
}

const char *instance_file(const char *name, const char *text)
{
	char *path = buffer();
	_close_ int fd = -1;

	snprintf(path, PATH_MAX, "%s/%s", scratch, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || base_write_all(fd, text, strlen(text)))
		die("%s: %m", path);
	return path;
}

struct policy *parse_policy(const char *text)
{
	struct policy_errors errs = { 0 };
	struct policy *p;

	if (policy_parse(text, strlen(text), &p, &errs)) {
		fputs(text, stderr);
		policy_errors_print(&errs, "policy", stderr);
		die("the test's own policy is wrong");
	}
	policy_errors_free(&errs);
	return p;
}

void load_policy(const char *text, bool reload, enum loader_result want)
{
	struct policy *p = parse_policy(text);
	struct loader_error err = { 0 };
	enum loader_result got;

	if (loader_load(p, "policy", reload, 0, &got, &err))
		die("load: %s: %s (%s)", err.what, err.why, err.todo);
	if (got != want)
		die("load: result %d instead of %d", got, want);
	policy_free(p);
}

const char *bpfguard_path(void)
{
	const char *given = getenv("BPFGUARD"), *build = getenv("BUILD");
	char *b;

	if (given)
		return given;
	b = buffer();
	snprintf(b, PATH_MAX, "%s/bpfguard", build ? build : "build");
	return b;
}

int run(const char *const argv[])
{
	const char *out = instance_file("stdout", ""), *err = instance_file("stderr", "");
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "r", stdin) || !freopen(out, "w", stdout) ||
		    !freopen(err, "w", stderr))
			_exit(126);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("%s: %m", argv[0]);
	if (WIFSIGNALED(status))
		die("%s %s: killed by signal %d: %s", argv[0], argv[1], WTERMSIG(status),
		    run_stderr());
	return WEXITSTATUS(status);
}

static const char *read_back(const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];
	_fclose_ FILE *f = NULL;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	f = fopen(path, "re");
	n = f ? fread(buf, 1, size - 1, f) : 0;
	buf[n] = 0;
	return buf;
}

const char *run_stdout(void)
{
	static char buf[65536];

	return read_back("stdout", buf, sizeof(buf));
}

const char *run_stderr(void)
{
	static char buf[65536];

	return read_back("stderr", buf, sizeof(buf));
}

/* ---- the end ---- */

static int remove_cgroup(const char *dir);

static int remove_children(const char *dir)
{
	char path[2 * PATH_MAX];
	DIR *d = opendir(dir);
	struct dirent *e;
	int ret = 0;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		ret |= remove_cgroup(path);
	}
	if (d)
		closedir(d);
	return ret;
}

/* Ends what is in the cgroup, waits until it is empty, removes it. */
static int remove_cgroup(const char *dir)
{
	char path[2 * PATH_MAX], text[256];
	int i, fd;

	if (remove_children(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/cgroup.kill", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			fprintf(stderr, "%s: %m\n", path);
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/cgroup.events", dir);
	for (i = 0; i < 50; i++) {
		struct pollfd p = { .events = POLLPRI };
		ssize_t n;

		p.fd = open(path, O_RDONLY | O_CLOEXEC);
		n = p.fd < 0 ? 0 : read(p.fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		if (p.fd >= 0 && strstr(text, "populated 1"))
			poll(&p, 1, 100); /* the file tells when it changes */
		if (p.fd >= 0)
			close(p.fd);
		if (!rmdir(dir) || errno == ENOENT)
			return 0;
	}
	fprintf(stderr, "%s: cannot remove %s: %m\n", test_name, dir);
	return 1;
}

static int remove_cgroups(void)
{
	char prefix[64], path[PATH_MAX + NAME_MAX + 2];
	DIR *d = opendir(root);
	struct dirent *e;
	int ret = 0;

	snprintf(prefix, sizeof(prefix), "bpfguard-test-%d-", owner);
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, e->d_name);
		ret |= remove_cgroup(path);
	}
	if (d)
		closedir(d);
	return ret;
}

static int clean_up(void)
{
	struct loader_error err = { 0 };
	int ret = loader_unload(&err);

	if (ret && ret != -ENOENT)
		fprintf(stderr, "%s: clean-up: %s: %s\n", test_name, err.what, err.why);
	ret = (ret && ret != -ENOENT) | remove_cgroups();
	if (!access(pins, F_OK)) {
		fprintf(stderr, "%s: unload left something in %s\n", test_name, pins);
		RUN("rm", "-rf", "--one-file-system", pins);
		ret = 1;
	}
	RUN("rm", "-rf", "--one-file-system", scratch);
	return ret;
}

static void set_up(const char *test)
{
	test_name = test;
	owner = getpid();
	if (loader_cgroup_root(root, sizeof(root)))
		die("no cgroup2 is mounted");
	snprintf(scratch, sizeof(scratch), "/tmp/bpfguard-test-%d", owner);
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/bpfguard-test-%d", owner);
	if (mkdir(scratch, 0700))
		die("%s: %m", scratch);
	setenv("BPFGUARD_PINS", pins, 1);
	setenv("BPFGUARD_RUN", scratch, 1);
	setenv("BPFGUARD_LOG", scratch, 1);
}

int instance_run(const char *test, int (*fn)(int argc, char **argv), int argc, char **argv,
		 unsigned int seconds)
{
	struct timespec limit = { .tv_sec = seconds };
	sigset_t stop;
	int status = 0, sig;
	pid_t pid;

	set_up(test);
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	sigaddset(&stop, SIGCHLD);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &stop, NULL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(fn(argc, argv));
	}
	if (pid < 0)
		die("fork: %m");
	for (;;) {
		sig = sigtimedwait(&stop, NULL, &limit);
		if (sig == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (sig == SIGCHLD || (sig < 0 && errno == EINTR))
			continue;
		fprintf(stderr, "%s: %s\n", test, sig < 0 ? "takes too long" : "interrupted");
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		break;
	}
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: ended by signal %d\n", test, WTERMSIG(status));
	return clean_up() || !WIFEXITED(status) ? 1 : WEXITSTATUS(status);
}

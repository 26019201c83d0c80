// SPDX-License-Identifier: GPL-2.0-only
/* What attacks call: attack.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

static struct attack_report nobodys; /* what helpers say is not asked for */
struct attack_report *attack_report = &nobodys;

int attack_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(attack_report->skipped, sizeof(attack_report->skipped), fmt, args);
	va_end(args);
	return ATTACK_SKIP;
}

int attack_said(const char *call, int err)
{
	const char *name = err ? strerrorname_np(err < 0 ? -err : err) : "OK";

	snprintf(attack_report->said, sizeof(attack_report->said), "%s: %s", call,
		 name ? name : "?");
	return ATTACK_TRIED;
}

/* Words as a shell would split them; no more than quotes is understood. */
static int split(char *text, char **ret, int max)
{
	char *to, quote;
	int n = 0;

	while (*text && n < max - 1) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		ret[n++] = to = text;
		for (quote = 0; *text && (quote || !isspace((unsigned char)*text)); text++)
			if (quote ? *text == quote : *text == '\'' || *text == '"')
				quote = quote ? 0 : *text;
			else
				*to++ = *text;
		if (*text)
			text++;
		*to = 0;
	}
	ret[n] = NULL;
	return n;
}

int attack_command(const char *fmt, ...)
{
	char text[2048], *word[128];
	va_list args;
	int status;
	pid_t pid;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!split(text, word, 128))
		return -EINVAL;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(word[0], word);
		_exit(errno == ENOENT ? 127 : 126);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status))
		return -EINTR;
	return WEXITSTATUS(status) == 127 ? -ENOENT : WEXITSTATUS(status);
}

int attack_tell(const struct attack_env *e, const void *data, size_t len, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	return sendmsg(e->helper, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int attack_hear(const struct attack_env *e, void *ret, size_t size, int *ret_fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct pollfd p = { .fd = e->helper, .events = POLLIN };
	struct iovec iov = { .iov_base = ret, .iov_len = size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.buf,
			    .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *c;
	ssize_t n;

	if (ret_fd)
		*ret_fd = -1;
	n = poll(&p, 1, 1000);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	n = recvmsg(e->helper, &m, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_type == SCM_RIGHTS && ret_fd)
			memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	/* the other end has gone */
	return n ? (int)n : -EPIPE;
}

int attack_move(pid_t pid, const char *cgroup_dir)
{
	char path[4200], text[16];
	int fd, n, err = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup_dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%d", pid);
	if (write(fd, text, (size_t)n) != n)
		err = -errno;
	close(fd);
	return err;
}

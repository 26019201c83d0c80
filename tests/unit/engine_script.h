/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An engine of our own on a unix socket, for tests: for each path that begins so, the bytes that it
 * answers, whole or in pieces, and what it does then. A process of its own.
 */
#ifndef ENGINE_SCRIPT_H
#define ENGINE_SCRIPT_H

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT_MAX    16
#define SCRIPT_ANSWER (256 * 1024)

enum script_then { SCRIPT_CLOSE, SCRIPT_HANG, SCRIPT_FLOOD };

struct script {
	pid_t pid;
	char path[64];
	struct shared {
		unsigned int asked, n;
		char request[2048];
		struct line {
			char begins[128];  /* of the request */
			size_t len, piece; /* piece: how many bytes at once; 0: all */
			enum script_then then;
			char answer[SCRIPT_ANSWER];
		} line[SCRIPT_MAX];
	} * shared;
};

static inline void script_reset(struct script *s)
{
	s->shared->n = s->shared->asked = 0;
}

/* ANSWER: raw bytes. */
static inline struct line *script_raw(struct script *s, const char *begins, const char *answer,
				      size_t len)
{
	struct line *l = &s->shared->line[s->shared->n++];

	snprintf(l->begins, sizeof(l->begins), "%s", begins);
	memcpy(l->answer, answer, len);
	l->len = len;
	l->piece = 0;
	l->then = SCRIPT_CLOSE;
	return l;
}

static inline struct line *script_json(struct script *s, const char *begins, int status,
				       const char *body)
{
	static char text[SCRIPT_ANSWER];
	int n = snprintf(
		text, sizeof(text),
		"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		status, strlen(body), body);

	return script_raw(s, begins, text, (size_t)n);
}

static inline void script_answer(int fd, const struct line *l)
{
	static const char flood[65536];
	size_t at = 0, n;

	while (at < l->len) {
		n = l->piece && l->piece < l->len - at ? l->piece : l->len - at;
		if (write(fd, l->answer + at, n) < 0)
			return;
		at += n;
		if (l->piece)
			sched_yield();
	}
	while (l->then == SCRIPT_FLOOD && write(fd, flood, sizeof(flood)) > 0)
		;
	if (l->then == SCRIPT_HANG) { /* until the other side has had enough */
		struct pollfd p = { .fd = fd, .events = POLLRDHUP };

		poll(&p, 1, 30000);
	}
}

static inline void script_serve(int sock, struct shared *sh)
{
	static const char none[] = "HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}";
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(sock, NULL, NULL);
		ssize_t n = read(fd, sh->request, sizeof(sh->request) - 1);

		sh->request[n > 0 ? n : 0] = '\0';
		sh->asked++;
		for (i = 0; i < sh->n; i++)
			if (strncmp(sh->request, sh->line[i].begins, strlen(sh->line[i].begins)) ==
			    0)
				break;
		if (i < sh->n)
			script_answer(fd, &sh->line[i]);
		else
			(void)!write(fd, none, sizeof(none) - 1);
		close(fd);
	}
}

/* On a unix socket, or (port: out) on 127.0.0.1. */
static inline int script_listen(struct script *s, int sock, const struct sockaddr *sa,
				socklen_t len)
{
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED || bind(sock, sa, len) || listen(sock, 8))
		return -1;
	s->pid = fork();
	if (s->pid == 0)
		script_serve(sock, s->shared);
	return s->pid > 0 ? 0 : -1;
}

static inline void script_end(struct script *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	if (s->path[0])
		unlink(s->path);
	munmap(s->shared, sizeof(*s->shared));
}

#endif /* ENGINE_SCRIPT_H */

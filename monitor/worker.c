// SPDX-License-Identifier: GPL-2.0-only
/* Threads for what may block. The loop hands in a job and hears by an eventfd that it is done. */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "monitor/internal.h"

#define MAX_WAITING 64
#define STACK_BYTES (256 * 1024)

static void *run(void *ctx)
{
	struct worker *w = ctx;
	uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		struct job *j = w->queue, **end;

		if (!j) {
			pthread_cond_wait(&w->wake, &w->lock);
			continue;
		}
		w->queue = j->next;
		w->waiting--;
		pthread_mutex_unlock(&w->lock);
		j->work(j);
		pthread_mutex_lock(&w->lock);
		j->next = NULL;
		for (end = &w->finished; *end; end = &(*end)->next)
			;
		*end = j;
		(void)!write(w->source.fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_done(struct source *s, uint32_t events)
{
	struct worker *w = s->ctx;
	struct job *j, *next;
	uint64_t n;

	(void)events;
	(void)!read(s->fd, &n, sizeof(n));
	pthread_mutex_lock(&w->lock);
	j = w->finished;
	w->finished = NULL;
	pthread_mutex_unlock(&w->lock);
	for (; j; j = next) {
		next = j->next;
		j->done(j);
	}
}

int worker_start(struct monitor *mon, struct worker *w)
{
	pthread_attr_t attr;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = source_add(mon, &w->source, fd, EPOLLIN, on_done, w);
	if (err)
		return err;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, w->stack_bytes ? w->stack_bytes : STACK_BYTES);
	err = pthread_create(&w->thread, &attr, run, w);
	pthread_attr_destroy(&attr);
	w->started = !err;
	return -err;
}

/* What is under way has a limit of its own and is not waited for: the process ends with it. */
void worker_stop(struct monitor *mon, struct worker *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	(void)mon;
}

int worker_submit(struct worker *w, struct job *j)
{
	struct job **end;
	int err = 0;

	j->next = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->waiting >= MAX_WAITING || !w->started) {
		err = -EBUSY;
	} else {
		for (end = &w->queue; *end; end = &(*end)->next)
			;
		*end = j;
		w->waiting++;
		pthread_cond_signal(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

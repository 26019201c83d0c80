// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Docker and Gluetun say. Docker's events only say that it is time to look; all that is asked
 * is asked by a worker. The control API is further evidence: it can close, never open.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "monitor/internal.h"

#define ENGINE_TIMEOUT_MS  2000
#define ENGINE_RETRY_NS	   (2 * SECOND_NS)
#define ENGINE_AGAIN_NS	   (10 * SECOND_NS)
#define CONTROL_TIMEOUT_MS 1500
#define CONTROL_EVERY_NS   (5 * SECOND_NS)
#define SECRET_MAX	   256

/* ---- events ---- */
static int on_event(const struct engine_event *ev, void *ctx)
{
	struct monitor *mon = ctx;
	uint64_t one = 1;

	if (strncmp(ev->action, "exec_", 5) != 0) /* health checks: often, and nothing new */
		(void)!write(mon->engine_news.fd, &one, sizeof(one));
	return mon->stop;
}

static void *listen_to_engine(void *ctx)
{
	const struct timespec second = { .tv_sec = 1 };
	struct monitor *mon = ctx;
	uint64_t one = 1;

	while (!mon->stop) {
		engine_events(0, &mon->stop, on_event, mon);
		nanosleep(&second, NULL); /* no engine: again, in a second */
		(void)!write(mon->engine_news.fd, &one, sizeof(one));
	}
	return NULL;
}

static void on_news(struct source *s, uint32_t events)
{
	struct monitor *mon = s->ctx;
	uint64_t now = base_now_ns(CLOCK_BOOTTIME), n;
	size_t i;

	(void)events;
	(void)!read(s->fd, &n, sizeof(n));
	for (i = 0; i < mon->n_guards; i++)
		if (mon->guard[i]->policy->gateway_container[0])
			engine_ask(mon->guard[i], now);
}

/* Only where a policy names a container: else there may be no Docker, and nobody to listen to. */
static void need_events(struct monitor *mon)
{
	pthread_attr_t attr;

	if (mon->news_started)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	mon->news_started = pthread_create(&mon->news_thread, &attr, listen_to_engine, mon) == 0;
	pthread_attr_destroy(&attr);
}

int engine_begin(struct monitor *mon)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	return source_add(mon, &mon->engine_news, fd, EPOLLIN, on_news, mon);
}

/* ---- the gateway's container ---- */
struct asking {
	struct job job;
	char who[POLICY_CONTAINER];
	struct engine_container c;
	int err;
	char why[160];
};

static void find_by_label(struct asking *a)
{
	char names[100] = "";

	a->err = engine_find_label("bpfguard.gateway=true", ENGINE_TIMEOUT_MS, &a->c, names,
				   sizeof(names));
	if (a->err == -EEXIST)
		snprintf(a->why, sizeof(a->why),
			 "several containers have the label bpfguard.gateway: %s (keep one)",
			 names);
}

static void work(struct job *j)
{
	struct asking *a = (struct asking *)j;

	a->err = engine_container(a->who, ENGINE_TIMEOUT_MS, &a->c);
	if (a->err == -ENOENT) {
		find_by_label(a);
		if (a->err == -ENOENT)
			snprintf(a->why, sizeof(a->why), "there is no such container (start it)");
	}
	if (a->err == -ENOTCONN)
		snprintf(a->why, sizeof(a->why), "Docker does not answer on %.80s",
			 base_docker_socket());
	else if (a->err && !a->why[0])
		snprintf(a->why, sizeof(a->why), "Docker's answer: %s", strerror(-a->err));
}

static void done(struct job *j)
{
	struct asking *a = (struct asking *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);
	uint64_t now = base_now_ns(CLOCK_BOOTTIME);

	if (g) {
		struct gateway *gw = &g->gw;

		gw->asking = false;
		gw->engine_error = a->err;
		snprintf(gw->engine_why, sizeof(gw->engine_why), "%s", a->why);
		/* no answer is no news: the process that we watch is still the gateway */
		if (!a->err)
			gw->container = a->c;
		gw->have_container =
			!a->err || (gw->have_container && a->err != -ENOENT && a->err != -EEXIST);
		gw->next_ask_ns = now + (a->err || !gw->container.running ? ENGINE_RETRY_NS
									  : ENGINE_AGAIN_NS);
		if (gw->ask_again)
			engine_ask(g, now);
		g->look = g->decide = true;
	}
	free(a);
}

void engine_ask(struct guard *g, uint64_t now_ns)
{
	struct gateway *gw = &g->gw;
	struct asking *a;

	if (!g->policy->gateway_container[0])
		return;
	need_events(g->mon);
	gw->ask_again = gw->asking;
	gw->next_ask_ns = now_ns + ENGINE_RETRY_NS;
	if (gw->asking)
		return;
	a = calloc(1, sizeof(*a));
	if (!a)
		return;
	a->job = (struct job){ .work = work, .done = done, .mon = g->mon, .guard = g->serial };
	snprintf(a->who, sizeof(a->who), "%s", g->policy->gateway_container);
	gw->asking = worker_submit(&g->mon->engine, &a->job) == 0;
	if (!gw->asking)
		free(a);
}

/* ---- Gluetun's control API ---- */
struct control {
	struct job job;
	int netns, err;
	struct policy_control policy;
	char url[48], auth[SECRET_MAX + 16], why[96];
	struct gluetun_control c;
};

static void read_secret(const struct policy_control *p, char *auth, size_t size)
{
	const char *how = p->auth == POLICY_AUTH_BASIC ? "basic" : "apikey";
	char *text;
	size_t len;

	if (p->auth == POLICY_AUTH_NONE || base_read_file(p->secret_file, SECRET_MAX, &text, &len))
		return;
	text[strcspn(text, "\r\n")] = 0;
	snprintf(auth, size, "%s:%s", how, text);
	explicit_bzero(text, len);
	free(text);
}

static int read_control(void *ctx)
{
	struct control *c = ctx;

	return gluetun_control_read(c->url, c->auth, CONTROL_TIMEOUT_MS, &c->c, c->why,
				    sizeof(c->why));
}

static void control_work(struct job *j)
{
	struct control *c = (struct control *)j;

	/* here: a file may be slow, and this evidence may be late */
	read_secret(&c->policy, c->auth, sizeof(c->auth));
	c->err = discovery_netns_run(c->netns, read_control, c);
	base_close(&c->netns);
	explicit_bzero(c->auth, sizeof(c->auth));
}

/* No problem of its own, since it is never needed; said once, and shown by status. */
static void tell_control(struct guard *g, const struct control *c)
{
	const char *is = c->err ? c->why : c->c.status;

	if (strcmp(g->api_status, is) == 0)
		return;
	snprintf(g->api_status, sizeof(g->api_status), "%s", is);
	say("guard %s: control API at %s: %s", g->policy->name, c->url, is);
	g->mon->state_due = true;
}

static void control_done(struct job *j)
{
	struct control *c = (struct control *)j;
	struct guard *g = monitor_guard(j->mon, j->guard);

	if (g) {
		bool stopped = !c->err && (strcmp(c->c.status, "stopped") == 0 ||
					   strcmp(c->c.status, "crashed") == 0);

		g->asking_control = false;
		tell_control(g, c);
		g->decide = g->decide || stopped != g->api_stopped;
		g->api_stopped = stopped;
	}
	free(c);
}

void control_ask(struct guard *g, uint64_t now_ns)
{
	const struct policy_control *p = &g->policy->control;
	struct control *c;

	if (!p->port || g->asking_control || now_ns < g->next_control_ns || !gateway_there(g))
		return;
	g->next_control_ns = now_ns + CONTROL_EVERY_NS;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->job = (struct job){
		.work = control_work, .done = control_done, .mon = g->mon, .guard = g->serial
	};
	c->netns = fcntl(g->gw.netns, F_DUPFD_CLOEXEC, 3);
	snprintf(c->url, sizeof(c->url), "http://127.0.0.1:%u", p->port);
	c->policy = *p;
	g->asking_control = c->netns >= 0 && worker_submit(&g->mon->control, &c->job) == 0;
	if (g->asking_control)
		return;
	base_close(&c->netns);
	free(c);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records as one line for people, in local time.
 */
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "events/events.h"
#include "events/flowtext.h"
#include "events/names.h"

#define SHORT_ID 12

static void print_safe(FILE *out, const char *s)
{
	char safe[1024];

	fputs(base_sanitize(safe, sizeof(safe), s, strlen(s)), out);
}

static void print_time(uint64_t ts_real_ns, FILE *out, bool color)
{
	time_t s = (time_t)(ts_real_ns / 1000000000ull);
	char day[32];
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(day, sizeof(day), "@%llu", (unsigned long long)s);
	fprintf(out, "%s%s.%03u%s ", color ? C_DIM : "", day,
		(unsigned int)(ts_real_ns / 1000000 % 1000), color ? C_RESET : "");
}

/* The best name there is: container, short id, cgroup, its number. */
static void print_who(const struct events_record *r, FILE *out, bool color)
{
	if (color)
		fputs(C_BOLD, out);
	if (r->container_name[0])
		print_safe(out, r->container_name);
	else if (r->container_id[0])
		fprintf(out, "%.*s", SHORT_ID, r->container_id);
	else if (r->cgroup[0])
		print_safe(out, r->cgroup);
	else if (r->cgroup_id)
		fprintf(out, "cgroup:%llu", (unsigned long long)r->cgroup_id);
	else
		fputs(r->guard[0] ? r->guard : "unknown", out);
	if (color)
		fputs(C_RESET, out);
	if (r->comm[0]) {
		fputs(" (", out);
		print_safe(out, r->comm);
		fprintf(out, "[%u])", r->tgid);
	}
}

static void print_proto(const struct bg_flow *f, FILE *out)
{
	const char *name = flow_proto_name(f->family, f->proto);

	if (name)
		fputs(name, out);
	else if (f->proto)
		fprintf(out, "protocol-%u", f->proto);
	else
		fputs("any", out);
}

static void print_where(const struct bg_flow *f, FILE *out)
{
	char buf[FLOW_ADDR];

	/* these are about anything but a flow, or about a socket of a family without addresses */
	if (!f->family && f->hook >= BG_HOOK_LSM_FIRST && f->hook < BG_HOOK_LSM_END) {
		fprintf(out, " at %s", events_hook_name(f->hook));
		return;
	}
	if (!flow_has_dst(f)) {
		fputs(" -> new socket/", out);
		print_proto(f, out);
		return;
	}
	flow_addr(buf, f->family, f->daddr);
	if (f->flags & BG_F_PORTS)
		fprintf(out, f->family == 6 ? " -> [%s]:%u/" : " -> %s:%u/", buf, f->dport);
	else
		fprintf(out, " -> %s/", buf);
	print_proto(f, out);
	if (!(f->flags & BG_F_ROUTE))
		return;
	if (f->nh_family)
		fprintf(out, " via %s", flow_addr(buf, f->nh_family, f->next_hop));
	else if (!(f->flags & (BG_F_LOOPBACK | BG_F_TUNNEL)))
		fputs(" on-link", out);
}

void events_print_text(const struct events_record *r, FILE *out, bool color)
{
	const char *reason = events_reason_name(r->reason);
	bool audit = r->verdict == BG_WOULD_DENY;

	print_time(r->ts_real_ns, out, color);
	if (color)
		fputs(audit ? C_YELLOW : C_RED, out);
	fprintf(out, "%s %s", audit ? "audit: would deny" : "DENY", reason ? reason : "unknown");
	fprintf(out, "%s ", color ? C_RESET : "");
	print_who(r, out, color);
	print_where(&r->flow, out);
	if (r->dns_name[0]) {
		fputs(" dns ", out);
		print_safe(out, r->dns_name);
	}
	if (r->count > 1)
		fprintf(out, " \u00d7%llu", (unsigned long long)r->count);
	if (r->lost)
		fprintf(out, " %s(%llu event%s lost before this)%s", color ? C_YELLOW : "",
			(unsigned long long)r->lost, r->lost == 1 ? "" : "s", color ? C_RESET : "");
	fputc('\n', out);
}

void events_print_notice(const struct events_notice *n, FILE *out, bool color)
{
	print_time(n->ts_real_ns, out, color);
	fprintf(out, "%s%llu record%s could not be written to the log before this%s",
		color ? C_YELLOW : "", (unsigned long long)n->not_written,
		n->not_written == 1 ? "" : "s", color ? C_RESET : "");
	if (n->error[0]) {
		fputs(": ", out);
		print_safe(out, n->error);
	}
	fputc('\n', out);
}

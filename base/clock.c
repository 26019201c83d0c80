/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Points in time, as text.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

#define NS_PER_S 1000000000ull

uint64_t base_now_ns(int clock_id)
{
	struct timespec ts = { 0 };

	clock_gettime(clock_id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

char *base_rfc3339(char *buf, size_t size, uint64_t realtime_ns)
{
	time_t s = (time_t)(realtime_ns / NS_PER_S);
	struct tm tm = { 0 };

	/* 2^64 ns end in the year 2554, so four digits always do. */
	gmtime_r(&s, &tm);
	snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d.%09lluZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned long long)(realtime_ns % NS_PER_S));
	return buf;
}

/* Exactly n digits at *p, at most max. */
static bool take_digits(const char **p, unsigned int n, int min, int max, int *ret)
{
	int v = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)(*p)[i]))
			return false;
		v = v * 10 + ((*p)[i] - '0');
	}
	if (v < min || v > max)
		return false;
	*p += n;
	*ret = v;
	return true;
}

static bool take_char(const char **p, const char *any)
{
	if (!**p || !strchr(any, **p))
		return false;
	(*p)++;
	return true;
}

/* `.123` behind the seconds: any number of digits, those below a nanosecond are cut off. */
static bool take_fraction(const char **p, uint64_t *ret_ns)
{
	uint64_t ns = 0, unit = NS_PER_S / 10;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++) {
		ns += (uint64_t)(**p - '0') * unit;
		unit /= 10;
	}
	*ret_ns = ns;
	return true;
}

/* Seconds east of UTC. */
static bool take_zone(const char **p, long *ret)
{
	int hours, minutes;
	bool west;

	if (take_char(p, "zZ")) {
		*ret = 0;
		return true;
	}
	west = **p == '-';
	if (!take_char(p, "+-") || !take_digits(p, 2, 0, 23, &hours) || !take_char(p, ":") ||
	    !take_digits(p, 2, 0, 59, &minutes))
		return false;
	*ret = (hours * 3600L + minutes * 60L) * (west ? -1 : 1);
	return true;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* A date, `2026-01-02`, alone (midnight, local time) or with a time; no zone means local time. */
static int parse_absolute(const char *p, uint64_t *ret_ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int year, month, day;
	uint64_t ns = 0, whole;
	bool utc = false;
	long zone = 0;
	time_t s;

	if (!take_digits(&p, 4, 1970, 2554, &year) || !take_char(&p, "-") ||
	    !take_digits(&p, 2, 1, 12, &month) || !take_char(&p, "-") ||
	    !take_digits(&p, 2, 1, days_of(year, month), &day))
		return -EINVAL;
	if (*p) {
		if (!take_char(&p, "tT ") || !take_digits(&p, 2, 0, 23, &tm.tm_hour) ||
		    !take_char(&p, ":") || !take_digits(&p, 2, 0, 59, &tm.tm_min))
			return -EINVAL;
		if (take_char(&p, ":")) {
			if (!take_digits(&p, 2, 0, 60, &tm.tm_sec))
				return -EINVAL;
			if (take_char(&p, ".") && !take_fraction(&p, &ns))
				return -EINVAL;
		}
		if (*p) {
			if (!take_zone(&p, &zone) || *p)
				return -EINVAL;
			utc = true;
		}
	}
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	s = utc ? timegm(&tm) - zone : mktime(&tm);
	if (s < 0)
		return -EINVAL;
	if (__builtin_mul_overflow((uint64_t)s, NS_PER_S, &whole) ||
	    __builtin_add_overflow(whole, ns, &whole))
		return -ERANGE;
	*ret_ns = whole;
	return 0;
}

/* `2h30m`: numbers with units, each unit once and from large to small. Before now_ns. */
static int parse_relative(const char *p, uint64_t now_ns, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t s;
	} units[] = { { "w", 604800 }, { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	size_t next = 0;
	uint64_t ago = 0;

	do {
		uint64_t v = 0, ns;

		if (!isdigit((unsigned char)*p))
			return -EINVAL;
		for (; isdigit((unsigned char)*p); p++) {
			v = v * 10 + (uint64_t)(*p - '0');
			if (v > UINT32_MAX)
				return -ERANGE;
		}
		while (next < ARRAY_SIZE(units) && *p != units[next].name[0])
			next++;
		if (next == ARRAY_SIZE(units))
			return -EINVAL;
		if (__builtin_mul_overflow(v, units[next].s * NS_PER_S, &ns) ||
		    __builtin_add_overflow(ago, ns, &ago))
			return -ERANGE;
		next++;
		p++;
	} while (*p);
	/* Further back than the clock goes means "everything". */
	*ret_ns = ago > now_ns ? 0 : now_ns - ago;
	return 0;
}

static int parse_day(int days_back, uint64_t now_ns, uint64_t *ret_ns)
{
	time_t s = (time_t)(now_ns / NS_PER_S);
	struct tm tm;

	if (!localtime_r(&s, &tm))
		return -EINVAL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days_back;
	tm.tm_isdst = -1;
	s = mktime(&tm);
	if (s < 0)
		return -EINVAL;
	*ret_ns = (uint64_t)s * NS_PER_S;
	return 0;
}

int base_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	if (!text || !*text)
		return -EINVAL;
	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (strcmp(text, "today") == 0)
		return parse_day(0, now_ns, ret_ns);
	if (strcmp(text, "yesterday") == 0)
		return parse_day(1, now_ns, ret_ns);
	if (strlen(text) > 4 && text[4] == '-')
		return parse_absolute(text, ret_ns);
	return parse_relative(text, now_ns, ret_ns);
}

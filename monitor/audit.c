// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit trail. Every line names its number and the hash of the line before it, so that nothing
 * can be changed, taken out or put in without the rest being written anew. Any bpfguard process
 * appends, one at a time by a lock on the file; a line is on the disk before the call returns.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "events/dir.h"
#include "monitor/monitor.h"

#define LINE_MAX_BYTES 16384
#define LOCK_TRIES     50
#define LOCK_WAIT_NS   10000000l
#define HEX	       65

static void hash_hex(const char *line, size_t len, char ret[HEX])
{
	uint8_t sum[32];
	size_t i;

	base_sha256(line, len, sum);
	for (i = 0; i < sizeof(sum); i++)
		snprintf(ret + 2 * i, 3, "%02x", sum[i]);
}

/* The lock is held for one line at a time; who holds it for long must not hold us for ever. */
static int take_lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_WAIT_NS };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

struct tail {
	json_int_t seq; /* of the last line; 0: there is none */
	char prev[HEX]; /* its hash */
	off_t whole;	/* bytes up to and with the last line end */
	size_t torn;	/* bytes behind it: somebody died while he wrote */
	char torn_hash[HEX];
};

static int read_tail(int fd, struct tail *ret)
{
	_free_ char *buf = NULL;
	struct tail t = { 0 };
	char *end, *line;
	struct stat st;
	ssize_t n;
	off_t from;
	json_t *o;

	memset(t.prev, '0', HEX - 1);
	buf = malloc(2 * LINE_MAX_BYTES);
	if (!buf)
		return -ENOMEM;
	if (fstat(fd, &st))
		/* cppcheck-suppress memleak */
		return -errno;
	from = st.st_size > 2 * LINE_MAX_BYTES ? st.st_size - 2 * LINE_MAX_BYTES : 0;
	n = pread(fd, buf, 2 * LINE_MAX_BYTES, from);
	if (n < 0)
		return -errno;
	end = n ? memrchr(buf, '\n', (size_t)n) : NULL;
	t.whole = end ? from + (end + 1 - buf) : 0;
	if (!end && from)
		return -EBADMSG; /* a line as long as no line of ours: leave it for people */
	t.torn = (size_t)(st.st_size - t.whole);
	if (t.torn)
		hash_hex(end ? end + 1 : buf, t.torn, t.torn_hash);
	if (!end) {
		*ret = t;
		return 0;
	}
	line = end > buf ? memrchr(buf, '\n', (size_t)(end - buf)) : NULL;
	if (!line && from)
		return -EBADMSG;
	line = line ? line + 1 : buf;
	hash_hex(line, (size_t)(end - line), t.prev);
	o = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
	t.seq = json_integer_value(json_object_get(o, "seq"));
	json_decref(o);
	*ret = t;
	return 0;
}

static int put_line(int fd, struct tail *t, const char *what, const char *guard, json_t *fields)
{
	_free_ char *line = NULL;
	json_t *o = json_object();
	char ts[40];
	size_t len;
	int err;

	base_rfc3339(ts, sizeof(ts), base_now_ns(CLOCK_REALTIME));
	json_object_set_new(o, "ts", json_string(ts));
	json_object_set_new(o, "seq", json_integer(t->seq + 1));
	json_object_set_new(o, "prev", json_string(t->prev));
	json_object_set_new(o, "what", json_string(what));
	if (guard)
		json_object_set_new(o, "guard", json_string(guard));
	if (fields)
		json_object_update_missing(o, fields);
	line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(o);
	if (!line)
		return -ENOMEM;
	len = strlen(line);
	if (len >= LINE_MAX_BYTES)
		return -EMSGSIZE;
	hash_hex(line, len, t->prev);
	t->seq++;
	line[len] = '\n'; /* where the NUL was */
	err = base_write_all(fd, line, len + 1);
	if (err && ftruncate(fd, t->whole))
		return err; /* the next one finds it torn */
	if (!err)
		t->whole += (off_t)len + 1;
	return err;
}

static int cut_torn(int fd, struct tail *t)
{
	json_t *o;
	int err;

	if (!t->torn)
		return 0;
	if (ftruncate(fd, t->whole))
		return -errno;
	o = json_pack("{s:I, s:s}", "bytes", (json_int_t)t->torn, "sha256", t->torn_hash);
	err = put_line(fd, t, "torn_line_removed", NULL, o);
	json_decref(o);
	return err;
}

int monitor_audit_append(const char *what, const char *guard, const char *fields_json)
{
	json_t *fields = fields_json ? json_loads(fields_json, 0, NULL) : NULL;
	char path[4096];
	struct tail t = { 0 };
	_close_ int fd = -1;
	int err;

	if ((size_t)snprintf(path, sizeof(path), "%s/audit.jsonl", base_log_dir()) >= sizeof(path))
		err = -ENAMETOOLONG;
	else
		err = events_make_dir(base_log_dir(), 0750);
	if (!err) {
		fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
		err = fd < 0 ? -errno : take_lock(fd);
	}
	if (!err)
		err = read_tail(fd, &t);
	if (!err)
		err = cut_torn(fd, &t);
	if (!err)
		err = put_line(fd, &t, what, guard, fields);
	if (!err && fsync(fd))
		err = -errno;
	json_decref(fields);
	return err;
}

/* ---- verify ---- */
struct chain {
	uint64_t lines;
	char prev[HEX];
};

static const char *check_line(struct chain *c, const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	const char *prev = json_string_value(json_object_get(o, "prev")), *why = NULL;
	json_t *seq = json_object_get(o, "seq");

	if (!json_is_object(o) || !prev || !json_is_integer(seq))
		why = "it is not a line of the audit trail";
	else if (strcmp(prev, c->prev) != 0)
		why = c->lines ? "the line before it was changed, taken out or put in"
			       : "the beginning of the trail is missing";
	else if (json_integer_value(seq) != (json_int_t)c->lines + 1)
		why = "its number does not follow";
	json_decref(o);
	hash_hex(line, len, c->prev);
	return why;
}

int monitor_audit_verify(const char *path, uint64_t *ret_lines, uint64_t *ret_bad_line, char *why,
			 size_t why_size)
{
	_free_ char *line = NULL;
	_fclose_ FILE *f = NULL;
	struct chain c = { 0 };

	line = malloc(LINE_MAX_BYTES + 2);
	if (!line)
		return -ENOMEM;
	memset(c.prev, '0', HEX - 1);
	f = fopen(path, "re");
	if (!f)
		/* cppcheck-suppress memleak */
		return -errno;
	for (;;) {
		const char *bad = NULL;
		size_t len = 0;
		int ch;

		while ((ch = getc_unlocked(f)) != EOF && ch != '\n' && len <= LINE_MAX_BYTES)
			line[len++] = (char)ch;
		if (ferror(f))
			return -EIO;
		if (ch == EOF && !len)
			break;
		if (ch == EOF)
			bad = "it has no end: somebody died while he wrote, or it was cut";
		else if (len > LINE_MAX_BYTES)
			bad = "it is too long";
		else
			bad = check_line(&c, line, len);
		if (bad) {
			snprintf(why, why_size, "%s", bad);
			*ret_bad_line = c.lines + 1;
			*ret_lines = c.lines;
			return -EBADMSG;
		}
		c.lines++;
	}
	*ret_lines = c.lines;
	*ret_bad_line = 0;
	return 0;
}

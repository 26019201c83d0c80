/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room base: what every room may use and which knows nothing above it.
 *
 * Functions return 0 or -errno, leave out-parameters untouched on failure, and do not print unless
 * their name says so.
 */
#ifndef BPFGUARD_BASE_H
#define BPFGUARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit codes: a contract (design, section 7). */
enum {
	EXIT_YES = 0,
	EXIT_NO = 1,
	EXIT_NOT_ENFORCED = 2,
	EXIT_USAGE = 64,
	EXIT_POLICY = 65,
	EXIT_KERNEL = 69,
	EXIT_PERMISSION = 77,
};

/* Clean-up at end of scope. */
static inline void base_free(void *p)
{
	free(*(void **)p);
}

static inline void base_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void base_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _free_	 __attribute__((cleanup(base_free)))
#define _close_	 __attribute__((cleanup(base_close)))
#define _fclose_ __attribute__((cleanup(base_fclose)))

/* Give up ownership of a pointer or descriptor that has a clean-up attribute. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) taken_ = (p);                                                        \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

/* Where things are; each can be moved by its environment variable so that instances do not meet. */
const char *base_policy_path(void);   /* BPFGUARD_POLICY, /etc/bpfguard/policy.yaml */
const char *base_pins_dir(void);      /* BPFGUARD_PINS, /sys/fs/bpf/bpfguard */
const char *base_run_dir(void);	      /* BPFGUARD_RUN, /run/bpfguard */
const char *base_log_dir(void);	      /* BPFGUARD_LOG, /var/log/bpfguard */
const char *base_docker_socket(void); /* BPFGUARD_DOCKER, /run/docker.sock */

/*
 * Errors for people, on stderr: `bpfguard: what: why (what to do)`. why and todo may be NULL.
 * base_fail() prints and returns `code`, for `return base_fail(EXIT_KERNEL, ...)`.
 */
int base_fail(int code, const char *what, const char *why, const char *todo);
void base_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Colours: only on a terminal, never with NO_COLOR; --color=always|never|auto overrides. */
enum base_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
int base_color_parse(const char *arg, enum base_color *ret);
bool base_color_on(enum base_color mode, FILE *f);
#define C_RED	 "\033[31m"
#define C_GREEN	 "\033[32m"
#define C_YELLOW "\033[33m"
#define C_BOLD	 "\033[1m"
#define C_DIM	 "\033[2m"
#define C_RESET	 "\033[0m"

/*
 * Whole file into a malloc'ed buffer with a NUL behind it (not counted). -EFBIG above max bytes.
 */
int base_read_file(const char *path, size_t max, char **ret_buf, size_t *ret_len);

/* Write all, over short writes and EINTR. */
int base_write_all(int fd, const void *buf, size_t len);

/* Hash of bytes: SHA-256 (FIPS 180-4). */
void base_sha256(const void *data, size_t len, uint8_t ret[32]);

/*
 * Make outside text safe for a terminal or a log line: control bytes, DEL and bytes that are not
 * UTF-8 become \xNN. Writes at most size bytes with the NUL; returns dst.
 */
char *base_sanitize(char *dst, size_t size, const char *src, size_t len);

/* RFC 3339 with nanoseconds, UTC: 2026-01-02T03:04:05.000000006Z; buf of at least 31 bytes. */
char *base_rfc3339(char *buf, size_t size, uint64_t realtime_ns);
/* RFC 3339, or relative (`10m`, `2h30m`, `45s`, `today`), into CLOCK_REALTIME nanoseconds. */
int base_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns);
uint64_t base_now_ns(int clock_id);

#endif /* BPFGUARD_BASE_H */

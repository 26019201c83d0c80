/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring by its system calls: what liburing's headers of old systems lack is tried, too. */
#ifndef BPFGUARD_TESTS_ATTACK_RING_H
#define BPFGUARD_TESTS_ATTACK_RING_H

#include <linux/io_uring.h>

#include "send.h"

struct ring {
	int fd; /* or -errno */
	unsigned int features, queued;
	bool polled; /* a thread of the kernel looks for work (SQPOLL) */
	uint32_t *sq_tail, *sq_mask, *sq_flags, *sq_array;
	uint32_t *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* flags: IORING_SETUP_* */
struct ring ring_open(unsigned int flags);
bool ring_can(const struct ring *r, int op);
/* The next request; fd as sqe->fd. */
struct io_uring_sqe *ring_next(struct ring *r, int op, int fd, const void *addr, size_t len);
/* Hands over what is queued and waits for all of it; the first failure, or the last result. */
int ring_run(struct ring *r);
/* A table of fixed files with this one in slot 0 (-1: empty), and another empty slot. */
int ring_fixed(struct ring *r, int fd);

/* For the end of an attack: what the ring answered, or why there is none. */
int ring_said(const struct ring *r, const char *call, int result);

#endif /* BPFGUARD_TESTS_ATTACK_RING_H */

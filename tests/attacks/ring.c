// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 8
#define WAIT_MS 500 /* for what never comes: a connection that nobody answers */

static uint8_t *map(int fd, size_t size, uint64_t what)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)what);
}

struct ring ring_open(unsigned int flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	struct ring r = { .fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p) };
	size_t size = p.cq_off.cqes + p.cq_entries * sizeof(*r.cqes);
	uint8_t *at;

	if (r.fd < 0) {
		r.fd = -errno;
		return r;
	}
	if (size < p.sq_off.array + p.sq_entries * sizeof(uint32_t))
		size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	at = map(r.fd, size, IORING_OFF_SQ_RING);
	r.sqes = (void *)map(r.fd, p.sq_entries * sizeof(*r.sqes), IORING_OFF_SQES);
	if (at == MAP_FAILED || r.sqes == MAP_FAILED) {
		r.fd = -errno;
		return r;
	}
	r.features = p.features;
	r.polled = flags & IORING_SETUP_SQPOLL;
	r.sq_tail = (void *)(at + p.sq_off.tail);
	r.sq_mask = (void *)(at + p.sq_off.ring_mask);
	r.sq_flags = (void *)(at + p.sq_off.flags);
	r.sq_array = (void *)(at + p.sq_off.array);
	r.cq_head = (void *)(at + p.cq_off.head);
	r.cq_tail = (void *)(at + p.cq_off.tail);
	r.cq_mask = (void *)(at + p.cq_off.ring_mask);
	r.cqes = (void *)(at + p.cq_off.cqes);
	return r;
}

bool ring_can(const struct ring *r, int op)
{
	struct {
		struct io_uring_probe head;
		struct io_uring_probe_op ops[256];
	} p = { 0 };

	if (r->fd < 0)
		return true; /* the refusal is what has to be told */
	return !syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PROBE, &p, 256) &&
	       op <= p.head.last_op && (p.ops[op].flags & IO_URING_OP_SUPPORTED);
}

struct io_uring_sqe *ring_next(struct ring *r, int op, int fd, const void *addr, size_t len)
{
	static struct io_uring_sqe nowhere;
	uint32_t at;
	struct io_uring_sqe *s;

	if (r->fd < 0)
		return &nowhere;
	at = (*r->sq_tail + r->queued++) & *r->sq_mask;
	s = &r->sqes[at];
	memset(s, 0, sizeof(*s));
	s->opcode = (uint8_t)op;
	s->fd = fd;
	s->addr = (uintptr_t)addr;
	s->len = (uint32_t)len;
	r->sq_array[at] = at;
	return s;
}

static void submit(struct ring *r)
{
	unsigned int flags = 0;

	__atomic_store_n(r->sq_tail, *r->sq_tail + r->queued, __ATOMIC_SEQ_CST);
	if (r->polled) {
		if (!(__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP))
			return;
		flags = IORING_ENTER_SQ_WAKEUP;
	}
	syscall(SYS_io_uring_enter, r->fd, r->queued, 0, flags, NULL, 0);
}

int ring_run(struct ring *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };
	int result = 0, err = 0;

	if (r->fd < 0)
		return r->fd;
	submit(r);
	for (; r->queued; r->queued--) {
		uint32_t head = *r->cq_head;

		while (head == __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE)) {
			if (poll(&p, 1, WAIT_MS) <= 0)
				return -ETIME;
		}
		result = r->cqes[head & *r->cq_mask].res;
		if (result < 0 && !err)
			err = result;
		__atomic_store_n(r->cq_head, head + 1, __ATOMIC_RELEASE);
	}
	return err ? err : result;
}

int ring_fixed(struct ring *r, int fd)
{
	int files[] = { fd, -1 };

	if (r->fd < 0)
		return r->fd;
	return syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, files, 2) ? -errno : 0;
}

int ring_said(const struct ring *r, const char *call, int result)
{
	if (r->fd == -ENOSYS)
		return attack_skip("no io_uring");
	if (r->fd < 0)
		return attack_said("io_uring_setup", -r->fd);
	return attack_said(call, result < 0 ? -result : 0);
}

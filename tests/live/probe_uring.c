// SPDX-License-Identifier: GPL-2.0-only
/* The same calls through io_uring. */
#include "probe.h"

#include <errno.h>

#ifdef LIVE_URING
#include <liburing.h>

static int run(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int err = io_uring_submit_and_wait(ring, 1);

	if (err >= 0)
		err = io_uring_wait_cqe(ring, &cqe);
	if (!err)
		err = cqe->res;
	io_uring_queue_exit(ring);
	return err;
}

int probe_uring_connect(int fd, const struct probe_to *to)
{
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, 0);

	if (err)
		return err;
	io_uring_prep_connect(io_uring_get_sqe(&ring), fd, (const struct sockaddr *)&to->addr,
			      to->len);
	return run(&ring);
}

int probe_uring_sendmsg(int fd, const struct msghdr *m)
{
	struct io_uring ring;
	int err = io_uring_queue_init(4, &ring, 0);

	if (err)
		return err;
	io_uring_prep_sendmsg(io_uring_get_sqe(&ring), fd, m, 0);
	return run(&ring);
}
#else
int probe_uring_connect(int fd, const struct probe_to *to)
{
	(void)fd;
	(void)to;
	return -ENOSYS;
}

int probe_uring_sendmsg(int fd, const struct msghdr *m)
{
	(void)fd;
	(void)m;
	return -ENOSYS;
}
#endif

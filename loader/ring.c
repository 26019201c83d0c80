// SPDX-License-Identifier: GPL-2.0-only
/* The denied stream's consumer side. */
#include <errno.h>
#include <limits.h>
#include <linux/if_ether.h>
#include <string.h>

#include "loader/internal.h"

struct loader_ring {
	struct ring_buffer *rb;
	int flush; /* program, -1: the kernel has none */
	loader_event_fn fn;
	void *ctx;
};

static int on_sample(void *ctx, void *data, size_t len)
{
	struct loader_ring *r = ctx;

	if (len >= sizeof(struct bg_event))
		r->fn(data, len, r->ctx);
	return 0;
}

int loader_ring_open(loader_event_fn fn, void *ctx, struct loader_ring **ret)
{
	_close_ int map = loader_open_map("bg_event");
	char path[PATH_MAX];
	struct loader_ring *r;
	int err;

	if (map < 0)
		return map;
	err = loader_pin_path(path, sizeof(path), "flush");
	if (err)
		return err;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	r->rb = ring_buffer__new(map, on_sample, r, NULL);
	if (!r->rb) {
		err = -errno;
		free(r);
		return err;
	}
	r->flush = bpf_obj_get(path);
	*ret = r;
	return 0;
}

int loader_ring_fd(const struct loader_ring *r)
{
	return ring_buffer__epoll_fd(r->rb);
}

int loader_ring_consume(struct loader_ring *r)
{
	return ring_buffer__consume(r->rb);
}

int loader_ring_flush(struct loader_ring *r, bool all)
{
	/* the program looks at no packet, but a test run wants one: an Ethernet and an IPv4 header
	 */
	char frame[ETH_HLEN + 20] = { [12] = 0x08, [ETH_HLEN] = 0x45 };
	struct __sk_buff ctx = { .mark = all };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	if (r->flush < 0)
		return -EOPNOTSUPP;
	return bpf_prog_test_run_opts(r->flush, &opts) ? -errno : 0;
}

void loader_ring_free(struct loader_ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	if (r->flush >= 0)
		close(r->flush);
	free(r);
}

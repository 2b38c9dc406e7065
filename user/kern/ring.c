// SPDX-License-Identifier: GPL-2.0-only
/* The ring of samples, on libbpf. */
#include <errno.h>
#include <stdlib.h>
#include <bpf/libbpf.h>
#include "user/kern/ring.h"

struct fw_ring {
	struct ring_buffer *rb;
	void (*each)(void *arg, const struct fw_sample *sample);
	void *arg;
};

static int take(void *arg, void *data, size_t size)
{
	struct fw_ring *ring = arg;

	if (size >= sizeof(struct fw_sample))
		ring->each(ring->arg, data);
	return 0;
}

int fw_ring_open(int fd, void (*each)(void *arg, const struct fw_sample *sample), void *arg,
		 struct fw_ring **ret, struct fw_err *err)
{
	struct fw_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return fw_err_set(err, -ENOMEM, NULL, "no memory for the ring of samples");
	ring->each = each;
	ring->arg = arg;
	ring->rb = ring_buffer__new(fd, take, ring, NULL);
	if (!ring->rb) {
		int code = errno ? -errno : -EIO;

		free(ring);
		return fw_err_set(err, code, NULL, "the ring of samples cannot be read");
	}
	*ret = ring;
	return 0;
}

int fw_ring_read(struct fw_ring *ring)
{
	return ring_buffer__consume(ring->rb);
}

void fw_ring_close(struct fw_ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->rb);
	free(ring);
}

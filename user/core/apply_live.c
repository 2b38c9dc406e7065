// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flipping, confirming, going back. The program reads deadline_ns first; only if it has passed it
 * reads revert, else live. What must stay true: at every instant, whoever dies, these three words
 * name one whole generation, and revert is never changed while a program run may still read it.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/core/apply_live.h"

__u64 fw_apply_now(const struct fw_maps *maps)
{
	__u64 virtual_ns = __atomic_load_n(&maps->ctl->virtual_ns, __ATOMIC_RELAXED);

	return virtual_ns ? virtual_ns : fw_clock_now();
}

__u64 fw_apply_live(const struct fw_maps *maps)
{
	const struct fw_ctl *ctl = maps->ctl;
	__u64 deadline = __atomic_load_n(&ctl->deadline_ns, __ATOMIC_ACQUIRE);

	if (deadline && fw_apply_now(maps) >= deadline)
		return __atomic_load_n(&ctl->revert, __ATOMIC_ACQUIRE);
	return fw_maps_live(maps);
}

/*
 * Until every CPU has left what it was reading before. The program runs inside an RCU section, and
 * GLOBAL waits for a grace period. It is refused with nohz_full CPUs; then time must do: a program
 * run takes microseconds and cannot be preempted.
 */
static void wait_for_cpus(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(200000);
}

static void store(__u64 *word, __u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

__u64 fw_live_next(const struct fw_maps *maps, __u64 bits)
{
	__u32 live = FW_LIVE_GENERATION(maps->ctl->live),
	      old = FW_LIVE_GENERATION(maps->ctl->revert);

	/* A change that went back had a number too: it must not come again with other content. */
	return (__u64)((live > old ? live : old) + 1) << 32 | (bits & 3);
}

/* The file of a generation that went back made nothing of what runs. */
static void forget_record(struct fw_maps *maps, __u64 running)
{
	for (int i = 0; i < FW_APPLIED_SLOTS; i++)
		if (maps->applied[i].generation > FW_LIVE_GENERATION(running))
			store(&maps->applied[i].generation, 0);
}

void fw_live_settle(struct fw_maps *maps)
{
	struct fw_ctl *ctl = maps->ctl;
	__u64 running = fw_apply_live(maps);

	if (ctl->deadline_ns) {
		forget_record(maps, running);
		if (running != ctl->live) /* a new number: that of what went back stays its own */
			store(&ctl->live, fw_live_next(maps, running));
		store(&ctl->deadline_ns, 0);
	}
	/* Also: a writer killed between its flip and its wait may have left a CPU in this half. */
	wait_for_cpus();
	store(&ctl->revert, 0);
}

void fw_live_flip(struct fw_maps *maps, __u64 running, __u64 next, __u64 deadline_ns)
{
	struct fw_ctl *ctl = maps->ctl;

	store(&ctl->revert, running);
	store(&ctl->deadline_ns, deadline_ns);
	store(&ctl->live, next);
	wait_for_cpus();
}

__u32 fw_apply_pending(const struct fw_maps *maps)
{
	__u64 deadline = __atomic_load_n(&maps->ctl->deadline_ns, __ATOMIC_ACQUIRE);
	__u64 now = fw_apply_now(maps);

	return deadline > now ? (__u32)((deadline - now) / FW_NS_PER_S + 1) : 0;
}

int fw_apply_confirm(struct fw_maps *maps, struct fw_err *err)
{
	struct fw_ctl *ctl = maps->ctl;
	__u64 deadline = ctl->deadline_ns;

	/* The program's clock goes in steps: what may pass within one has passed. */
	if (deadline && fw_apply_now(maps) + maps->meta->tick_ns < deadline) {
		store(&ctl->deadline_ns, 0);
		wait_for_cpus();
		return 0;
	}
	if (deadline)
		return fw_err_set(err, -ETIME, "apply it again",
				  "too late: the change went back when its time was over");
	return fw_err_set(err, -ENOENT, NULL, "no change waits for a confirmation");
}

/* To what `back` names; what ran until now can be gone back to in its turn. */
static void swap_to(struct fw_maps *maps, __u64 back)
{
	struct fw_ctl *ctl = maps->ctl;
	__u64 running = ctl->live, next = fw_live_next(maps, back);

	/* A program run that still sees the deadline must find `back` behind it to the end. */
	store(&ctl->live, next);
	store(&ctl->deadline_ns, 0);
	wait_for_cpus();
	store(&ctl->revert, running);
}

int fw_live_back(const struct fw_maps *maps, __u64 *ret_word, struct fw_err *err)
{
	const struct fw_ctl *ctl = maps->ctl;

	if (ctl->deadline_ns && fw_apply_now(maps) >= ctl->deadline_ns)
		return fw_err_set(err, -ENOENT, NULL,
				  "the change went back by itself when its time was over");
	if (!ctl->revert || (ctl->revert & 3) == (ctl->live & 3))
		return fw_err_set(err, -ENOENT, NULL,
				  "there is no generation before this one to go back to");
	*ret_word = ctl->revert;
	return 0;
}

int fw_apply_undo(struct fw_maps *maps,
		  void (*before_flip)(struct fw_maps *maps, __u32 now, __u32 back), __u64 *ret_live,
		  struct fw_err *err)
{
	__u64 back = 0;
	int r = fw_live_back(maps, &back, err);

	if (r)
		return r;
	if (before_flip)
		before_flip(maps, FW_LIVE_GENERATION(maps->ctl->live), FW_LIVE_GENERATION(back));
	swap_to(maps, back);
	*ret_live = maps->ctl->live;
	return 0;
}

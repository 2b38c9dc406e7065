// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending for the flood generator: AF_PACKET with sendmmsg, past the queueing discipline. Open
 * loop: a frame that finds the ring full is lost and counted, never sent again.
 */
#include "flood.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

volatile bool flood_stop;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* xorshift64*: fast, and the same flood again for the same seed. */
uint64_t rng_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* Sleeps while the goal is far, spins when it is near: pacing to microseconds without a full CPU.
 */
void wait_until(uint64_t ns)
{
	uint64_t now = now_ns();
	struct timespec t;

	while (now < ns && !flood_stop) {
		if (ns - now > 150000) {
			uint64_t to = ns - 80000;

			t.tv_sec = (time_t)(to / 1000000000ull);
			t.tv_nsec = (long)(to % 1000000000ull);
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		}
		now = now_ns();
	}
}

int flood_socket(const char *iface, uint8_t ret_mac[6])
{
	struct sockaddr_ll sll = { .sll_family = AF_PACKET };
	struct ifreq ifr = { 0 };
	int fd, err, one = 1, size = 8 << 20;

	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		return -errno;
	strncpy(ifr.ifr_name, iface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		goto fail;
	memcpy(ret_mac, ifr.ifr_hwaddr.sa_data, 6);
	sll.sll_ifindex = (int)if_nametoindex(iface);
	if (bind(fd, (struct sockaddr *)&sll, sizeof(sll)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)
		goto fail;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
fail:
	err = errno;
	close(fd);
	return -err;
}

static void account(struct flood_sent *sent, const struct flood_frame *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		sent->packets++;
		sent->bytes += f[i].len;
		if (f[i].kind >= 0)
			sent->kind[f[i].kind]++;
	}
}

int flood_send(int fd, struct flood_frame *frames, unsigned int n, struct flood_sent *sent)
{
	struct mmsghdr msg[FLOOD_BATCH] = { 0 };
	struct iovec iov[FLOOD_BATCH];
	unsigned int at = 0;

	for (unsigned int i = 0; i < n; i++) {
		iov[i] = (struct iovec){ frames[i].data, frames[i].len };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	if (!sent->first_ns)
		sent->first_ns = now_ns();
	while (at < n) {
		int did = sendmmsg(fd, msg + at, n - at, 0);

		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0 && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
		if (did < 0)
			did = 0;
		account(sent, frames + at, (unsigned int)did);
		at += (unsigned int)did;
		if (at < n) { /* the frame behind the last accepted one was refused */
			sent->ring_full++;
			at++;
		}
	}
	sent->last_ns = now_ns();
	return 0;
}

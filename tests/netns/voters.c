// SPDX-License-Identifier: GPL-2.0-only
/*
 * Voters of the lab: opens real HTTP connections from distinct source addresses at a steady rate,
 * open loop (a slow server does not slow them), and reports served (status 200, the whole body),
 * failed and why, latency to the last byte; with --stream, how many of N downloads stayed whole.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define CONN_MAX 16384
#define HEAD_MAX 1024

enum fail { F_TIMEOUT, F_REFUSED, F_RESET, F_SHORT, F_STATUS, F_LOCAL, F_MAX };
static const char *const fail_name[F_MAX] = { "timeout", "refused", "reset",
					      "short",	 "status",  "local" };

struct conn {
	int fd; /* -1 = free */
	uint64_t start_ns, seen_ns;
	int64_t want, got; /* body bytes; want -1 until the header is complete */
	size_t head_len;
	char head[HEAD_MAX];
};

static struct {
	const char *name, *path;
	struct sockaddr_storage server, from;
	socklen_t len;
	unsigned int port, stream, timeout_ms, soon_ms;
	uint64_t sources; /* 0 = a new one for every connection */
	uint64_t skip;	  /* first source's number */
	double rate, seconds;
	int cpu, mss;
	bool tick;
} o = { .name = "voters", .path = "/", .port = 80, .timeout_ms = 3000, .soon_ms = 1000, .cpu = -1 };

static struct conn conns[CONN_MAX];
static unsigned int free_list[CONN_MAX], n_free;
static uint64_t tried, served, failed[F_MAX], stream_bytes, stall_ns;
static uint32_t *latency_us;
static size_t n_latency, room_latency;
static int ep;
static volatile sig_atomic_t stop;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void add_latency(uint64_t ns)
{
	if (n_latency == room_latency) {
		room_latency = room_latency ? 2 * room_latency : 4096;
		latency_us = realloc(latency_us, room_latency * sizeof(*latency_us));
		if (!latency_us)
			abort();
	}
	latency_us[n_latency++] = (uint32_t)(ns / 1000);
}

/* Source number n: counted up by one in IPv4, by one /64 in IPv6. */
static void source(uint64_t n, struct sockaddr_storage *ret)
{
	*ret = o.from;
	if (ret->ss_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_addr.s_addr = htonl(ntohl(in->sin_addr.s_addr) + (uint32_t)n);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
		uint64_t q;

		memcpy(&q, &in6->sin6_addr, 8);
		q = htobe64(be64toh(q) + n);
		memcpy(&in6->sin6_addr, &q, 8);
	}
}

static void finish(struct conn *c, int why) /* enum fail, or -1 = served */
{
	struct linger off = { 1, 0 };

	if (why >= 0) {
		failed[why]++;
		/* Who gave up must not leave a half-closed connection retransmitting. */
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
	} else {
		served++;
		add_latency(now_ns() - c->start_ns);
	}
	close(c->fd);
	c->fd = -1;
	free_list[n_free++] = (unsigned int)(c - conns);
}

static int why_errno(int err)
{
	return err == ECONNREFUSED ? F_REFUSED
	       : err == ETIMEDOUT  ? F_TIMEOUT
	       : err == ECONNRESET ? F_RESET
				   : F_LOCAL;
}

static int open_socket(const struct sockaddr_storage *from)
{
	int one = 1;
	int fd = socket(from->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (o.mss)
		setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &o.mss, sizeof(o.mss));
	if (bind(fd, (const struct sockaddr *)from, o.len) < 0 ||
	    (connect(fd, (struct sockaddr *)&o.server, o.len) < 0 && errno != EINPROGRESS)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void start_one(void)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	struct sockaddr_storage from;
	struct conn *c;
	int fd;

	source(o.skip + (o.sources ? tried % o.sources : tried), &from);
	tried++;
	fd = n_free ? open_socket(&from) : -1;
	if (fd < 0) {
		failed[F_LOCAL]++;
		return;
	}
	c = &conns[free_list[--n_free]];
	*c = (struct conn){ .fd = fd, .start_ns = now_ns(), .want = -1 };
	c->seen_ns = c->start_ns;
	ev.data.ptr = c;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void on_connected(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	char req[512];
	int err = 0, n;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		finish(c, why_errno(err));
		return;
	}
	n = snprintf(req, sizeof(req),
		     "GET %s HTTP/1.1\r\nHost: results\r\nConnection: close\r\n\r\n", o.path);
	if (send(c->fd, req, (size_t)n, MSG_NOSIGNAL) != n) {
		finish(c, F_RESET);
		return;
	}
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}

/* Collects the header; bytes behind it count as body. False when the answer is not a 200. */
static bool take_header(struct conn *c, const char *buf, size_t n)
{
	size_t room = HEAD_MAX - 1 - c->head_len, take = n < room ? n : room;
	char *end, *len;

	memcpy(c->head + c->head_len, buf, take);
	c->head_len += take;
	c->head[c->head_len] = 0;
	end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return c->head_len < HEAD_MAX - 1;
	len = strcasestr(c->head, "\r\nContent-Length:");
	if (strncmp(c->head, "HTTP/1.1 200", 12) || !len || len > end)
		return false;
	c->want = strtoll(len + 17, NULL, 10);
	c->got = (int64_t)(c->head_len - (size_t)(end + 4 - c->head)) + (int64_t)(n - take);
	return true;
}

static void on_data(struct conn *c)
{
	static char buf[65536];
	uint64_t now = now_ns();
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		finish(c, why_errno(errno));
		return;
	}
	if (now - c->seen_ns > stall_ns && o.stream)
		stall_ns = now - c->seen_ns;
	c->seen_ns = now;
	stream_bytes += (uint64_t)n;
	if (n == 0) {
		finish(c, c->want >= 0 && c->got == c->want && !o.stream ? -1 : F_SHORT);
	} else if (c->want >= 0) {
		c->got += n;
	} else if (!take_header(c, buf, (size_t)n)) {
		finish(c, F_STATUS);
	}
}

static void drop_late(uint64_t now)
{
	for (unsigned int i = 0; i < CONN_MAX; i++) {
		struct conn *c = &conns[i];
		uint64_t since = o.stream ? c->seen_ns : c->start_ns;

		if (c->fd >= 0 && now > since && now - since > (uint64_t)o.timeout_ms * 1000000)
			finish(c, F_TIMEOUT);
	}
}

static void serve_events(int wait_ms)
{
	struct epoll_event ev[256];
	int n = epoll_wait(ep, ev, 256, wait_ms);

	for (int i = 0; i < n; i++) {
		struct conn *c = ev[i].data.ptr;

		if (c->fd < 0)
			continue;
		if (ev[i].events & EPOLLOUT ||
		    (c->want < 0 && !c->head_len && ev[i].events & (EPOLLERR | EPOLLHUP) &&
		     !(ev[i].events & EPOLLIN)))
			on_connected(c);
		else
			on_data(c);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile(double p)
{
	if (!n_latency)
		return 0;
	size_t i = (size_t)(p * (double)n_latency);

	return latency_us[i < n_latency ? i : n_latency - 1] / 1000.0;
}

static size_t served_soon(void)
{
	size_t n = 0; /* they are sorted */

	while (n < n_latency && latency_us[n] <= o.soon_ms * 1000)
		n++;
	return n;
}

static void report(void)
{
	const char *sep = "";

	if (n_latency) /* else latency_us is NULL */
		qsort(latency_us, n_latency, sizeof(*latency_us), compare);
	printf("{\"name\":\"%s\",\"tried\":%" PRIu64 ",\"served\":%" PRIu64
	       ",\"soon\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"bytes\":%" PRIu64
	       ",\"longest_stall_ms\":%.1f,\"failed\":{",
	       o.name, tried, served, served_soon(), percentile(0.5), percentile(0.99),
	       percentile(1.0), stream_bytes, (double)stall_ns / 1e6);
	for (int i = 0; i < F_MAX; i++)
		if (failed[i]) {
			printf("%s\"%s\":%" PRIu64, sep, fail_name[i], failed[i]);
			sep = ",";
		}
	puts("}}");
}

static void tick(uint64_t now)
{
	static uint64_t last;

	if (!o.tick || now - last < 1000000000ull)
		return;
	last = now;
	printf("{\"tick\":1,\"name\":\"%s\",\"tried\":%" PRIu64 ",\"served\":%" PRIu64 "}\n",
	       o.name, tried, served);
	fflush(stdout);
}

/* Streams: open all at once, keep them until time is over; those still alive then are whole. */
static void run(void)
{
	uint64_t start = now_ns(), end = start + (uint64_t)(o.seconds * 1e9);
	uint64_t now = start, last = start;
	uint64_t grace = o.stream ? 0 : (uint64_t)o.timeout_ms * 1000000;

	for (unsigned int i = 0; i < o.stream; i++)
		start_one();
	while (!stop && now < end + grace && (now < end || n_free < CONN_MAX)) {
		while (!o.stream && now < end &&
		       (double)tried < (double)(now - start) / 1e9 * o.rate)
			start_one();
		serve_events(1);
		now = now_ns();
		tick(now);
		if (now - last > 20000000) {
			drop_late(now);
			last = now;
		}
	}
	for (unsigned int i = 0; i < CONN_MAX; i++)
		if (conns[i].fd >= 0)
			finish(&conns[i], o.stream && conns[i].got > 0 ? -1 : F_TIMEOUT);
}

enum {
	OPT_SERVER = 1,
	OPT_FROM,
	OPT_PORT,
	OPT_PATH,
	OPT_SOURCES,
	OPT_SKIP,
	OPT_RATE,
	OPT_SECONDS,
	OPT_TIMEOUT,
	OPT_SOON,
	OPT_CPU,
	OPT_NAME,
	OPT_STREAM,
	OPT_TICK,
	OPT_MSS
};
static const struct option longs[] = {
	{ "server", 1, NULL, OPT_SERVER },
	{ "from", 1, NULL, OPT_FROM },
	{ "port", 1, NULL, OPT_PORT },
	{ "path", 1, NULL, OPT_PATH },
	{ "sources", 1, NULL, OPT_SOURCES },
	{ "skip", 1, NULL, OPT_SKIP },
	{ "rate", 1, NULL, OPT_RATE },
	{ "seconds", 1, NULL, OPT_SECONDS },
	{ "timeout-ms", 1, NULL, OPT_TIMEOUT },
	{ "soon-ms", 1, NULL, OPT_SOON },
	{ "cpu", 1, NULL, OPT_CPU },
	{ "name", 1, NULL, OPT_NAME },
	{ "stream", 1, NULL, OPT_STREAM },
	{ "tick", 0, NULL, OPT_TICK },
	{ "mss", 1, NULL, OPT_MSS },
	{ NULL, 0, NULL, 0 },
};

static int parse_addr(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		ret->ss_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		ret->ss_family = AF_INET6;
	} else {
		return fprintf(stderr, "voters: not an address: %s\n", text), -1;
	}
	return 0;
}

static int take_option(int opt, const char *arg)
{
	switch (opt) {
	case OPT_SERVER:
		return parse_addr(arg, &o.server);
	case OPT_FROM:
		return parse_addr(arg, &o.from);
	case OPT_PORT:
		o.port = (unsigned int)atoi(arg);
		return 0;
	case OPT_PATH:
		o.path = arg;
		return 0;
	case OPT_SOURCES:
		o.sources = strtoull(arg, NULL, 10);
		return 0;
	case OPT_SKIP:
		o.skip = strtoull(arg, NULL, 10);
		return 0;
	case OPT_RATE:
		o.rate = atof(arg);
		return 0;
	case OPT_SECONDS:
		o.seconds = atof(arg);
		return 0;
	case OPT_TIMEOUT:
		o.timeout_ms = (unsigned int)atoi(arg);
		return 0;
	case OPT_SOON:
		o.soon_ms = (unsigned int)atoi(arg);
		return 0;
	case OPT_CPU:
		o.cpu = atoi(arg);
		return 0;
	case OPT_NAME:
		o.name = arg;
		return 0;
	case OPT_STREAM:
		o.stream = (unsigned int)atoi(arg);
		return 0;
	case OPT_TICK:
		o.tick = true;
		return 0;
	case OPT_MSS:
		o.mss = atoi(arg);
		return 0;
	default:
		return -1;
	}
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void prepare(void)
{
	struct rlimit files = { CONN_MAX + 64, CONN_MAX + 64 };

	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	setrlimit(RLIMIT_NOFILE, &files);
	if (o.cpu >= 0) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((unsigned int)o.cpu, &set);
		sched_setaffinity(0, sizeof(set), &set);
	}
	if (o.server.ss_family == AF_INET)
		((struct sockaddr_in *)&o.server)->sin_port = htons((uint16_t)o.port);
	else
		((struct sockaddr_in6 *)&o.server)->sin6_port = htons((uint16_t)o.port);
	o.len = o.server.ss_family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(struct sockaddr_in6);
	for (unsigned int i = 0; i < CONN_MAX; i++) {
		conns[i].fd = -1;
		free_list[n_free++] = CONN_MAX - 1 - i;
	}
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (take_option(opt, optarg))
			return 1;
	if (!o.server.ss_family || o.from.ss_family != o.server.ss_family || !(o.seconds > 0) ||
	    (!(o.rate > 0) && !o.stream)) {
		fputs("usage: voters --server ADDR --from ADDR --rate N --seconds S [--sources N] "
		      "[--skip N]\n"
		      "  [--port N] [--path P] [--timeout-ms N] [--soon-ms N] [--stream N] [--cpu "
		      "N]\n"
		      "  [--mss N] [--name NAME] [--tick]\n",
		      stderr);
		return 1;
	}
	prepare();
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		return perror("voters: epoll"), 2;
	run();
	report();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * /metrics, /api/v1/status and /healthz by libmicrohttpd, driven from our own loop: no thread.
 * Hostile neighbours are bounded: so many connections, so much memory each, one request a
 * connection, an end to it after FW_WEB_LIFE_S whatever it does; and however many ask at once, the
 * maps are read at most every FW_WEB_FRESH_NS, since all of them get the same copy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <microhttpd.h>
#include "user/base/clock.h"
#include "user/base/http.h"
#include "user/core/journal.h"
#include "user/daemon/metrics.h"
#include "user/daemon/web.h"
#include "user/daemon/wish.h"

#define FW_WEB_CONNECTIONS 64
#define FW_WEB_MEMORY	   8192	      /* bytes a connection: request line and headers */
#define FW_WEB_IDLE_S	   5	      /* without a byte either way */
#define FW_WEB_LIFE_S	   10	      /* all in all */
#define FW_WEB_FRESH_NS	   250000000U /* a reading is given out for that long */
#define FW_WEB_RETRY_BEATS 5	      /* between two tries to listen */

struct conn {
	int fd; /* -1 = free */
	__u64 since_ns;
};

struct web {
	struct fw_daemon *daemon;
	struct fw_listen listen;
	struct MHD_Daemon *mhd;
	sd_event_source *io, *timer;
	struct conn conn[FW_WEB_CONNECTIONS];
	struct fw_slow slow;
	struct fw_snap *snap;
	struct {
		struct MHD_Response *response; /* NULL = none */
		__u64 when_ns;
	} cache[FW_EXPO_FORMS];
};

static struct web *mine(const struct fw_daemon *daemon)
{
	return daemon->part[FW_PART_WEB];
}

/* ---- answers ---- */

static void add_headers(struct MHD_Response *response, const char *type)
{
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept");
}

/* A reading in this form, the last one if it is fresh. Owned by the cache; NULL: no memory. */
static struct MHD_Response *reading(struct web *web, enum fw_expo_form form)
{
	__u64 now_ns = fw_clock_now();
	struct MHD_Response *response;
	struct fw_expo expo;
	char *text = NULL;
	size_t len = 0;

	if (web->cache[form].response && now_ns - web->cache[form].when_ns < FW_WEB_FRESH_NS)
		return web->cache[form].response;
	fw_snap_read(web->snap, web->daemon, &web->slow);
	fw_expo_begin(&expo, form);
	fw_metrics_put(&expo, web->snap);
	if (fw_expo_end(&expo, &text, &len))
		return NULL;
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return NULL;
	}
	add_headers(response, fw_expo_content_type(form));
	if (web->cache[form].response)
		MHD_destroy_response(web->cache[form].response); /* readers of it keep it */
	web->cache[form].response = response;
	web->cache[form].when_ns = now_ns;
	return response;
}

static enum MHD_Result say(struct MHD_Connection *conn, unsigned int status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(unsigned long)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	add_headers(response, "text/plain; charset=utf-8");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(conn, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result serve_metrics(struct web *web, struct MHD_Connection *conn)
{
	const char *accept =
		MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	struct MHD_Response *response = reading(
		web, fw_http_wants_openmetrics(accept) ? FW_EXPO_OPENMETRICS : FW_EXPO_TEXT);

	return response ? MHD_queue_response(conn, MHD_HTTP_OK, response) : MHD_NO;
}

static enum MHD_Result serve_status(struct web *web, struct MHD_Connection *conn)
{
	struct MHD_Response *response = reading(web, FW_EXPO_JSON);

	return response ? MHD_queue_response(conn, MHD_HTTP_OK, response) : MHD_NO;
}

/* Healthy: there is state, and every interface that should be filtered and is there is. */
static enum MHD_Result serve_health(struct web *web, struct MHD_Connection *conn)
{
	const struct fw_ifaces *ifaces = fw_ifaces_get(web->daemon);

	if (!web->daemon->maps.cpus)
		return say(conn, MHD_HTTP_SERVICE_UNAVAILABLE, "no state: nothing is filtered\n");
	for (unsigned int i = 0; ifaces && i < ifaces->nr; i++)
		if (ifaces->want[i].state != FW_WANT_ATTACHED)
			return say(conn, MHD_HTTP_SERVICE_UNAVAILABLE,
				   "an interface is not filtered: floodwall status\n");
	return say(conn, MHD_HTTP_OK, "ok\n");
}

static const struct {
	const char *path;
	enum MHD_Result (*serve)(struct web *web, struct MHD_Connection *conn);
} routes[] = {
	{ "/metrics", serve_metrics },
	{ "/api/v1/status", serve_status },
	{ "/healthz", serve_health },
};

static enum MHD_Result on_request(void *data, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	static int begun;

	(void)version, (void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return say(conn, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	if (!*state) { /* headers only: answer when the request is complete */
		*state = &begun;
		return MHD_YES;
	}
	*upload_size = 0;
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (!strcmp(url, routes[i].path))
			return routes[i].serve(data, conn);
	return say(conn, MHD_HTTP_NOT_FOUND, "/metrics, /api/v1/status or /healthz\n");
}

/* ---- connections ---- */

static void on_connection(void *data, struct MHD_Connection *conn, void **state,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct web *web = data;

	(void)state;
	for (int i = 0; info && i < FW_WEB_CONNECTIONS; i++) {
		struct conn *c = &web->conn[i];

		if (what == MHD_CONNECTION_NOTIFY_CLOSED && c->fd == info->connect_fd) {
			c->fd = -1;
			return;
		}
		if (what == MHD_CONNECTION_NOTIFY_STARTED && c->fd < 0) {
			*c = (struct conn){ info->connect_fd, fw_clock_now() };
			return;
		}
	}
}

/* Whoever has had his time is shown the door; libmicrohttpd sees the end and cleans up. */
static void end_old(struct web *web)
{
	__u64 now_ns = fw_clock_now();

	for (int i = 0; i < FW_WEB_CONNECTIONS; i++)
		if (web->conn[i].fd >= 0 &&
		    now_ns - web->conn[i].since_ns > FW_WEB_LIFE_S * FW_NS_PER_S)
			shutdown(web->conn[i].fd, SHUT_RDWR);
}

static void run(struct web *web)
{
	MHD_UNSIGNED_LONG_LONG ms;
	uint64_t now_us = 0;

	MHD_run(web->mhd);
	if (MHD_get_timeout(web->mhd, &ms) != MHD_YES)
		ms = 1000;
	sd_event_now(web->daemon->event, CLOCK_MONOTONIC, &now_us);
	sd_event_source_set_time(web->timer, now_us + ms * 1000);
	sd_event_source_set_enabled(web->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)source, (void)fd, (void)revents;
	run(data);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t due_us, void *data)
{
	(void)source, (void)due_us;
	run(data);
	return 0;
}

/* ---- coming and going ---- */

static void close_web(struct web *web)
{
	sd_event_source_disable_unref(web->io);
	sd_event_source_disable_unref(web->timer);
	web->io = web->timer = NULL;
	if (web->mhd)
		MHD_stop_daemon(web->mhd);
	web->mhd = NULL;
	for (int i = 0; i < FW_EXPO_FORMS; i++) {
		if (web->cache[i].response)
			MHD_destroy_response(web->cache[i].response);
		web->cache[i].response = NULL;
	}
}

static int start_mhd(struct web *web, int fd, struct fw_err *err)
{
	const union MHD_DaemonInfo *info;
	int r;

	web->mhd = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, web, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)FW_WEB_CONNECTIONS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)FW_WEB_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)FW_WEB_IDLE_S,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, web, MHD_OPTION_END);
	if (!web->mhd) {
		close(fd);
		return fw_err_set(err, -ENOMEM, NULL, "libmicrohttpd does not start");
	}
	info = MHD_get_daemon_info(web->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	r = info ? sd_event_add_io(web->daemon->event, &web->io, info->epoll_fd, EPOLLIN, on_io,
				   web)
		 : -EIO;
	if (r >= 0)
		r = sd_event_add_time(web->daemon->event, &web->timer, CLOCK_MONOTONIC, 0, 10000,
				      on_time, web);
	return r < 0 ? fw_err_set(err, r, NULL, "cannot watch the metrics socket: %s", strerror(-r))
		     : 0;
}

static int open_web(struct web *web, const struct fw_listen *listen_on, struct fw_err *err)
{
	int fd, r;

	web->listen = *listen_on;
	if (listen_on->off)
		return 0;
	fd = fw_web_socket(listen_on, FW_WEB_CONNECTIONS, err);
	if (fd < 0)
		return fd;
	r = start_mhd(web, fd, err);
	if (r)
		close_web(web);
	else if (!fw_http_loopback(listen_on))
		fw_journal(LOG_WARNING, FW_E_EXPOSED, NULL,
			   "metrics are served on an address that others reach; there is no "
			   "password: let only the monitoring host in");
	return r;
}

static void tell(int priority, const char *text, const struct fw_err *err)
{
	const char *fields[] = { "FLOODWALL_PART=metrics", NULL };

	fw_journal(priority, FW_E_PART_FAILED, fields, "%s%s%s%s%s", text, err ? ": " : "",
		   err ? err->msg : "", err && *err->hint ? ": " : "", err ? err->hint : "");
}

static bool works(const struct fw_daemon *daemon)
{
	return mine(daemon)->mhd || mine(daemon)->listen.off;
}

/* The unit starts before the network does: the address may come later, and a port become free. */
static void try_again(struct web *web)
{
	struct fw_listen listen_on = web->listen;

	if (works(web->daemon) || web->daemon->beats % FW_WEB_RETRY_BEATS)
		return;
	if (!open_web(web, &listen_on, NULL))
		tell(LOG_NOTICE, "metrics are served now", NULL);
}

static int start(struct fw_daemon *daemon, struct fw_err *err)
{
	struct web *web = calloc(1, sizeof(*web));
	struct fw_listen listen_on;
	int r = -ENOMEM;

	if (web)
		web->snap = calloc(1, sizeof(*web->snap));
	if (!web || !web->snap)
		fw_err_set(err, r, NULL, "out of memory");
	else
		r = fw_wish_listen(daemon, &listen_on, err);
	if (r) {
		free(web ? web->snap : NULL);
		free(web);
		return r;
	}
	web->daemon = daemon;
	for (int i = 0; i < FW_WEB_CONNECTIONS; i++)
		web->conn[i].fd = -1;
	daemon->part[FW_PART_WEB] = web;
	if (open_web(web, &listen_on, err))
		tell(LOG_ERR, "metrics are not served yet, and tried again", err);
	return 0;
}

static void tick(struct fw_daemon *daemon, __u64 now_ns)
{
	struct web *web = mine(daemon);

	fw_snap_tick(&web->slow, daemon, now_ns);
	end_old(web);
	try_again(web);
}

static int reload(struct fw_daemon *daemon, struct fw_err *err)
{
	struct web *web = mine(daemon);
	struct fw_listen before = web->listen, listen_on = {};
	bool served = works(daemon);
	int r;

	r = fw_wish_listen(daemon, &listen_on, err);
	if (r || (served && listen_on.off == before.off && listen_on.port == before.port &&
		  !memcmp(listen_on.addr_be, before.addr_be, sizeof(before.addr_be))))
		return r;
	close_web(web);
	r = open_web(web, &listen_on, err);
	if (r && served) {
		open_web(web, &before, NULL); /* if that fails, too, it is tried again */
		return r;
	}
	if (r)
		tell(LOG_ERR, "metrics are still not served, and tried again", err);
	return 0;
}

static void stop(struct fw_daemon *daemon)
{
	struct web *web = mine(daemon);

	close_web(web);
	fw_snap_free(web->snap);
	fw_stats_kept_free(&web->slow.counts);
	free(web->snap);
	free(web);
	daemon->part[FW_PART_WEB] = NULL;
}

const struct fw_part fw_part_web = {
	.name = "metrics",
	.start = start,
	.tick = tick,
	.reload = reload,
	.stop = stop,
	.works = works,
};

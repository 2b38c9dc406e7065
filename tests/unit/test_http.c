// SPDX-License-Identifier: GPL-2.0-only
/* Content negotiation, listening addresses, and names of drivers' statistics. */
#include <errno.h>
#include <string.h>
#include "unit.h"
#include "user/base/http.h"
#include "user/base/nic_name.h"

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		bool open;
	} rows[] = {
		{ NULL, false },
		{ "", false },
		{ "*/*", false },
		{ "text/plain", false },
		{ "application/openmetrics-text", true },
		{ "application/openmetrics-text; version=1.0.0", true },
		{ "application/openmetrics-text;version=0.0.1", false },
		{ "Application/OpenMetrics-Text ; Version=1.0.0 ; charset=utf-8", true },
		/* What Prometheus 2.42 sends. */
		{ "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version="
		  "0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  true },
		{ "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.8", false },
		{ "text/plain;q=0.5,application/openmetrics-text;q=0.5", true },
		{ "application/openmetrics-text;q=0", false },
		{ "application/openmetrics-text;q=0.000", false },
		{ "application/openmetrics-text;q=0.001", true },
		{ "application/openmetrics-text;q=1.001", false },
		{ "application/openmetrics-text;q=x", false },
		{ "application/openmetrics-text;q=", false },
		{ "application/openmetrics-text;q", true },
		{ "text/*;q=0.9, application/openmetrics-text;q=0.1", false },
		{ ",,;;,=;application/openmetrics-text", false },
		{ ",, ,application/openmetrics-text", true },
		{ "application/openmetrics-textual", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (fw_http_wants_openmetrics(rows[i].accept) != rows[i].open)
			fail_msg("Accept: %s", rows[i].accept ? rows[i].accept : "(none)");
}

static void test_listen(void **state)
{
	static const struct {
		const char *text;
		int result;
		__u16 port;
		bool off, loopback;
	} rows[] = {
		{ "127.0.0.1:9797", 0, 9797, false, true },
		{ "127.9.9.9:1", 0, 1, false, true },
		{ "[::1]:65535", 0, 65535, false, true },
		{ "192.0.2.1:9797", 0, 9797, false, false },
		{ "[2001:db8::1]:80", 0, 80, false, false },
		{ "*:9797", 0, 9797, false, false },
		{ "0.0.0.0:9797", 0, 9797, false, false },
		{ "[::]:9797", 0, 9797, false, false },
		{ "off", 0, 0, true, false },
		{ "", -EINVAL, 0, false, false },
		{ "9797", -EINVAL, 0, false, false },
		{ ":9797", -EINVAL, 0, false, false },
		{ "127.0.0.1:", -EINVAL, 0, false, false },
		{ "127.0.0.1:0", -EINVAL, 0, false, false },
		{ "127.0.0.1:65536", -EINVAL, 0, false, false },
		{ "127.0.0.1:80-81", -EINVAL, 0, false, false },
		{ "::1:9797", -EINVAL, 0, false, false },
		{ "[::1:9797", -EINVAL, 0, false, false },
		{ "localhost:9797", -EINVAL, 0, false, false },
		{ "[]:9797", -EINVAL, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct fw_listen listen = { .port = 4711 };
		struct fw_err err = {};
		int r = fw_http_listen(rows[i].text, &listen, &err);

		if ((r < 0) != (rows[i].result < 0))
			fail_msg("\"%s\" gives %d", rows[i].text, r);
		if (r) {
			assert_true(*err.msg);
			assert_int_equal(listen.port, 4711);
			continue;
		}
		assert_int_equal(listen.port, rows[i].port);
		assert_int_equal(listen.off, rows[i].off);
		if (!listen.off && fw_http_loopback(&listen) != rows[i].loopback)
			fail_msg("%s: loopback", rows[i].text);
	}
}

static void test_queues(void **state)
{
	static const struct {
		const char *name;
		int queue; /* -1: not the packets of a receive queue */
	} rows[] = {
		{ "rx_queue_0_packets", 0 },
		{ "rx_queue_63_packets", 63 },
		{ "rx_queue_3_xdp_packets", 3 },
		{ "rx12_packets", 12 },
		{ "rx-7.packets", 7 },
		{ "queue_5_rx_cnt", 5 },
		{ "[2]: rx_ucast_packets", 2 },
		{ "rx_queue_0_bytes", -1 },
		{ "tx_queue_0_packets", -1 },
		{ "rx_packets", -1 },
		{ "rx_queue__packets", -1 },
		{ "rx_queue_99999999999_packets", -1 },
		{ "", -1 },
		{ "rx_queue_4096_packets", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned int queue = 4711;

		if (fw_nic_name_queue(rows[i].name, &queue) != (rows[i].queue >= 0) ||
		    queue != (rows[i].queue >= 0 ? (unsigned int)rows[i].queue : 4711))
			fail_msg("%s: %u", rows[i].name, queue);
	}
}

static void test_discards(void **state)
{
	static const struct {
		const char *name, *kind; /* NULL: none */
	} rows[] = {
		{ "rx_missed_errors", "rx_missed_errors" },
		{ "rx_no_buffer_count", "rx_no_buffer_count" },
		{ "rx_no_dma_resources", "rx_no_dma_resources" },
		{ "rx_out_of_buffer", "rx_out_of_buffer" },
		{ "rx_queue_5_drops", "rx_queue_#_drops" },
		{ "rx_queue_12_xdp_drops", "rx_queue_#_xdp_drops" },
		{ "port.rx_dropped", "port.rx_dropped" },
		{ "rx_discards_phy", "rx_discards_phy" },
		{ "tx_dropped", NULL },
		{ "rx_packets", NULL },
		{ "queue_0_tx_missed_tx", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char kind[FW_NIC_NAME] = "";
		bool found = fw_nic_name_discard(rows[i].name, kind);

		if (found != !!rows[i].kind || (found && strcmp(kind, rows[i].kind)))
			fail_msg("%s: %s", rows[i].name, kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),
		cmocka_unit_test(test_listen),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_discards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

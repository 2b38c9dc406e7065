// SPDX-License-Identifier: GPL-2.0-only
/* ban: which proven sources are banned for staying over their limits, and lifting a ban. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/table.h"
#include "user/base/text.h"
#include "user/cli/cli.h"
#include "user/core/apply.h"
#include "user/core/ban.h"
#include "user/kern/pin.h"

static const char why[] = "stayed over its limits within its own connections";

static json_t *entry_json(const struct fw_ban_entry *e, __u64 now_ns)
{
	char addr[FW_TEXT_LEN], since[FW_CLOCK_LEN], until[FW_CLOCK_LEN];

	fw_text_put_prefix(addr, sizeof(addr), e->addr_be, e->len);
	fw_clock_put(since, sizeof(since), fw_clock_to_realtime(e->since_ns, now_ns));
	fw_clock_put(until, sizeof(until), fw_clock_to_realtime(e->until_ns, now_ns));
	return json_pack("{s:s,s:s,s:s,s:I,s:i,s:s}", "source", addr, "since", since, "until",
			 until, "left_seconds", (json_int_t)((e->until_ns - now_ns) / FW_NS_PER_S),
			 "times", (int)e->times, "why", why);
}

static int print_json(struct fw_cli *cli, const struct fw_ban_entry *list, size_t count,
		      __u64 now_ns)
{
	json_t *doc = json_object(), *bans = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(bans, entry_json(&list[i], now_ns));
	json_object_set_new(doc, "bans", bans);
	return fw_cli_json(cli, doc);
}

static int print_table(const struct fw_ban_entry *list, size_t count, __u64 now_ns)
{
	static const struct fw_column columns[] = { { "SOURCE", FW_LEFT },
						    { "SINCE", FW_LEFT },
						    { "LEFT", FW_RIGHT },
						    { "TIMES", FW_RIGHT },
						    { "WHY", FW_LEFT } };
	struct fw_table *table;
	char text[FW_TEXT_LEN], since[FW_CLOCK_LEN];
	int err;

	if (!count) {
		printf("no source is banned\n");
		return 0;
	}
	table = fw_table_new(columns, 5);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct fw_ban_entry *e = &list[i];
		__u32 left = (__u32)((e->until_ns - now_ns) / FW_NS_PER_S);

		fw_table_cell(table, "%s",
			      fw_text_put_prefix(text, sizeof(text), e->addr_be, e->len));
		fw_table_cell(table, "%s",
			      fw_clock_put(since, sizeof(since),
					   fw_clock_to_realtime(e->since_ns, now_ns)));
		fw_table_cell(table, "%s", fw_text_put_duration(text, sizeof(text), left));
		fw_table_cell(table, "%u", e->times);
		fw_table_cell_styled(table, FW_STYLE_DIM, "%s", why);
	}
	err = fw_table_print(table, stdout);
	fw_table_free(table);
	return err;
}

static int cmd_list(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_ban_entry *list = NULL;
	struct fw_maps maps = {};
	size_t count = 0;
	__u64 now_ns;
	int err;

	(void)argc; /* the table says none */
	(void)argv;
	err = fw_maps_open(cli->pins, FW_MAPS_SOURCES, &maps, &cli->err);
	if (err)
		return err;
	now_ns = fw_apply_now(&maps);
	err = fw_ban_list(&maps, now_ns, &list, &count, &cli->err);
	if (!err)
		err = cli->json ? print_json(cli, list, count, now_ns)
				: print_table(list, count, now_ns);
	free(list);
	fw_maps_close(&maps);
	return err;
}

static int cmd_lift(struct fw_cli *cli, int argc, char **argv)
{
	struct fw_maps maps = {};
	__be32 addr_be[4] = {};
	size_t lifted;
	__u8 len = 0;
	int err = 0, lock = -1;
	bool all = !strcmp(argv[0], "all");

	(void)argc; /* the table says one */
	if (!all)
		err = fw_text_prefix(argv[0], addr_be, &len, &cli->err);
	if (err)
		return err;
	err = fw_pin_lock(cli->pins, 10, &lock, &cli->err);
	if (err)
		return err;
	err = fw_maps_open(cli->pins, FW_MAPS_SOURCES | FW_MAPS_WRITE, &maps, &cli->err);
	if (err)
		goto out;
	lifted = fw_ban_lift(&maps, fw_apply_now(&maps), all ? NULL : addr_be, len);
	if (!lifted && !all)
		err = fw_err_set(&cli->err, -ENOENT, "floodwall ban list shows who is",
				 "%s is not banned; nothing was changed", argv[0]);
	else
		err = fw_cli_done(cli, json_pack("{s:I}", "lifted", (json_int_t)lifted),
				  "%zu ban%s lifted", lifted, lifted == 1 ? "" : "s");
out:
	fw_maps_close(&maps);
	fw_pin_unlock(lock);
	return err;
}

const struct fw_cli_command fw_cmd_ban[] = {
	{ .object = "ban",
	  .verb = "list",
	  .args = "",
	  .help = "proven sources banned for staying over their limits",
	  .doc = "Bans start and end in the program. Only a source that has proven itself can be "
		 "banned, and only for packets of its own connections: nobody can get a voter "
		 "banned by spoofing. `floodwall option set ban-time` and ban-ceiling say how "
		 "long.",
	  .flags = FW_CLI_WATCH | FW_CLI_DEFAULT,
	  .run = cmd_list },
	{ .object = "ban",
	  .verb = "lift",
	  .args = "PREFIX|all",
	  .help = "end a ban at once and forget those before",
	  .doc = "Ends with 3 when nobody in PREFIX is banned; `all` is done even then.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = cmd_lift },
	{ .object = NULL },
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy file: every key into its place and back, defaults as the table of keys states them,
 * and the default policy as an empty file.
 */
#include "tests/unit/unit.h"
#include "tests/unit/policy_text.h"
#include "user/base/text.h"
#include "user/policy/keys.h"

static struct fw_file parse(const char *text, const struct test_list *lists)
{
	struct fw_problems problems = { 0 };
	struct fw_file file = { 0 };
	int r = test_parse(text, lists, NULL, &file, &problems);

	if (r) {
		char *said = test_problems(&problems);

		print_message("%s\n%s", text, said);
		free(said);
	}
	assert_int_equal(r, 0);
	fw_problems_free(&problems);
	return file;
}

static char *print(const struct fw_file *file)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(fw_file_print(out, file, test_clock()), 0);
	fclose(out);
	return text;
}

static void assert_same(const struct fw_file *a, const struct fw_file *b)
{
	assert_memory_equal(a->model, b->model, sizeof(*a->model));
	assert_memory_equal(&a->settings, &b->settings, sizeof(a->settings));
	assert_int_equal(a->lanes.count, b->lanes.count);
	for (size_t i = 0; i < a->lanes.count; i++) {
		struct fw_prefix x = a->lanes.at[i], y = b->lanes.at[i];

		assert_string_equal(fw_prefixes_why(&a->lanes, &x), fw_prefixes_why(&b->lanes, &y));
		x.why = y.why = 0;
		assert_memory_equal(&x, &y, sizeof(x));
	}
}

/* Prints, reads what was printed, and compares. */
static void there_and_back(struct fw_file *file)
{
	struct fw_file again;
	char *text, *twice;

	fw_prefixes_sort(&file->lanes);
	text = print(file);
	again = parse(text, NULL);
	fw_prefixes_sort(&again.lanes);
	assert_same(file, &again);
	twice = print(&again);
	assert_string_equal(text, twice);
	free(text);
	free(twice);
	fw_file_free(&again);
}

static void an_empty_file_is_the_default(void **state)
{
	static const char *const empty[] = {
		"", "\n", "# nothing\n", "---\n", "~\n", "---\n...\n"
	};
	struct fw_file standard;

	(void)state;
	assert_int_equal(fw_file_default(&standard, NULL), 0);
	for (size_t i = 0; i < COUNT(empty); i++) {
		struct fw_file file = parse(empty[i], NULL);

		assert_same(&file, &standard);
		fw_file_free(&file);
	}
	there_and_back(&standard);
	fw_file_free(&standard);
}

/* The example that ships says every default: it is the default, and names every key but lists. */
static void the_example_is_the_default(void **state)
{
	struct fw_file standard, file;
	char text[16384];
	size_t size;
	FILE *in = fopen("examples/floodwall.yaml", "re");

	(void)state;
	assert_non_null(in);
	size = fread(text, 1, sizeof(text) - 1, in);
	assert_true(size > 1000 && size < sizeof(text) - 1);
	fclose(in);
	text[size] = '\0';
	file = parse(text, NULL);
	assert_int_equal(fw_file_default(&standard, NULL), 0);
	assert_same(&file, &standard);
	for (size_t i = 0; i < fw_keys_count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%s:", fw_keys[i].name);
		if (*fw_keys[i].name != '*' && strcmp(key, "until:") && strcmp(key, "rules:") &&
		    !strstr(text, key))
			fail_msg("the example does not name %s", fw_keys[i].name);
	}
	fw_file_free(&file);
	fw_file_free(&standard);
}

/* A group whose keys are all commented out says nothing. */
static void empty_groups_say_nothing(void **state)
{
	struct fw_file standard, file = parse("sanity:\ninterfaces:\nclasses:\n  default:\n"
					      "services:\n  host:\nlanes:\n  blocked:\nbudgets:\n",
					      NULL);

	(void)state;
	assert_int_equal(fw_file_default(&standard, NULL), 0);
	assert_same(&file, &standard);
	fw_file_free(&file);
	fw_file_free(&standard);
}

/* Each stated default, said in a file, changes nothing: so it is the default. */
static void the_table_states_the_defaults(void **state)
{
	struct fw_file standard, file;
	char text[1024], path[128];
	int seen = 0;

	(void)state;
	assert_int_equal(fw_file_default(&standard, NULL), 0);
	for (size_t i = 0; i < fw_keys_count; i++) {
		const struct fw_key *key = &fw_keys[i];
		const char *flow = key->type == FW_KEY_REFLECT ? "[%s]" : "%s";
		char value[512];

		if (!key->initial || !strcmp(key->parent, "[]") || !strcmp(key->name, "to") ||
		    !strcmp(key->parent, "interfaces"))
			continue;
		snprintf(value, sizeof(value), !strcmp(flow, "%s") ? "%s" : "[%s]", key->initial);
		fw_keys_path(path, sizeof(path), key);
		if (!strcmp(key->parent, "classes.*"))
			snprintf(text, sizeof(text), "classes: {default: {%s: %s}}", key->name,
				 value);
		else if (!strcmp(key->parent, "services.*") && strcmp(key->name, "closed"))
			snprintf(text, sizeof(text), "services: {host: {%s: %s}}", key->name,
				 value);
		else if (!strncmp(key->parent, "services.*.", 11))
			snprintf(text, sizeof(text), "services: {host: {%s: {%s: %s}}}",
				 key->parent + 11, key->name, value);
		else if (!*key->parent)
			snprintf(text, sizeof(text), "%s: %s", key->name, value);
		else if (!strchr(key->parent, '*'))
			snprintf(text, sizeof(text), "%s: {%s: %s}", key->parent, key->name, value);
		else
			continue;
		file = parse(text, NULL);
		assert_same(&file, &standard);
		fw_file_free(&file);
		seen++;
	}
	assert_true(seen > 40);
	fw_file_free(&standard);
}

static const char *const abi_names[][2] = {
#define X(id, name, ...) { "budgets", name },
	FW_BUDGETS(X)
#undef X
#define X(id, name, ...) { "classes.*", name },
		FW_KINDS(X)
#undef X
};

static void every_limit_has_a_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(abi_names); i++) {
		size_t count, k = 0;
		const struct fw_key *keys = fw_keys_below(abi_names[i][0], &count);

		while (k < count && strcmp(keys[k].name, abi_names[i][1]))
			k++;
		if (k == count)
			fail_msg("no key for %s", abi_names[i][1]);
	}
}

static const char everything[] =
	"mode: monitor\n"
	"interfaces: {eth0: native, 'wan.7': generic, lan0: }\n"
	"sanity: {bogus_source: off, reserved_source: yes}\n"
	"proof_time: 5m\n"
	"ban_time: off\n"
	"ban_ceiling: 2h\n"
	"net48_factor: 8\n"
	"classes:\n"
	"  default: {packets: 10k/s burst 20k, syn: none}\n"
	"  cgnat:\n"
	"    syn: 2k/s burst 4k soft 50%\n"
	"    bytes: 1Gbit/s\n"
	"    prefixes:\n"
	"      - 100.64.0.0/10\n"
	"      - {file: carriers.txt, why: carriers}\n"
	"services:\n"
	"  host: {proof: off, level: siege}\n"
	"  web:\n"
	"    to: [192.0.2.10, '2001:db8::10']\n"
	"    tcp: [80, 443, 8000-8100]\n"
	"    udp: 443\n"
	"    closed: on\n"
	"    crowd: {syn: 1k/s}\n"
	"    network: {bytes: none}\n"
	"  dns:\n"
	"    rules: [udp/53@192.0.2.53, tcp/53]\n"
	"    proof: retransmit\n"
	"lanes:\n"
	"  management: [203.0.113.7]\n"
	"  trusted:\n"
	"    - {prefix: 203.0.113.0/24, for: 2h, why: 'the clerks'' office'}\n"
	"  blocked:\n"
	"    - {prefix: '2001:db8:bad::/48', until: '2026-06-09 22:30:00+02:00'}\n"
	"    - {prefix: 198.51.100.0/24, until: '2026-06-09T19:00Z'}\n"
	"    - file: /lists/blocked\n"
	"budgets: {trusted: 100k/s burst 200k, arp: 6k/m}\n"
	"reflection: {everywhere: [19, 53], services: [11211]}\n"
	"sampling: {rate: 0, bytes: 96}\n"
	"recording: {enabled: no, database: /srv/fw.db, retention: forever, size: 100MiB, quiet: "
	"5m}\n"
	"metrics: {enabled: off, address: '::', port: 9100}\n";

static const struct test_list lists[] = {
	{ "carriers.txt", "# carriers\n192.88.99.0/24\n2001:db8:cc::/48\n" },
	{ "/lists/blocked", "10.0.0.1\n10.0.0.2\n" },
	{ NULL, NULL },
};

static void check_model(const struct fw_model *m)
{
	int cgnat = fw_model_class_find(m, "cgnat", NULL),
	    web = fw_model_service_find(m, "web", NULL);

	assert_int_equal(m->flags, FW_P_MONITOR | FW_P_RESERVED_SOURCE);
	assert_int_equal(m->proof_s, 300);
	assert_int_equal(m->ban_s, 0);
	assert_int_equal(m->ban_max_s, 7200);
	assert_int_equal(m->net48_factor, 8);
	assert_int_equal(m->class[0].rate[FW_K_PACKETS].burst, 20000);
	assert_int_equal(m->class[0].rate[FW_K_PACKETS].soft_pct, 0);
	assert_int_equal(m->class[0].rate[FW_K_SYN].count, 0);
	assert_true(cgnat > 1 && web > 0);
	assert_int_equal(m->class[cgnat].rate[FW_K_SYN].soft_pct, 50);
	assert_int_equal(m->class[cgnat].rate[FW_K_BYTES].count, 125000000);
	/* Not what the file says of default: what is not said is as in the default policy. */
	assert_int_equal(m->class[cgnat].rate[FW_K_PACKETS].count, 20000);
	assert_int_equal(m->service[0].proof, FW_PROOF_OFF);
	assert_int_equal(m->service[0].level_pin, FW_LEVEL_SIEGE + 1);
	assert_true(m->service[web].closed);
	assert_int_equal(m->service[web].proof, FW_PROOF_COOKIE);
	assert_int_equal(m->service[web].crowd[FW_C_SYN].count, 1000);
	assert_int_equal(m->service[web].net[FW_C_BYTES].count, 0);
	assert_int_equal(m->rules, 2 * 4 + 2);
	assert_int_equal(m->budget[FW_B_TRUSTED].count, 100000);
	assert_int_equal(m->budget[FW_B_ARP].per_s, 60);
}

static void check_reflection(const struct fw_model *m)
{
	int everywhere = 0, services = 0;

	for (int i = 1; i < FW_REFLECT_MAX; i++) {
		__u16 port = m->reflect[i].port;

		everywhere += port && m->reflect[i].everywhere;
		services += port && !m->reflect[i].everywhere;
		if (port == 53)
			assert_true(m->reflect[i].everywhere);
		if (port == 11211)
			assert_false(m->reflect[i].everywhere);
	}
	assert_int_equal(everywhere, 2);
	assert_int_equal(services, 1);
}

static const struct fw_prefix *find(struct fw_file *file, enum fw_lane lane, const char *text)
{
	__be32 addr[4];
	__u8 len;

	assert_int_equal(fw_text_prefix(text, addr, &len, NULL), 0);
	return fw_prefixes_find(&file->lanes, lane, addr, len);
}

static void every_key_finds_its_place(void **state)
{
	struct fw_file file = parse(everything, lists);
	const struct fw_prefix *one;

	(void)state;
	check_model(file.model);
	check_reflection(file.model);
	assert_int_equal(file.lanes.count, 8);
	one = find(&file, FW_LANE_TRUSTED, "203.0.113.0/24");
	assert_int_equal(one->until_s, TEST_NOW_S + 7200);
	assert_string_equal(fw_prefixes_why(&file.lanes, one), "the clerks' office");
	one = find(&file, FW_LANE_BLOCKED, "2001:db8:bad::/48");
	assert_int_equal(one->until_s, TEST_NOW_S + 1800);
	fw_file_free(&file);
}

static void settings_and_interfaces(void **state)
{
	struct fw_file file = parse(everything, lists);
	const struct fw_settings *s = &file.settings;

	(void)state;
	assert_int_equal(s->ifaces, 3);
	assert_string_equal(s->iface[1].name, "wan.7");
	assert_int_equal(s->iface[1].mode, FW_MODE_GENERIC);
	assert_int_equal(s->iface[2].mode, FW_MODE_NATIVE);
	assert_int_equal(s->sample_rate, 0);
	assert_int_equal(s->sample_bytes, 96);
	assert_false(s->record);
	assert_string_equal(s->database, "/srv/fw.db");
	assert_true(s->retention_s == FW_FOREVER);
	assert_int_equal(s->database_max, 100 << 20);
	assert_int_equal(s->quiet_s, 300);
	assert_false(s->metrics);
	assert_int_equal(s->port, 9100);
	assert_true(!s->listen_be[0] && !s->listen_be[1] && !s->listen_be[2] && !s->listen_be[3]);
	fw_file_free(&file);
}

static void everything_there_and_back(void **state)
{
	struct fw_file file = parse(everything, lists);

	(void)state;
	there_and_back(&file);
	fw_file_free(&file);
}

/* The kernel allows nearly any byte in the name of an interface, a policy file does not. */
static void a_name_that_no_file_can_say(void **state)
{
	struct fw_file file = parse("interfaces: {eth0: native, eth1: native}\n", NULL), again;
	char *text;

	(void)state;
	strcpy(file.settings.iface[0].name, "e\x1b[2Jx");
	text = print(&file);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "e?[2Jx"));
	again = parse(text, NULL);
	assert_int_equal(again.settings.ifaces, 1);
	assert_string_equal(again.settings.iface[0].name, "eth1");
	free(text);
	fw_file_free(&again);
	fw_file_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_is_the_default),
		cmocka_unit_test(the_example_is_the_default),
		cmocka_unit_test(empty_groups_say_nothing),
		cmocka_unit_test(the_table_states_the_defaults),
		cmocka_unit_test(every_limit_has_a_key),
		cmocka_unit_test(every_key_finds_its_place),
		cmocka_unit_test(settings_and_interfaces),
		cmocka_unit_test(everything_there_and_back),
		cmocka_unit_test(a_name_that_no_file_can_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

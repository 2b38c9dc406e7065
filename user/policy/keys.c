// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of keys. What must stay true: rows with one parent stand together, and the default a
 * row states is what fw_file_default() holds (a test compares them).
 */
#include <stddef.h>
#include <linux/types.h>
#include "bpf/abi.h"
#include "user/policy/file.h"
#include "user/policy/keys.h"

#define MODEL(field)	FW_KEY_MODEL, offsetof(struct fw_model, field)
#define SETTINGS(field) FW_KEY_SETTINGS, offsetof(struct fw_settings, field)
#define CLASS(kind)	FW_KEY_CLASS, offsetof(struct fw_model_class, rate[kind])
#define ENTRY(field)	FW_KEY_ENTRY, offsetof(struct fw_key_entry, field)
#define SERVICE(field)	FW_KEY_SERVICE, offsetof(struct fw_model_service, field)
#define NONE		FW_KEY_NOWHERE, 0

#define BUDGET(id, name, initial, help)                                                           \
	{                                                                                         \
		"budgets", name, FW_KEY_LIMIT, MODEL(budget[id]), 0, 0, NULL, "packets", initial, \
			help                                                                      \
	}
#define KIND(id, name, what, unit, initial, help)                                           \
	{                                                                                   \
		"classes.*", name, FW_KEY_LIMIT, CLASS(id), 0, 0, what, unit, initial, help \
	}
#define CROWD(parent, field, id, name, what, unit, initial, help)                               \
	{                                                                                       \
		parent, name, FW_KEY_LIMIT, SERVICE(field[id]), 0, 0, what, unit, initial, help \
	}

const struct fw_key fw_keys[] = {
	{ "", "mode", FW_KEY_FLAG, MODEL(flags), 0, FW_P_MONITOR, "enforce monitor", NULL,
	  "enforce", "whether drops are made or only counted" },
	{ "", "interfaces", FW_KEY_NAMED, NONE, 0, 0, NULL, NULL, NULL,
	  "the interfaces to filter, each with how its program is attached" },
	{ "", "sanity", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "source addresses that are dropped before all else" },
	{ "", "proof_time", FW_KEY_DURATION, MODEL(proof_s), 1, FW_PROOF_MAX_S, NULL, "time", "10m",
	  "how long a source stays proven after a handshake" },
	{ "", "ban_time", FW_KEY_DURATION, MODEL(ban_s), 0, FW_BAN_MAX_S, NULL, "time", "1m",
	  "the first ban of a proven source that stays over its limits" },
	{ "", "ban_ceiling", FW_KEY_DURATION, MODEL(ban_max_s), 1, FW_BAN_MAX_S, NULL, "time", "1h",
	  "bans double each time up to this" },
	{ "", "net48_factor", FW_KEY_NUMBER, MODEL(net48_factor), 1, 65536, NULL, NULL, "16",
	  "how many times the limits of a /64 an IPv6 /48 gets" },
	{ "", "classes", FW_KEY_NAMED, NONE, 0, 0, NULL, NULL, NULL,
	  "limits of each source, by class; default is everybody, trusted the trusted lane" },
	{ "", "services", FW_KEY_NAMED, NONE, 0, 0, NULL, NULL, NULL,
	  "what this host offers; host is what no other service claims" },
	{ "", "lanes", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "prefixes that are treated apart" },
	{ "", "budgets", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL, "what many sources share" },
	{ "", "reflection", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "UDP source ports from which amplifiers answer" },
	{ "", "sampling", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL, "frames kept as evidence" },
	{ "", "recording", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "history kept by the controller" },
	{ "", "metrics", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "counters served to monitoring by the controller" },

	{ "interfaces", "*", FW_KEY_CHOICE, NONE, 0, 0, "native generic", NULL, "native",
	  "native runs in the driver; generic after the kernel has built each packet" },

	{ "sanity", "bogus_source", FW_KEY_FLAG, MODEL(flags), 0, FW_P_BOGUS_SOURCE, "off on", NULL,
	  "on", "drop sources that cannot be: unspecified, loopback, multicast, broadcast" },
	{ "sanity", "reserved_source", FW_KEY_FLAG, MODEL(flags), 0, FW_P_RESERVED_SOURCE, "off on",
	  NULL, "off", "drop private, documentation and other reserved sources too, in any lane" },

	{ "classes", "*", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL, "one class" },

	KIND(FW_K_PACKETS, "packets", NULL, "packets", "20k/s burst 20k soft 80%",
	     "every packet of one source"),
	KIND(FW_K_BYTES, "bytes", "bytes", "bytes", "50MB/s burst 20MB soft 80%",
	     "every byte on the wire of one source"),
	KIND(FW_K_SYN, "syn", NULL, "SYNs", "100/s burst 300 soft 80%",
	     "new connections of one source"),
	KIND(FW_K_UDP, "udp", NULL, "packets", "3k/s burst 3k soft 80%",
	     "UDP packets of one source"),
	KIND(FW_K_ICMP, "icmp", NULL, "packets", "50/s burst 100 soft 80%",
	     "ICMP packets of one source"),
	KIND(FW_K_FRAG, "fragments", NULL, "packets", "200/s burst 400 soft 80%",
	     "fragments of one source"),
	{ "classes.*", "prefixes", FW_KEY_PREFIXES, NONE, 0, FW_LANE_CLASS, NULL, NULL, NULL,
	  "who is in the class; of several that hold an address the longest counts" },

	{ "services", "*", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL, "one service" },

	{ "services.*", "to", FW_KEY_ADDRS, NONE, 0, 0, NULL, "addresses", "any",
	  "the addresses it is offered at" },
	{ "services.*", "tcp", FW_KEY_PORTS, NONE, FW_PORT_TCP, 0, NULL, "ports", NULL,
	  "TCP ports, at each of its addresses" },
	{ "services.*", "udp", FW_KEY_PORTS, NONE, FW_PORT_UDP, 0, NULL, "ports", NULL,
	  "UDP ports, at each of its addresses" },
	{ "services.*", "rules", FW_KEY_RULES, NONE, 0, 0, NULL, "rules", NULL,
	  "ports with an address of their own, where to, tcp and udp cannot say it" },
	{ "services.*", "closed", FW_KEY_BOOL, SERVICE(closed), 0, 0, "off on", NULL, "off",
	  "its addresses speak nothing but what services say" },
	{ "services.*", "proof", FW_KEY_CHOICE, SERVICE(proof), 0, 0, "cookie retransmit off", NULL,
	  "cookie", "how a stranger proves itself when the budget is exceeded" },
	{ "services.*", "level", FW_KEY_CHOICE, SERVICE(level_pin), 0, 0, "auto calm guarded siege",
	  NULL, "auto", "hold the service at a level" },
	{ "services.*", "crowd", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "budget of all its unproven traffic together" },
	{ "services.*", "network", FW_KEY_GROUP, NONE, 0, 0, NULL, NULL, NULL,
	  "the same for the unproven traffic of one /24 or /48" },

	CROWD("services.*.crowd", crowd, FW_C_SYN, "syn", NULL, "SYNs", "5k/s burst 5k",
	      "new connections of strangers"),
	CROWD("services.*.crowd", crowd, FW_C_PACKETS, "packets", NULL, "packets",
	      "50k/s burst 50k", "packets of strangers, SYNs too"),
	CROWD("services.*.crowd", crowd, FW_C_BYTES, "bytes", "bytes", "bytes", "50MB/s burst 50MB",
	      "bytes of strangers"),

	CROWD("services.*.network", net, FW_C_SYN, "syn", NULL, "SYNs", "500/s burst 500",
	      "new connections of strangers of one network"),
	CROWD("services.*.network", net, FW_C_PACKETS, "packets", NULL, "packets", "5k/s burst 5k",
	      "packets of strangers of one network, SYNs too"),
	CROWD("services.*.network", net, FW_C_BYTES, "bytes", "bytes", "bytes", "10MB/s burst 10MB",
	      "bytes of strangers of one network"),

	{ "lanes", "management", FW_KEY_PREFIXES, NONE, 0, FW_LANE_MANAGEMENT, NULL, NULL, NULL,
	  "only sanity cuts these off, and nothing limits them" },
	{ "lanes", "trusted", FW_KEY_PREFIXES, NONE, 0, FW_LANE_TRUSTED, NULL, NULL, NULL,
	  "limits of class trusted, together at most budgets.trusted; never the crowd's budgets" },
	{ "lanes", "blocked", FW_KEY_PREFIXES, NONE, 0, FW_LANE_BLOCKED, NULL, NULL, NULL,
	  "dropped" },

	{ "[]", "prefix", FW_KEY_TEXT, ENTRY(prefix), 0, FW_TEXT_LEN - 1, NULL, "prefix", NULL,
	  "an address or prefix; alone it may stand for the whole entry" },
	{ "[]", "file", FW_KEY_TEXT, ENTRY(file), 0, FW_FILE_PATH_MAX - 1, NULL, "path", NULL,
	  "a list of prefixes, one a line, read again whenever the policy is applied" },
	{ "[]", "for", FW_KEY_DURATION, ENTRY(for_s), 1, FW_FOREVER, NULL, "time", "forever",
	  "how long it holds, from when it is first applied" },
	{ "[]", "until", FW_KEY_TIME, ENTRY(until_real_ns), 0, 0, NULL, "date and time", NULL,
	  "until when it holds" },
	{ "[]", "why", FW_KEY_TEXT, ENTRY(why), 0, FW_WHY_LEN - 1, NULL, "text", NULL,
	  "shown wherever the prefix is shown" },

	BUDGET(FW_B_ARP, "arp", "1k/s burst 1k", "ARP frames"),
	BUDGET(FW_B_ND, "nd", "1k/s burst 1k", "IPv6 neighbour and listener discovery"),
	BUDGET(FW_B_DHCP, "dhcp", "500/s burst 500", "DHCP and DHCPv6 replies"),
	BUDGET(FW_B_PMTU, "pmtu", "500/s burst 500", "path-MTU ICMP"),
	BUDGET(FW_B_OTHER_L3, "other_l3", "1k/s burst 1k", "frames that are neither IP nor ARP"),
	BUDGET(FW_B_DEEP, "deep", "100/s burst 100", "headers nested deeper than inspected"),
	BUDGET(FW_B_TRUSTED, "trusted", "200k/s burst 200k",
	       "all of the trusted lane together: its ceiling"),
	BUDGET(FW_B_NEW4, "newcomers4", "20k/s burst 20k", "IPv4 sources seen for the first time"),
	BUDGET(FW_B_NEW6, "newcomers6", "20k/s burst 20k", "IPv6 /64s seen for the first time"),
	BUDGET(FW_B_COOKIE, "cookies", "2M/s burst 200k",
	       "SYN cookies sent, on each CPU by itself"),
	BUDGET(FW_B_SOCKET, "connections", "100k/s burst 100k",
	       "traffic of our own sockets whose source has no bucket"),

	{ "reflection", "everywhere", FW_KEY_REFLECT, NONE, 0, true, NULL, "ports",
	  "17, 19, 111, 137, 520, 1434, 1900, 3283, 3702, 5093, 5353, 5683, 11211, 10001, 27015, "
	  "37810",
	  "dropped wherever they go" },
	{ "reflection", "services", FW_KEY_REFLECT, NONE, 0, false, NULL, "ports",
	  "53, 69, 123, 161, 389, 500, 3478",
	  "dropped only towards ports of services, for this host asks such servers itself" },

	{ "sampling", "rate", FW_KEY_NUMBER, SETTINGS(sample_rate), 0, 10000, NULL,
	  "frames a second", "10",
	  "frames kept of each group of reasons on each CPU; 0 keeps none" },
	{ "sampling", "bytes", FW_KEY_NUMBER, SETTINGS(sample_bytes), 64, 128, NULL, "bytes", "128",
	  "bytes kept of each such frame" },

	{ "recording", "enabled", FW_KEY_BOOL, SETTINGS(record), 0, 0, "off on", NULL, "on",
	  "whether the controller keeps history" },
	{ "recording", "database", FW_KEY_PATH, SETTINGS(database), 0, 0, NULL, "path",
	  "/var/lib/floodwall/history.db", "the file it is kept in" },
	{ "recording", "retention", FW_KEY_DURATION, SETTINGS(retention_s), 3600, FW_FOREVER, NULL,
	  "time", "90d", "what is older is forgotten" },
	{ "recording", "size", FW_KEY_SIZE, SETTINGS(database_max), 1 << 20, 1ULL << 40, NULL,
	  "bytes", "1GiB", "beyond this the oldest is forgotten early" },
	{ "recording", "quiet", FW_KEY_DURATION, SETTINGS(quiet_s), 1, 86400, NULL, "time", "1m",
	  "so much calm ends an incident" },

	{ "metrics", "enabled", FW_KEY_BOOL, SETTINGS(metrics), 0, 0, "off on", NULL, "on",
	  "whether the controller serves them" },
	{ "metrics", "address", FW_KEY_ADDR, SETTINGS(listen_be), 0, 0, NULL, "address",
	  "127.0.0.1", "the address to serve on; 0.0.0.0 or ::, every address" },
	{ "metrics", "port", FW_KEY_PORT, SETTINGS(port), 1, 65535, NULL, NULL, "9797",
	  "the TCP port to serve on" },
};
const size_t fw_keys_count = sizeof(fw_keys) / sizeof(fw_keys[0]);

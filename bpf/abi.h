/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract between the XDP program and everything in user space: map keys and values, enums
 * and limits. The only file that both sides include. It includes nothing itself; whoever includes
 * it has the kernel's fixed-width types (bpf/net.h in the program, <linux/types.h> outside).
 *
 * Rules: fixed widths only, explicit padding that is zero, units in the names, host byte order
 * unless a name ends in _be. Lists of reasons and kinds are append-only. A change of any layout
 * raises FW_ABI_VERSION; pins of another version are refused, never reinterpreted.
 */
#ifndef FW_ABI_H
#define FW_ABI_H

#define FW_ABI_VERSION 6
#define FW_MAGIC       0x6c6177646f6f6c66ULL /* marks the meta map as ours */

/*
 * Where a packet ends: X(identifier, name, verdict, text). Each packet ends in exactly one of
 * these, so they sum to the packets seen. Append only; names appear in JSON, metrics and manual.
 */
#define FW_REASONS(X)                                                                              \
	X(PASS_ESSENTIAL, "essential", PASS,                                                       \
	  "ARP, neighbour discovery, DHCP replies, path-MTU ICMP")                                 \
	X(PASS_OTHER_L3, "other_l3", PASS, "not IP, ARP or a VLAN of them, within its budget")     \
	X(PASS_DEEP, "bypass_deep", PASS,                                                          \
	  "headers nested deeper than inspected, within the budget")                               \
	X(PASS_MANAGEMENT, "management", PASS, "source is in the management lane")                 \
	X(PASS_TRUSTED, "trusted", PASS,                                                           \
	  "source is in the trusted lane, within its committed budget")                            \
	X(PASS_SOURCE, "source_ok", PASS, "known source within its limits")                        \
	X(PASS_NEWCOMER, "newcomer", PASS,                                                         \
	  "source seen for the first time, within the newcomers' budget")                          \
	X(PASS_PROVEN, "proven", PASS, "proven source within its limits")                          \
	X(PASS_SOCKET, "socket", PASS, "belongs to a socket of this host")                         \
	X(PASS_COOKIE, "cookie_valid", PASS,                                                       \
	  "returned a valid SYN cookie; its source is now proven")                                 \
	X(PASS_CROWD, "crowd_ok", PASS,                                                            \
	  "unproven and untracked, within the service's crowd budget")                             \
	X(TX_COOKIE, "cookie_sent", TX, "SYN answered with a SYN cookie from the driver")          \
	X(DROP_ESSENTIAL, "essential_over", DROP, "essential traffic beyond its own budget")       \
	X(DROP_OTHER_L3, "other_l3_over", DROP, "not IP, beyond the budget for such frames")       \
	X(DROP_DEEP, "bypass_deep_over", DROP, "headers nested too deep, beyond the budget")       \
	X(DROP_SHORT, "short", DROP, "frame ends inside a header")                                 \
	X(DROP_IP_HEADER, "ip_header", DROP,                                                       \
	  "IP version, header length or total length impossible")                                  \
	X(DROP_L4_HEADER, "l4_header", DROP, "TCP, UDP or ICMP header length impossible")          \
	X(DROP_FRAGMENT, "bad_fragment", DROP, "fragment that hides its ports or overruns 64 KiB") \
	X(DROP_TCP_FLAGS, "tcp_flags", DROP, "TCP flags that no stack sends")                      \
	X(DROP_PORT_ZERO, "port_zero", DROP, "TCP or UDP port 0")                                  \
	X(DROP_LAND, "land", DROP, "source equals destination")                                    \
	X(DROP_BOGUS_SOURCE, "bogus_source", DROP, "source address that cannot be")                \
	X(DROP_TRUSTED, "trusted_over", DROP, "trusted lane beyond its ceiling")                   \
	X(DROP_BLOCKED, "blocked", DROP, "source is on the block list")                            \
	X(DROP_BANNED, "banned", DROP, "proven source, banned for staying over its limits")        \
	X(DROP_REFLECTED, "reflected", DROP, "UDP from an amplifier's port")                       \
	X(DROP_UNSPOKEN, "unspoken", DROP, "protocol or port that the service does not speak")     \
	X(DROP_SRC_PACKETS, "source_packets", DROP, "source over its packet limit")                \
	X(DROP_SRC_BYTES, "source_bytes", DROP, "source over its byte limit")                      \
	X(DROP_SRC_SYN, "source_syn", DROP, "source over its limit of new connections")            \
	X(DROP_SRC_UDP, "source_udp", DROP, "source over its UDP limit")                           \
	X(DROP_SRC_ICMP, "source_icmp", DROP, "source over its ICMP limit")                        \
	X(DROP_SRC_FRAG, "source_fragments", DROP, "source over its fragment limit")               \
	X(DROP_NET48, "net48", DROP, "IPv6 /48 over its limit")                                    \
	X(DROP_NEWCOMER, "newcomer_over", DROP, "unknown source beyond the newcomers' budget")     \
	X(DROP_OUT_OF_STATE, "out_of_state", DROP,                                                 \
	  "TCP that belongs to no socket, beyond the budget")                                      \
	X(DROP_COOKIE, "cookie_bad", DROP, "SYN cookie forged, replayed late or guessed")          \
	X(DROP_COOKIE_OVER, "cookie_over", DROP,                                                   \
	  "SYN beyond the budget, and no cookie could be sent")                                    \
	X(DROP_CROWD_UDP, "crowd_udp", DROP, "unproven UDP beyond the crowd budget")               \
	X(DROP_CROWD_ICMP, "crowd_icmp", DROP, "unproven ICMP beyond the crowd budget")            \
	X(DROP_CROWD_FRAG, "crowd_fragments", DROP, "unproven fragments beyond the crowd budget")  \
	X(DROP_CROWD_OTHER, "crowd_other", DROP, "other unproven traffic beyond the crowd budget") \
	X(DROP_RETRANSMIT, "retransmit_wait", DROP, "first SYN of a stranger who must try again")  \
	X(PASS_RETRANSMIT, "retransmit_ok", PASS, "SYN that came again as a real TCP's does")

enum fw_reason {
#define X(id, name, verdict, text) FW_R_##id,
	FW_REASONS(X)
#undef X
		FW_R_MAX,
	FW_CONTINUE = 255, /* a stage's "not decided here"; never counted */
};
#define FW_REASON_SLOTS 64 /* stride of the counters; reasons may grow up to it */
_Static_assert(FW_R_MAX <= FW_REASON_SLOTS, "more reasons than counter slots");

enum fw_verdict { FW_V_PASS, FW_V_DROP, FW_V_TX, FW_V_MAX };

/* What a source is charged for: X(identifier, name, unit, text). The first two by every packet. */
#define FW_KINDS(X)                                                             \
	X(PACKETS, "packets", "packet", "every packet")                         \
	X(BYTES, "bytes", "byte", "every byte on the wire, without FCS")        \
	X(SYN, "syn", "SYN", "TCP packets that ask for a new connection")       \
	X(UDP, "udp", "packet", "UDP packets")                                  \
	X(ICMP, "icmp", "packet", "ICMP and ICMPv6 packets, path-MTU excepted") \
	X(FRAG, "fragments", "packet", "fragments, first and later")

enum fw_kind {
#define X(id, name, unit, text) FW_K_##id,
	FW_KINDS(X)
#undef X
		FW_K_MAX,
};

/*
 * A limit compiled for the program: GCRA, the token bucket written as one time stamp. Time runs in
 * units of 2^shift ns. A charge of n costs (n * cost) >> q units, rounded up, so a source never
 * gets more than its rate; compiled so that rounding takes at most 2 %.
 */
struct fw_limit {
	__u32 window; /* burst in time units; 0 = no limit; at most FW_WINDOW_MAX */
	__u32 cost;   /* units * 2^q for one packet or byte */
	__u32 soft;   /* debt in units from which an admitted packet counts as soft; 0 = none */
	__u8 shift;   /* log2 of the unit in ns, 0..24 */
	__u8 q;	      /* fractional bits of cost, 0..31; 0 unless bytes are charged */
	__u8 units; /* in the first limit of a class: names the units of all, FW_SEEN_UNITS bits */
	__u8 pad;
};
_Static_assert(sizeof(struct fw_limit) == 16, "fw_limit");
/* 32-bit stamps tell past from future only if no debt reaches beyond an eighth of their range. */
#define FW_WINDOW_MAX (1U << 29)

/* The same limit as a person wrote it; the program never reads it. count per per_s seconds. */
struct fw_rate {
	__u64 count;	/* 0 = no limit */
	__u64 burst;	/* packets or bytes */
	__u32 per_s;	/* 1, 60 or 3600 */
	__u32 soft_pct; /* of the burst, 0 = none */
};
_Static_assert(sizeof(struct fw_rate) == 24, "fw_rate");

#define FW_CLASS_MAX	 32
#define FW_CLASS_DEFAULT 0
#define FW_CLASS_TRUSTED 1
#define FW_SERVICE_MAX	 64
#define FW_SERVICE_HOST	 0   /* the rest of the host, what no named service claims */
#define FW_RULE_MAX	 256 /* rule 0 is "none" */
#define FW_NAME_LEN	 16  /* class and service names, NUL included */
#define FW_WHY_LEN	 64  /* NUL included */
#define FW_REFLECT_MAX	 32  /* amplifier ports; slot 0 unused */

/* Budgets that all CPUs share: X(identifier, name, text) */
#define FW_BUDGETS(X)                                                           \
	X(ARP, "arp", "ARP frames")                                             \
	X(ND, "nd", "IPv6 neighbour and listener discovery")                    \
	X(DHCP, "dhcp", "DHCP and DHCPv6 replies")                              \
	X(PMTU, "pmtu", "path-MTU ICMP")                                        \
	X(OTHER_L3, "other_l3", "frames that are neither IP nor ARP")           \
	X(DEEP, "deep", "headers nested deeper than inspected")                 \
	X(TRUSTED, "trusted", "all of the trusted lane together (its ceiling)") \
	X(NEW4, "newcomers4", "IPv4 sources seen for the first time")           \
	X(NEW6, "newcomers6", "IPv6 /64s seen for the first time")              \
	X(COOKIE, "cookies", "SYN cookies sent, on each CPU by itself")         \
	X(SOCKET, "connections", "traffic of our own sockets whose source has no bucket")

enum fw_budget_id {
#define X(id, name, text) FW_B_##id,
	FW_BUDGETS(X)
#undef X
		FW_B_MAX,
};

/* Crowd budgets, per service and per network (/24, /48) of unproven traffic. */
enum fw_crowd_kind { FW_C_SYN, FW_C_PACKETS, FW_C_BYTES, FW_C_MAX };

struct fw_class {
	struct fw_limit limit[FW_K_MAX]; /* per source: IPv4 /32 or IPv6 /64 */
	struct fw_limit net48[FW_K_MAX]; /* per IPv6 /48 */
};

/* How a stranger proves itself to a service. */
enum fw_proof { FW_PROOF_COOKIE, FW_PROOF_RETRANSMIT, FW_PROOF_OFF, FW_PROOF_MAX };
enum fw_level { FW_LEVEL_CALM, FW_LEVEL_GUARDED, FW_LEVEL_SIEGE, FW_LEVEL_MAX };

struct fw_service {
	struct fw_limit crowd[FW_C_MAX]; /* budget of its unproven traffic */
	struct fw_limit net[FW_C_MAX];	 /* the same for one /24 or /48 */
	__u8 proof;			 /* enum fw_proof */
	__u8 level_pin;			 /* enum fw_level + 1; 0 = decided by the program */
	__u8 pad[6];
};
_Static_assert(sizeof(struct fw_service) == 104, "fw_service");

/* One (address, protocol, port) of a service. Rules of one (protocol, port) form a chain. */
struct fw_rule {
	__be32 addr_be[4]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 any;	   /* 1: every local address */
	__u8 service;
	__u8 next; /* 0 ends the chain */
	__u8 pad;
};
_Static_assert(sizeof(struct fw_rule) == 20, "fw_rule");

/* Destination addresses that speak only what their services' rules say; open addressing. */
#define FW_CLOSED_SLOTS 64
struct fw_closed {
	__be32 addr_be[4]; /* all zero = free slot */
	__u8 service;	   /* charged with what the address does not speak */
	__u8 speaks;	   /* bit FW_PORT_*: some rule names a port of this protocol here */
	__u8 pad[2];
};
_Static_assert(sizeof(struct fw_closed) == 20, "fw_closed");
/* An address lies in one of this many slots from its home on, round the end; its home is the last
 * word in host order, modulo the slots. User space refuses what finds no place there. */
#define FW_CLOSED_PROBES 8
#define FW_CHAIN_MAX	 16 /* rules of one (protocol, port); addresses stand before "any" */

enum fw_policy_flag {
	FW_P_MONITOR = 1 << 0, /* count drops, drop nothing */
	FW_P_BOGUS_SOURCE =
		1 << 1, /* sanity: drop unspecified, loopback, multicast, broadcast sources */
	FW_P_RESERVED_SOURCE = 1 << 2, /* ... private, documentation and other reserved space too */
	FW_P_CLOSED = 1 << 3,	       /* at least one entry in closed[] */
};

#define FW_PORT_TCP 0
#define FW_PORT_UDP 1

/* One generation of the policy, as the program reads it. */
struct fw_policy {
	__u32 flags;
	__u16 reflect_port[FW_REFLECT_MAX]; /* host order, by slot, for display; 0 = free */
	__u32 proof_s;			    /* how long proof of source lasts, seconds */
	__u32 ban_s;	 /* the first ban, seconds; doubles each time; 0 = no bans */
	__u32 ban_max_s; /* ceiling */
	__u64 idle_ns;	 /* silence after which every bucket is full: the longest window */
	struct fw_limit budget[FW_B_MAX];
	struct fw_class class[FW_CLASS_MAX];
	struct fw_service service[FW_SERVICE_MAX];
	struct fw_rule rule[FW_RULE_MAX];
	struct fw_closed closed[FW_CLOSED_SLOTS];
	__u8 port_rule[2][65536]; /* FW_PORT_*, destination port, host order -> first rule or 0 */
	__u8 reflect[65536];	  /* source port -> slot in reflect_port | FW_REFLECT_EVERYWHERE */
};
#define FW_REFLECT_EVERYWHERE 0x80 /* else only towards named services */
#define FW_REFLECT_SLOT	      (FW_REFLECT_MAX - 1)
_Static_assert(sizeof(struct fw_policy) % 8 == 0, "fw_policy");

/* The same generation's names and rates, for people; the program never reads it. */
struct fw_policy_text {
	char class_name[FW_CLASS_MAX][FW_NAME_LEN]; /* empty = unused */
	char service_name[FW_SERVICE_MAX][FW_NAME_LEN];
	struct fw_rate class_rate[FW_CLASS_MAX][FW_K_MAX];
	struct fw_rate budget_rate[FW_B_MAX];
	struct fw_rate crowd_rate[FW_SERVICE_MAX][FW_C_MAX];
	struct fw_rate net_rate[FW_SERVICE_MAX][FW_C_MAX];
	__u32 net48_factor;	     /* a /48 gets this many times the limits of a /64 */
	__u8 closed[FW_SERVICE_MAX]; /* service's addresses speak nothing else */
	__u32 pad;
};
_Static_assert(sizeof(struct fw_policy_text) % 8 == 0, "fw_policy_text");

/*
 * Lanes. User space flattens all prefixes of a generation into ranges; every range points at a
 * profile that says what its addresses are and until when. The program compares "until" itself.
 */
#define FW_FOREVER 0xffffffffU
struct fw_profile {
	__u32 management_s; /* program time in seconds until which it holds; 0 = not in this lane */
	__u32 trusted_s;
	__u32 blocked_s;
	__u32 class_s;
	__u8 class; /* while class_s holds */
	__u8 pad[3];
	__u32 pad2;
};
_Static_assert(sizeof(struct fw_profile) == 24, "fw_profile");
#define FW_PROFILE_MAX 131072 /* per generation; profile 0 = in no lane */

/*
 * IPv4, up to four steps. fw_lane4_top, 16 bits per /16: its profile, or where to look further: in
 * fw_lane4_set, else it is profile 0; in there, else fw_lane4_dir; in fw_lane4_dir. A host without
 * long lists touches nothing else. fw_lane4_dir, one entry per /16: a /24 whose bit is clear is
 * wholly of profile base. The others are in fw_lane4_rng, words of two kinds, where start counts
 * from the generation's half: count > 0: count ranges cover the /16, sorted: low 16 bits of the
 * first address << 32 | profile; count = 0: one leaf per set bit, in order. A leaf is either one
 * interval of last octets first | last << 8 | profile inside << 16 | profile outside << 39, or
 * FW_LEAF_SEARCH | number of ranges << 32 | first range, ranges as above.
 */
enum { FW_LANE4_SET = 0xfffd, FW_LANE4_SET_DIR, FW_LANE4_DIR };
/* Single addresses of the commonest profile, then number FW_LANE4_COMMON: the upper bits of
 * fw_lane4_hash() (bpf/hash.h) name a line, which holds the lower 16 of each; 0 is free. */
#define FW_LANE4_COMMON 1
#define FW_LANE4_WORDS	8
#define FW_LANE4_BITS	16 /* log2 of the fewest lines: line and 16 bits name the address */
struct fw_lane4_set {
	__u64 word[FW_LANE4_WORDS]; /* 4 hashes each */
};
struct fw_lane4_dir {
	__u32 base;  /* profile */
	__u32 start; /* first word of this /16 */
	__u32 count;
	__u8 before[4]; /* set bits in the words of bits before this one */
	__u64 bits[4];	/* bit (address >> 8) & 255 */
};
_Static_assert(sizeof(struct fw_lane4_dir) == 48, "fw_lane4_dir");
#define FW_LANE4_RANGES 2200000 /* 1,000,000 prefixes split the space that often at most */
#define FW_LEAF_SEARCH	(1ULL << 63)
#define FW_LEAF_INSIDE	16
#define FW_LEAF_OUTSIDE 39
#define FW_LEAF_PROFILE 0x7fffff
_Static_assert(FW_PROFILE_MAX <= FW_LEAF_PROFILE, "profiles fit a leaf");

/*
 * IPv6: a static 9-ary search tree over the upper 64 bits, breadth-first, 8 keys a node. Key i of a
 * node starts a range; unused keys are ~0. A value with FW_LANE6_DEEP set points at a group of
 * ranges over the lower 64 bits.
 */
#define FW_LANE6_KEYS  8
#define FW_LANE6_DEPTH 6 /* 9^6 - 1 = 531,440 keys */
#define FW_LANE6_NODES 66430
struct fw_lane6_node {
	__u64 key[FW_LANE6_KEYS];
	__u32 val[FW_LANE6_KEYS]; /* profile, or FW_LANE6_DEEP | first deep range */
};
_Static_assert(sizeof(struct fw_lane6_node) == 96, "fw_lane6_node");
#define FW_LANE6_DEEP	   0x80000000U
#define FW_LANE6_DEEP_MAX  320000 /* ranges per generation: 3 for each of 100,000 addresses */
#define FW_LANE6_GROUP_MAX 262144 /* ranges in one /64: a search has 18 steps */
struct fw_lane6_deep {
	__u64 low;     /* lower 64 bits of the first address; the first of a group is 0 */
	__u32 profile; /* of the range */
	__u32 count;   /* ranges in the group, in its first entry; 0 elsewhere */
};
_Static_assert(sizeof(struct fw_lane6_deep) == 16, "fw_lane6_deep");

/* One per generation: where searching starts. */
struct fw_lane_head {
	__u32 profile6_base; /* profile below the first IPv6 key */
	__u32 depth6;	     /* levels of the IPv6 tree in use, 0 = no IPv6 prefix */
	__u32 prefixes;	     /* entries in fw_prefix of this generation */
	__u32 whys;	     /* texts in fw_why of this generation */
};
_Static_assert(sizeof(struct fw_lane_head) == 16, "fw_lane_head");

enum fw_lane { FW_LANE_MANAGEMENT, FW_LANE_TRUSTED, FW_LANE_BLOCKED, FW_LANE_CLASS, FW_LANE_MAX };

/* A prefix as the admin gave it; user space's record, the program never reads it. 32 bytes. */
struct fw_prefix {
	__be32 addr_be[4]; /* IPv4 as ::ffff:a.b.c.d */
	__u32 until_s;	   /* program time in seconds, FW_FOREVER = no expiry */
	__u32 since_s;
	__u16 why;  /* index into fw_why, 0 = none */
	__u8 len;   /* of the 128-bit form: an IPv4 /24 has 120 */
	__u8 lane;  /* enum fw_lane */
	__u8 class; /* for FW_LANE_CLASS */
	__u8 pad[3];
};
_Static_assert(sizeof(struct fw_prefix) == 32, "fw_prefix");
#define FW_PREFIX_MAX 1100000 /* per generation: 1,000,000 IPv4 and 100,000 IPv6 */
#define FW_WHY_MAX    4096    /* distinct texts per generation; 0 is the empty one */
struct fw_why {
	char text[FW_WHY_LEN];
};

/*
 * The one word that decides what runs. Bit 0: live half of the policy maps. Bit 1: live half of
 * the lane maps. Bits 32-63: generation number. Written in one store, last.
 */
struct fw_ctl {
	__u64 live;
	__u64 revert; /* what live becomes at deadline_ns; without one, what ran before: for undo */
	__u64 deadline_ns; /* program time; 0 = nothing waits for confirmation */
	__u64 virtual_ns;  /* program time when the clock is virtual (tests, replay) */
};
_Static_assert(sizeof(struct fw_ctl) == 32, "fw_ctl");
#define FW_LIVE_POLICY(live)	 ((__u32)((live)&1))
#define FW_LIVE_LANES(live)	 ((__u32)(((live) >> 1) & 1))
#define FW_LIVE_GENERATION(live) ((__u32)((live) >> 32))

/*
 * The policy file that was applied to make a generation; user space's record, in two slots so that
 * undo finds the one before. The one that counts is that of the highest generation which is not
 * above the one that runs.
 */
#define FW_APPLIED_SLOTS 2
struct fw_applied {
	__u64 generation;  /* FW_LIVE_GENERATION of the apply; 0 = empty */
	__u64 realtime_ns; /* CLOCK_REALTIME */
	__u64 hash;	   /* of what was made to run, fw_policy_hash() */
	__u64 file_hash;   /* of the file and its lists as they were read */
	char path[256];	   /* of the file; absolute */
	char who[64];
	char settings[4096]; /* the controller's part, as the file says it */
};
_Static_assert(sizeof(struct fw_applied) % 8 == 0, "fw_applied");

/*
 * Sources: sets of 8 ways. fw_src_fp holds a byte of fingerprint a way (0 = empty), read first; a
 * source that matches none is unknown. The word is tag << 52 | arrival time in ns (mod 2^52), the
 * bucket of packets; a stamp of all ones claims the place for a source of this tag: it is not open
 * yet. All of a source lies in one cache line. Which set: bpf/hash.h.
 */
#define FW_WAYS	     8
#define FW_TAG_SHIFT 52
#define FW_TAT_MASK  ((1ULL << FW_TAG_SHIFT) - 1)
#define FW_CLAIMED   FW_TAT_MASK
#define FW_STAMPS    (FW_K_MAX - 1) /* all kinds but packets */
struct fw_src_set {
	struct fw_src {
		__u32 tat[FW_STAMPS]; /* by kind - 1, in units of its limit; a verifier sees 0-7 */
		__u16 seen;	      /* FW_SEEN(): when last charged, and in which units */
		__u8 proof; /* 0 = unproven, else FW_PROOF_EPOCH of when it proved itself */
		__u8 pad;
		__u64 word;
	} way[FW_WAYS];
};
_Static_assert(sizeof(struct fw_src) == 32, "two to a cache line");
enum fw_net48 { FW_NET48_UNPROVEN, FW_NET48_PROVEN, FW_NET48_TRUSTED }; /* buckets of a /48 */
#define FW_SEEN_SHIFT	       30					/* 1.07 s */
#define FW_SEEN_UNITS	       5
#define FW_SEEN_GAPS	       0x7ff /* time wraps after 36 minutes */
#define FW_SEEN(now_ns, units) ((__u16)((now_ns) >> FW_SEEN_SHIFT << FW_SEEN_UNITS | (units)))
#define FW_SEEN_GAP(new, old)  ((((new) >> FW_SEEN_UNITS) - ((old) >> FW_SEEN_UNITS)) & FW_SEEN_GAPS)
#define FW_PROOF_SHIFT	       34 /* 17 s; epochs wrap after 36 minutes */
#define FW_PROOF_EPOCH(now_ns) ((__u8)(0x80 | (((now_ns) >> FW_PROOF_SHIFT) & 0x7f)))
#define FW_PROOF_MAX_S	       1800

/* Budgets shared by all CPUs: one stamp a cache line, so that a refused packet only reads. */
struct fw_budget {
	__u64 tat; /* in units of its limit */
	__u64 pad[7];
};
_Static_assert(sizeof(struct fw_budget) == 64, "fw_budget");

/* One service's crowd: stamps in ns, shared by all CPUs, written only by packets that fit. */
struct fw_crowd {
	__u64 tat[FW_C_MAX], pad[5];
};
_Static_assert(sizeof(struct fw_crowd) == 64, "fw_crowd");

/* The same for one /24 or /48, hashed to a fixed number of slots; neighbours may share one. */
#define FW_CROWD_NET_BITS 16
struct fw_crowd_net {
	__u64 tat[FW_C_MAX], pad;
};
_Static_assert(sizeof(struct fw_crowd_net) == 32, "fw_crowd_net");

/* A service's level. Stored level and times say what it was when its budget was last exceeded;
 * fw_level_now() (bpf/level.h) tells what it is now. Written a few times a second at most. */
struct fw_service_state {
	__u64 over_ns; /* when the budget was last seen exceeded, to FW_LEVEL_STEP_NS; 0 = never */
	__u64 episode_ns; /* since when it has been exceeded without a pause of FW_LEVEL_PAUSE_NS */
	__u64 entered_ns; /* when the stored level was entered */
	__u64 spent_ns[FW_LEVEL_MAX]; /* in each level, up to entered_ns */
	__u32 entries[FW_LEVEL_MAX];  /* how often each level was entered */
	__u32 level;		      /* enum fw_level, stored */
};
_Static_assert(sizeof(struct fw_service_state) == 64, "fw_service_state");
#define FW_LEVEL_STEP_NS  (1ULL << 27)	/* 134 ms between two looks */
#define FW_LEVEL_PAUSE_NS (1ULL << 31)	/* 2.1 s without excess end an episode */
#define FW_LEVEL_SIEGE_NS (1ULL << 31)	/* an episode of 2.1 s is a siege */
#define FW_LEVEL_RELAX_NS (10ULL << 30) /* 10.7 s without excess: siege becomes guarded */
#define FW_LEVEL_CALM_NS  (30ULL << 30) /* 32 s without excess: calm */

/* A proven source over its limits with TCP within a connection; `ban lift` writes to it, too. */
struct fw_ban {
	__u64 key;	/* IPv4 address, or upper 64 bits of IPv6, host order; 0 = free */
	__u64 until_ns; /* program time; 0 = not banned */
	__u64 since_ns; /* start of the last ban */
	__u64 first_ns; /* over its limits without a pause since */
	__u64 last_ns;	/* last time over */
	__u64 own_tat;	/* second bucket of packets, for its own connections while spoofed; ns */
	__s32 score;	/* packets over the limit of its own connections, less those of none */
	__u32 times;	/* bans so far */
	__u8 family;	/* 4 or 6 */
	__u8 class;
	__u8 pad[6];
};
_Static_assert(sizeof(struct fw_ban) == 64, "fw_ban");
#define FW_BAN_WAYS	 4
#define FW_BAN_SETS	 4096
#define FW_BAN_SCORE	 64		  /* own packets more than others, for a ban */
#define FW_BAN_SPOOFED	 -1024		  /* the score goes no lower */
#define FW_BAN_AFTER_NS	 (3ULL << 30)	  /* 3.2 s over the limits */
#define FW_BAN_PAUSE_NS	 (1ULL << 31)	  /* 2.1 s within them start anew */
#define FW_BAN_FORGET_NS (14400ULL << 30) /* after 4.3 h the first ban is a first one again */
#define FW_BAN_DOUBLINGS 12
#define FW_BAN_MAX_S	 86400 /* ceiling of the ceiling: stamps say when a ban ends */
struct fw_ban_set {
	struct fw_ban way[FW_BAN_WAYS];
};

/* What one CPU has scored in this step of the clock and not yet added to the record. A source that
 * shares the slot with another is scored in its record. */
#define FW_BAN_DUE_SLOTS 64
struct fw_ban_due {
	__u64 key;     /* as in fw_ban */
	__u64 step_ns; /* program time */
	__s32 score;
	__u32 pad;
};
_Static_assert(sizeof(struct fw_ban_due) == 24, "fw_ban_due");

/*
 * First SYNs of strangers who prove themselves by trying again (bpf/retry.h): 8 MiB, two million of
 * them. A word is tag << 12 | time in 2^24 ns (17 ms, wraps after 69 s); 0 = free.
 */
#define FW_RETRY_BITS	   17
#define FW_RETRY_WAYS	   16
#define FW_RETRY_SHIFT	   24
#define FW_RETRY_TIME_BITS 12
#define FW_RETRY_TIME_MASK ((1U << FW_RETRY_TIME_BITS) - 1)
#define FW_RETRY_MIN_UNITS 25	/* 0.42 s; no real TCP is sooner (RFC 6298: 1 s, less jitter) */
#define FW_RETRY_MAX_UNITS 1252 /* 21 s */
struct fw_retry {
	__u32 first[FW_RETRY_WAYS];
};
_Static_assert(sizeof(struct fw_retry) == 64, "fw_retry");

/* Accounts of sources in the table. A tally is what one sent within FW_TALLY_NS, all passed or all
 * dropped for one reason: in a slot of a CPU's book, which must fit L2, later in its ledger. */
#define FW_TALLY_BITS  13
#define FW_TALLY_SLOTS (1 << FW_TALLY_BITS)
#define FW_TALLY_NS    (1ULL << 28) /* 0.27 s */
struct fw_tally {
	__u64 key;	/* IPv4 address, or upper 64 bits of IPv6, host order */
	__u64 first_ns; /* program time */
	__u32 who;	/* FW_TALLY_*; 0 = nobody, or about to change */
	__u32 last;	/* seen, ns after first_ns */
	__u32 packets;	/* this and bytes: enough for FW_TALLY_NS of 128 Gbit/s */
	__u32 bytes;
};
_Static_assert(sizeof(struct fw_tally) == 32, "fw_tally");

/* fw_tally.who: the reason it was dropped for, or 0; class, proven, IPv6, slot. */
#define FW_TALLY_USED	     (1U << 31)
#define FW_TALLY_REASON(who) ((who) & (FW_REASON_SLOTS - 1))
#define FW_TALLY_CLASS(who)  ((who) >> 6 & (FW_CLASS_MAX - 1))
#define FW_TALLY_PROVEN(who) ((who) >> 11 & 1)
#define FW_TALLY_FAMILY(who) ((who) >> 12 & 1 ? 6 : 4)
#define FW_TALLY_SLOT(who)   ((who) >> 13 & (FW_TALLY_SLOTS - 1))
#define FW_TALLY_WHO(reason, class, proven, ip6, slot) \
	(FW_TALLY_USED | (reason) | (class) << 6 | (proven) << 11 | (ip6) << 12 | (slot) << 13)

/* One CPU's. Record n of its ledger lies at cpu * size + n % size; size is a power of two. */
struct fw_book {
	__u64 head;	      /* records so far */
	__u64 packets, whole; /* in them; the one grows before head does, the other after it */
	__u64 pad[5];
	struct fw_tally slot[FW_TALLY_SLOTS];
};
_Static_assert(sizeof(struct fw_book) == 64 + 32 * FW_TALLY_SLOTS, "fw_book");
#define FW_LEDGER_MAX 131072
#define FW_LEDGER_ALL (1U << 26) /* bytes of all CPUs together, at most */

/* How far the recorder has read it; the packets that it found, and those written over before. */
struct fw_ledger_at {
	__u64 tail, read, lost;
};

/* Groups of reasons, each with its own limit of samples: X(identifier, name, crowd). crowd 1: who
 * has not proven himself has no account of such packets (stage_crowd.h). Append only. */
#define FW_GROUPS(X)                 \
	X(PASS, "pass", 0)           \
	X(ANSWER, "answer", 1)       \
	X(MALFORMED, "malformed", 0) \
	X(BLOCKED, "blocked", 0)     \
	X(UNSPOKEN, "unspoken", 0)   \
	X(LIMIT, "limit", 0)         \
	X(STATE, "state", 1)         \
	X(CROWD, "crowd", 1)

enum fw_group {
#define X(id, name, crowd) FW_G_##id,
	FW_GROUPS(X)
#undef X
		FW_G_MAX,
};

/* enum fw_reason -> enum fw_group; what is not named passes. */
#define FW_REASON_GROUPS                                                                        \
	{                                                                                       \
		[FW_R_TX_COOKIE] = FW_G_ANSWER, [FW_R_DROP_ESSENTIAL] = FW_G_CROWD,             \
		[FW_R_DROP_OTHER_L3] = FW_G_MALFORMED, [FW_R_DROP_DEEP] = FW_G_MALFORMED,       \
		[FW_R_DROP_SHORT] = FW_G_MALFORMED, [FW_R_DROP_IP_HEADER] = FW_G_MALFORMED,     \
		[FW_R_DROP_L4_HEADER] = FW_G_MALFORMED, [FW_R_DROP_FRAGMENT] = FW_G_MALFORMED,  \
		[FW_R_DROP_TCP_FLAGS] = FW_G_MALFORMED, [FW_R_DROP_PORT_ZERO] = FW_G_MALFORMED, \
		[FW_R_DROP_LAND] = FW_G_MALFORMED, [FW_R_DROP_BOGUS_SOURCE] = FW_G_MALFORMED,   \
		[FW_R_DROP_TRUSTED] = FW_G_LIMIT, [FW_R_DROP_BLOCKED] = FW_G_BLOCKED,           \
		[FW_R_DROP_BANNED] = FW_G_BLOCKED, [FW_R_DROP_REFLECTED] = FW_G_UNSPOKEN,       \
		[FW_R_DROP_UNSPOKEN] = FW_G_UNSPOKEN, [FW_R_DROP_SRC_PACKETS] = FW_G_LIMIT,     \
		[FW_R_DROP_SRC_BYTES] = FW_G_LIMIT, [FW_R_DROP_SRC_SYN] = FW_G_LIMIT,           \
		[FW_R_DROP_SRC_UDP] = FW_G_LIMIT, [FW_R_DROP_SRC_ICMP] = FW_G_LIMIT,            \
		[FW_R_DROP_SRC_FRAG] = FW_G_LIMIT, [FW_R_DROP_NET48] = FW_G_LIMIT,              \
		[FW_R_DROP_NEWCOMER] = FW_G_CROWD, [FW_R_DROP_OUT_OF_STATE] = FW_G_STATE,       \
		[FW_R_DROP_COOKIE] = FW_G_STATE, [FW_R_DROP_COOKIE_OVER] = FW_G_CROWD,          \
		[FW_R_DROP_CROWD_UDP] = FW_G_CROWD, [FW_R_DROP_CROWD_ICMP] = FW_G_CROWD,        \
		[FW_R_DROP_CROWD_FRAG] = FW_G_CROWD, [FW_R_DROP_CROWD_OTHER] = FW_G_CROWD,      \
		[FW_R_DROP_RETRANSMIT] = FW_G_CROWD,                                            \
	}

/* What the recorder wants sampled. All zero: nothing. Written by it, read by the program. */
struct fw_sampling {
	__u64 gap_ns;	/* between two samples of a group on one CPU, in the long run */
	__u64 burst_ns; /* so far may they run ahead of that */
	__u32 every[FW_REASON_SLOTS]; /* choose one packet in so many, a power of two; 0 = none */
};
_Static_assert(sizeof(struct fw_sampling) == 272, "fw_sampling");

/* One group on one CPU: packets chosen end in one of the three counts. */
struct fw_sampler {
	__u64 tat_ns;  /* program time */
	__u64 emitted; /* handed over in fw_samples */
	__u64 held;    /* by the limit */
	__u64 lost;    /* the ring was full */
};
_Static_assert(sizeof(struct fw_sampler) == 32, "fw_sampler");

/* A record of the ring fw_samples. */
#define FW_SAMPLE_BYTES	   128
#define FW_SAMPLE_MONITOR  (1 << 0)   /* passed all the same */
#define FW_SAMPLE_PROVEN   (1 << 1)   /* its source has proven itself */
#define FW_SAMPLE_ANSWERED (1 << 2)   /* data holds our answer, not the packet */
#define FW_SAMPLE_BOOKED   (1 << 3)   /* the packet is in its source's account */
#define FW_SAMPLE_RING	   (1U << 20) /* bytes */
struct fw_sample {
	__u64 now_ns;	/* program time */
	__u64 boot_ns;	/* CLOCK_BOOTTIME */
	__u64 key;	/* source: IPv4 address, or upper 64 bits of IPv6; 0 = no address known */
	__u32 len;	/* on the wire, without FCS */
	__u32 every;	/* one in so many was chosen */
	__u16 captured; /* bytes of data that are meant */
	__u8 reason;
	__u8 service;
	__u8 family; /* 4, 6, or 0 = no IP address known */
	__u8 flags;  /* FW_SAMPLE_* */
	__u16 cpu;
	__u8 data[FW_SAMPLE_BYTES]; /* the frame from its start */
};
_Static_assert(sizeof(struct fw_sample) == 168, "fw_sample");

struct fw_count {
	__u64 packets;
	__u64 bytes;
};
/* fw_count_svc: [monitor][service][reason]; fw_count_cls: [class][enum fw_class_count] */
#define FW_COUNT_SVC_SLOTS (2 * FW_SERVICE_MAX * FW_REASON_SLOTS)
enum fw_class_count { FW_CC_PASS, FW_CC_DROP, FW_CC_SOFT, FW_CC_MAX };
#define FW_CC_STRIDE 4

/* Worth counting, but no verdicts: X(identifier, name, text). A packet may cause several. */
#define FW_NOTES(X)                                                                       \
	X(SOFT, "soft", "admitted packets over the soft limit")                           \
	X(RACE, "race", "charges given up after losing to other CPUs too often")          \
	X(SET_FULL, "set_full", "newcomers that found no free place in the source table") \
	X(EVICTED, "evicted", "idle sources forgotten for a newcomer")                    \
	X(INSERTED, "inserted", "sources entered into the table")                         \
	X(MAP_ERROR, "map_error", "map look-ups that failed although they cannot")        \
	X(PROVEN, "proven", "sources that proved themselves")                             \
	X(BANNED, "banned", "bans started")                                               \
	X(ABORT, "abort", "program gave up for a reason of its own; must stay 0")

enum fw_note {
#define X(id, name, text) FW_N_##id,
	FW_NOTES(X)
#undef X
		FW_N_MAX,
};
/* fw_note slots from here on: reflected packets by reflect slot. */
#define FW_NOTE_REFLECT_BASE 32
#define FW_NOTE_SLOTS	     64
_Static_assert(FW_N_MAX <= FW_NOTE_REFLECT_BASE, "notes");
_Static_assert(FW_NOTE_REFLECT_BASE + FW_REFLECT_MAX <= FW_NOTE_SLOTS, "reflect notes");

/* What the pins are: written once at load, read by every command first. */
struct fw_meta {
	__u64 magic;
	__u32 abi;
	__u32 tick_ns;	   /* one step of the program's clock */
	__u64 jiffies0;	   /* jiffies64 at program time 0 */
	__u64 hash_key[4]; /* outlives replacements of the program, as the tables do */
	/* far sets, powers of two; in fw_src_* IPv4 comes first, then /64, then /48 */
	__u32 src4_sets;
	__u32 src6_sets;
	__u32 net6_sets;
	__u32 cpus;	 /* possible CPUs at load */
	__u64 loaded_ns; /* CLOCK_BOOTTIME */
	char build[32];	 /* version of the command that loaded it */
};
_Static_assert(sizeof(struct fw_meta) == 112, "fw_meta");

/* Interfaces attached to, user space's record. Key: netns << 32 | ifindex, for indexes repeat. */
#define FW_IFACE_MAX 64
struct fw_iface {
	char name[16];
	__u64 since_ns; /* CLOCK_REALTIME */
	__u64 netns;	/* inode of the network namespace */
	__u32 ifindex;
	__u32 prog_id;
	__u8 mode;	 /* enum fw_mode */
	__u8 dispatcher; /* 1: through libxdp's dispatcher, 0: alone */
	__u8 pad[6];
	char build[32];
};
_Static_assert(sizeof(struct fw_iface) == 80, "fw_iface");
enum fw_mode { FW_MODE_NATIVE, FW_MODE_GENERIC, FW_MODE_MAX };

#endif

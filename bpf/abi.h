/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one header that the BPF programs and the daemon share: map keys and values, limits, and the reasons by
 * which a frame leaves the program. Plain C types, so that both sides and both languages see the same bytes.
 * Change the layout of anything here and XDPFWD_ABI_VERSION goes up: a daemon adopts only its own version.
 */
#ifndef XDPFWD_BPF_ABI_H
#define XDPFWD_BPF_ABI_H

#include <linux/types.h>

#define XDPFWD_ABI_VERSION 3

/* Limits. Ports are taps; a slot is the small number under which a port is known to the programs. */
#define XDPFWD_MAX_PORTS 4096
#define XDPFWD_MAX_MEMBERS 64
#define XDPFWD_MAX_SENDERS 16384 /* remembered for relearning; the least recently seen is forgotten */
#define XDPFWD_NAME_LEN 16 /* IFNAMSIZ */

/* ---- FDB: (MAC, VLAN) -> port slot -------------------------------------------------------------------- */

/* fdb_key.vlan: the VLAN ID (0 = untagged or priority-tagged, 1..4094), and one bit for an 802.1ad tag. */
#define XDPFWD_VLAN_ID_MASK 0x0fff
#define XDPFWD_VLAN_8021AD 0x8000

struct xdpfwd_fdb_key {
	__u8 mac[6];
	__u16 vlan; /* host byte order */
};

/* fdb_value.flags */
#define XDPFWD_FDB_KEEP_TAG 0x1 /* trunk: the guest gets the frame with its tag */
#define XDPFWD_FDB_TAKEN 0x2	/* always set in a row that is there: a value is never 0 */

struct xdpfwd_fdb_value {
	__u32 slot; /* index into ports and port_stats; < XDPFWD_MAX_PORTS */
	__u32 flags;
};

/*
 * The table is a hash table of our own in an array map. Each element is a cache line, a bucket of four rows; a key
 * has two buckets where its row can be. The daemon is the only one that writes. It stores a value before its key,
 * takes a row back by its key, then its value, and gives a row to another key only after a grace period; so a
 * program that has seen a key reads that key's value, or 0.
 */
#define XDPFWD_FDB_BUCKET_ROWS 4

struct xdpfwd_fdb_row {
	__u64 key; /* the bytes of a struct xdpfwd_fdb_key; of a free row 0 */
	__u64 value; /* the bytes of a struct xdpfwd_fdb_value; of a free row 0 */
};

struct xdpfwd_fdb_bucket {
	struct xdpfwd_fdb_row rows[XDPFWD_FDB_BUCKET_ROWS];
};

/* The element behind the last bucket: what the daemon knows of its table. */
struct xdpfwd_fdb_header {
	__u64 seed; /* odd, chosen at random for each table: nobody can choose MACs that collide */
	__u32 buckets;
	__u32 capacity; /* rows that may be there */
	__u64 unused[6];
};

/* The two halves of the result, each scaled to the number of buckets, are the two places of a key. */
static inline __u64 xdpfwd_fdb_hash(__u64 key, __u64 seed)
{
	key *= seed;
	key ^= key >> 32;
	return key * 0x9e3779b97f4a7c15ULL; /* 2^64 over the golden ratio */
}

static inline __u32 xdpfwd_fdb_first(__u64 hash, __u32 buckets)
{
	return (__u32)((hash >> 32) * buckets >> 32);
}

static inline __u32 xdpfwd_fdb_second(__u64 hash, __u32 buckets)
{
	return (__u32)((hash & 0xffffffff) * buckets >> 32);
}

/* ---- Ports: what a slot means now --------------------------------------------------------------------- */

struct xdpfwd_port {
	__u32 ifindex; /* 0 = closed: frames pass to the stack */
	__u32 max_len; /* bytes of the longest frame the tap takes: mtu + 14 + 4, tested after the pop */
	/*
	 * Seconds after which a frame of each sender to this port passes to the stack, so that the bridge which the
	 * uplink and the tap share keeps knowing where the sender is. 0 = never.
	 */
	__u32 relearn_s;
	char name[XDPFWD_NAME_LEN]; /* the tap's name: for the daemon, which checks identity by name and ifindex */
};

struct xdpfwd_port_stats { /* per CPU, by slot */
	__u64 packets;
	__u64 bytes; /* as delivered: after the pop, without FCS */
	__u64 relearned; /* packets that passed to the stack instead, by XDPFWD_REASON_RELEARN */
};

/* Why a frame was lost after the verdict, by slot; counted from the xdp tracepoints. */
#define XDPFWD_LOSSES(X)                                                                                \
	X(RING_FULL, ring_full, "the tap's ring was full: the guest did not read fast enough")          \
	X(NO_READER, no_reader, "no process reads the tap")                                             \
	X(DOWN, down, "the tap is administratively down")                                               \
	X(TOO_LONG, too_long, "the frame is longer than the tap's MTU allows")                          \
	X(OTHER, other, "another error of the redirect")

enum xdpfwd_loss {
#define X(name, text, help) XDPFWD_LOSS_##name,
	XDPFWD_LOSSES(X)
#undef X
		XDPFWD_LOSS_COUNT
};

struct xdpfwd_port_losses { /* per CPU, by slot */
	__u64 packets[XDPFWD_LOSS_COUNT];
};

/* ---- Members: the uplink NICs a program runs on ------------------------------------------------------- */

/* member.flags */
#define XDPFWD_MEMBER_ACTIVE 0x1	 /* the bond takes frames from this member */
#define XDPFWD_MEMBER_DROP_REFLECTED 0x2 /* drop our own guests' frames that come back from the wire */

struct xdpfwd_member {
	__u32 ifindex; /* 0 = the slot is free */
	__u32 flags;
	/* For the daemon: which program the link at this member runs, and on which table. */
	__u32 prog_id;
	__u32 fdb_id;
	__u64 build; /* identifies the program's object file */
	__u32 flavour; /* enum xdpfwd_flavour */
	__u32 xdp_mode; /* enum xdpfwd_xdp_mode */
	char name[XDPFWD_NAME_LEN];
};

/* Where a member's program finds the VLAN tag. */
enum xdpfwd_flavour {
	XDPFWD_FLAVOUR_FRAME, /* in the frame: the NIC's rxvlan must be off */
	XDPFWD_FLAVOUR_HINT,  /* in the descriptor, by bpf_xdp_metadata_rx_vlan_tag; else in the frame */
};

enum xdpfwd_xdp_mode {
	XDPFWD_XDP_NATIVE,
	XDPFWD_XDP_GENERIC, /* only when asked for by name */
};

/*
 * Every frame leaves the uplink program by exactly one of these, so frames in = the sum of all reasons.
 * X(NAME, name, verdict, help)
 */
#define XDPFWD_REASONS(X)                                                                                      \
	X(FORWARDED, forwarded, XDP_REDIRECT, "redirected to a guest's tap")                                   \
	X(RUNT, runt, XDP_DROP, "shorter than an Ethernet header")                                             \
	X(TRUNCATED_TAG, truncated_tag, XDP_DROP, "a VLAN tag that the frame's end cuts off")                  \
	X(RESERVED, reserved, XDP_PASS, "reserved multicast 01:80:c2:00:00:0x: LACP, LLDP, STP, ...")          \
	X(GROUP, group, XDP_PASS, "broadcast or multicast")                                                    \
	X(MISS, miss, XDP_PASS, "unicast to a (VLAN, MAC) that is not in the table")                           \
	X(INACTIVE, inactive, XDP_PASS, "known, but the bond does not take frames from this member now")       \
	X(FRAGS, frags, XDP_PASS, "known, but in several buffers, which a tap cannot take")                    \
	X(TOO_LONG, too_long, XDP_PASS, "known, but longer than the tap's MTU allows")                         \
	X(PORT_CLOSED, port_closed, XDP_PASS, "known, but the tap cannot take frames now")                     \
	X(RELEARN, relearn, XDP_PASS, "known; passed so that the bridge behind keeps knowing where the sender is") \
	X(NO_ROOM, no_room, XDP_PASS, "known, but the tag could not be taken off or put back")                 \
	X(REFLECTED, reflected, XDP_PASS, "group or miss, sent by one of our own guests; passed")              \
	X(REFLECTED_DROP, reflected_drop, XDP_DROP, "group or miss, sent by one of our own guests; dropped")

enum xdpfwd_reason {
#define X(name, text, verdict, help) XDPFWD_REASON_##name,
	XDPFWD_REASONS(X)
#undef X
		XDPFWD_REASON_COUNT
};

struct xdpfwd_member_stats { /* per CPU, by member slot */
	__u64 packets[XDPFWD_REASON_COUNT];
};

#ifdef __cplusplus
#define XDPFWD_ASSERT(cond) static_assert(cond, #cond)
#else
#define XDPFWD_ASSERT(cond) _Static_assert(cond, #cond)
#endif
XDPFWD_ASSERT(sizeof(struct xdpfwd_fdb_key) == 8);
XDPFWD_ASSERT(sizeof(struct xdpfwd_fdb_value) == 8);
XDPFWD_ASSERT(sizeof(struct xdpfwd_fdb_bucket) == 64);
XDPFWD_ASSERT(sizeof(struct xdpfwd_fdb_header) == sizeof(struct xdpfwd_fdb_bucket));
XDPFWD_ASSERT(sizeof(struct xdpfwd_port) == 28);
XDPFWD_ASSERT(sizeof(struct xdpfwd_port_stats) == 24);
XDPFWD_ASSERT(sizeof(struct xdpfwd_port_losses) == 8 * XDPFWD_LOSS_COUNT);
XDPFWD_ASSERT(sizeof(struct xdpfwd_member) == 48);
XDPFWD_ASSERT(sizeof(struct xdpfwd_member_stats) == 8 * XDPFWD_REASON_COUNT);

#endif /* XDPFWD_BPF_ABI_H */

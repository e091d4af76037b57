/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a frame's first bytes say: destination, source, outer VLAN tag, and the word to look up. Reads at most 18
 * bytes, never past `end`, and changes nothing. What follows from it is decided in uplink.bpf.c.
 * Pure C without the kernel: also compiled natively, for unit tests and fuzzing.
 */
#ifndef XDPFWD_BPF_PARSE_H
#define XDPFWD_BPF_PARSE_H

#include <linux/types.h>

#include "bpf/abi.h"

#ifndef __cplusplus
#include <stdbool.h>
#endif

#define XDPFWD_INLINE static inline __attribute__((always_inline))
#define XDPFWD_LIKELY(x) __builtin_expect(!!(x), 1)
#define XDPFWD_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define XDPFWD_ETH_LEN 14 /* destination, source, EtherType */
#define XDPFWD_MACS_LEN 12
#define XDPFWD_MAC_LEN 6
#define XDPFWD_TAG_LEN 4 /* TPID, TCI */

#define XDPFWD_TPID_8021Q 0x8100
#define XDPFWD_TPID_8021AD 0x88a8

/*
 * A bit of the key's vlan that no row has: a frame with a tag of another TPID (only a descriptor can say so)
 * misses, whatever its VID.
 */
#define XDPFWD_VLAN_FOREIGN 0x4000

/*
 * Loads of several bytes at any alignment. The BPF backend would split a load through memcpy or a packed struct
 * into single bytes; every kernel that has XDP drivers allows the wide one.
 */
XDPFWD_INLINE __u64 xdpfwd_load64(const void *at)
{
#ifdef __bpf__
	return *(const __u64 *)at;
#else
	__u64 value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
#endif
}

XDPFWD_INLINE __u32 xdpfwd_load32(const void *at)
{
#ifdef __bpf__
	return *(const __u32 *)at;
#else
	__u32 value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
#endif
}

/* A 16-bit field of a header, in host byte order. */
XDPFWD_INLINE __u16 xdpfwd_load_be16(const void *at)
{
#ifdef __bpf__
	__u16 value = *(const __u16 *)at;
#else
	__u16 value;

	__builtin_memcpy(&value, at, sizeof(value));
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap16(value);
#endif
	return value;
}

/*
 * A MAC address lives in a word as it lies in memory, in the place that it has in struct xdpfwd_fdb_key: the key
 * is then one OR away. The two bytes where the key's vlan goes are zero.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define XDPFWD_MAC_WORD_MASK 0x0000ffffffffffffULL
#define XDPFWD_MAC_WORD_VLAN_SHIFT 48
#define XDPFWD_MAC_WORD_GROUP 0x01ULL
#define XDPFWD_MAC_WORD_RESERVED 0x0000c28001ULL /* 01:80:c2:00:00:00 */
#define XDPFWD_MAC_WORD_RESERVED_MASK 0xf0ffffffffffULL
#else
#define XDPFWD_MAC_WORD_MASK 0xffffffffffff0000ULL
#define XDPFWD_MAC_WORD_VLAN_SHIFT 0
#define XDPFWD_MAC_WORD_GROUP 0x0100000000000000ULL
#define XDPFWD_MAC_WORD_RESERVED 0x0180c20000000000ULL
#define XDPFWD_MAC_WORD_RESERVED_MASK 0xfffffffffff00000ULL
#endif

/* Reads 8 bytes: `at` is a MAC address with at least two bytes behind it, as both are in an Ethernet header. */
XDPFWD_INLINE __u64 xdpfwd_load_mac(const void *at)
{
	return xdpfwd_load64(at) & XDPFWD_MAC_WORD_MASK;
}

XDPFWD_INLINE bool xdpfwd_mac_is_group(__u64 mac)
{
	return mac & XDPFWD_MAC_WORD_GROUP;
}

/* 01:80:c2:00:00:00..0f: never forwarded by a bridge (LACP, LLDP, STP, pause frames). */
XDPFWD_INLINE bool xdpfwd_mac_is_reserved(__u64 mac)
{
	return (mac & XDPFWD_MAC_WORD_RESERVED_MASK) == XDPFWD_MAC_WORD_RESERVED;
}

/* The eight bytes of a struct xdpfwd_fdb_key. */
XDPFWD_INLINE __u64 xdpfwd_key_word(__u64 mac, __u16 vlan)
{
	return mac | (__u64)vlan << XDPFWD_MAC_WORD_VLAN_SHIFT;
}

/* The outer tag, and where it is. */
enum xdpfwd_tag_place {
	XDPFWD_TAG_NONE,
	XDPFWD_TAG_IN_FRAME,
	XDPFWD_TAG_STRIPPED, /* the NIC took it off; the frame starts with what was behind it */
};

struct xdpfwd_tag {
	enum xdpfwd_tag_place place;
	__u16 tpid; /* host byte order */
	__u16 tci; /* host byte order: priority, drop eligibility, VID */
};

/* The key's vlan. VID 0 only carries a priority: such a frame belongs to the untagged VLAN, whatever its TPID. */
XDPFWD_INLINE __u16 xdpfwd_key_vlan(const struct xdpfwd_tag *tag)
{
	__u16 vlan;

	if (tag->place == XDPFWD_TAG_NONE)
		return 0;
	vlan = tag->tci & XDPFWD_VLAN_ID_MASK;
	if (XDPFWD_LIKELY(tag->tpid == XDPFWD_TPID_8021Q) || !vlan)
		return vlan;
	return (__u16)(vlan | (tag->tpid == XDPFWD_TPID_8021AD ? XDPFWD_VLAN_8021AD : XDPFWD_VLAN_FOREIGN));
}

XDPFWD_INLINE bool xdpfwd_has_ethernet_header(const void *data, const void *end)
{
	return (const char *)data + XDPFWD_ETH_LEN <= (const char *)end;
}

/*
 * Finds the outer tag of a frame that has an Ethernet header. False: the frame's end cuts the tag off. Inner tags
 * are of no interest: they are the guest's.
 */
XDPFWD_INLINE bool xdpfwd_parse_tag(const void *data, const void *end, struct xdpfwd_tag *tag)
{
	const char *at = (const char *)data + XDPFWD_MACS_LEN;

	tag->place = XDPFWD_TAG_NONE;
	tag->tci = 0;
	tag->tpid = xdpfwd_load_be16(at);
	if (tag->tpid != XDPFWD_TPID_8021Q && tag->tpid != XDPFWD_TPID_8021AD)
		return true;
	if ((const char *)data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN > (const char *)end)
		return false;
	tag->place = XDPFWD_TAG_IN_FRAME;
	tag->tci = xdpfwd_load_be16(at + 2);
	return true;
}

#endif /* XDPFWD_BPF_PARSE_H */

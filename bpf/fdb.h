/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding table: how a (VLAN, MAC) finds its row. All that the programs know of the table is in here; how it
 * lies in memory is in abi.h. Of our own, because the kernel's hash table costs three times the instructions and at least
 * two cache misses for each look-up, and may give a row to another key while a program reads it.
 */
#ifndef XDPFWD_BPF_FDB_H
#define XDPFWD_BPF_FDB_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/parse.h"

/* Buckets, and the header. The daemon sets max_entries, and writes through a mapping of the whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65537);
	__type(key, __u32);
	__type(value, struct xdpfwd_fdb_bucket);
} fdb SEC(".maps");

/* The header's values for the table that this load of the program uses. */
const volatile __u64 fdb_seed = 1;
const volatile __u32 fdb_buckets = 65536;

/* The value of a key's row in this bucket, or 0. */
XDPFWD_INLINE __u64 fdb_look(__u32 place, __u64 key)
{
	const struct xdpfwd_fdb_bucket *bucket = bpf_map_lookup_elem(&fdb, &place);

	if (XDPFWD_UNLIKELY(!bucket))
		return 0; /* never: a place is less than the number of buckets */
	if (XDPFWD_LIKELY(bucket->rows[0].key == key))
		return *(const volatile __u64 *)&bucket->rows[0].value;
	if (bucket->rows[1].key == key)
		return *(const volatile __u64 *)&bucket->rows[1].value;
	if (bucket->rows[2].key == key)
		return *(const volatile __u64 *)&bucket->rows[2].value;
	if (bucket->rows[3].key == key)
		return *(const volatile __u64 *)&bucket->rows[3].value;
	return 0;
}

/* The row of `mac` (a word of xdpfwd_load_mac) in `vlan` (of xdpfwd_key_vlan). False: there is none. */
XDPFWD_INLINE bool fdb_lookup(__u64 mac, __u16 vlan, struct xdpfwd_fdb_value *row)
{
	__u64 key = xdpfwd_key_word(mac, vlan);
	__u64 hash = xdpfwd_fdb_hash(key, fdb_seed);
	__u64 value;

	/* A free row's key, whose value may just be on its way in or out. */
	if (XDPFWD_UNLIKELY(!key))
		return false;
	value = fdb_look(xdpfwd_fdb_first(hash, fdb_buckets), key);
	if (XDPFWD_UNLIKELY(!value))
		value = fdb_look(xdpfwd_fdb_second(hash, fdb_buckets), key);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	row->slot = (__u32)value;
	row->flags = value >> 32;
#else
	row->slot = value >> 32;
	row->flags = (__u32)value;
#endif
	return value;
}

#endif /* XDPFWD_BPF_FDB_H */

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The forwarding table: how a (VLAN, MAC) finds its row. All that the programs know of the table is in here, so
 * that another kind of table changes this file only.
 */
#ifndef XDPFWD_BPF_FDB_H
#define XDPFWD_BPF_FDB_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/parse.h"

/* Preallocated: an insert while frames flow never fails for lack of memory. The daemon sets max_entries. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct xdpfwd_fdb_key);
	__type(value, struct xdpfwd_fdb_value);
} fdb SEC(".maps");

/* The row of `mac` (a word of xdpfwd_load_mac) in `vlan` (of xdpfwd_key_vlan), or NULL. */
XDPFWD_INLINE const struct xdpfwd_fdb_value *fdb_lookup(__u64 mac, __u16 vlan)
{
	__u64 key = xdpfwd_key_word(mac, vlan);

	return bpf_map_lookup_elem(&fdb, &key);
}

#endif /* XDPFWD_BPF_FDB_H */

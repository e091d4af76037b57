// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Counts and drops UDP to our port, or to the discard port that the kernel's packet generator sends to, as early as tc
 * can: inside a guest, so that its own stack costs nothing.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "pktgen/drop_sink.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct drop_counts);
} counts SEC(".maps");

SEC("tc")
int drop(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct drop_counts *row;
	__u32 key = 0, at = ETH_HLEN;
	__be16 port;

	if (data + ETH_HLEN + 4 + 24 > end)
		return TC_ACT_OK;
	if (*(__be16 *)(data + 12) == bpf_htons(ETH_P_8021Q)) {
		if (*(__be16 *)(data + 16) != bpf_htons(ETH_P_IP))
			return TC_ACT_OK;
		at += 4;
	} else if (*(__be16 *)(data + 12) != bpf_htons(ETH_P_IP)) {
		return TC_ACT_OK;
	}
	if (data[at] != 0x45 || data[at + 9] != 17)
		return TC_ACT_OK;
	port = *(__be16 *)(data + at + 22);
	if (port != bpf_htons(DROP_SINK_PORT) && port != bpf_htons(9))
		return TC_ACT_OK;
	row = bpf_map_lookup_elem(&counts, &key);
	if (row) {
		__u64 now = bpf_ktime_get_ns();

		if (!row->frames)
			row->first_ns = now;
		row->last_ns = now;
		row->frames++;
		row->bytes += skb->len;
	}
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * For tests: a sender's NIC that puts a VLAN tag beside the frame, as a receiver's descriptor will have it. On a
 * veth's egress by tcx. The sender asks for it by the socket's mark: bit 16 = push, bit 17 = 802.1ad, low 16 = TCI.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int push_tag(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;

	if (mark & 0x10000)
		bpf_skb_vlan_push(skb, mark & 0x20000 ? bpf_htons(0x88a8) : bpf_htons(0x8100), (__u16)mark);
	return 0; /* TCX_PASS */
}

char _license[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What tc can do: the same (VLAN, MAC) look-up as xdpfwd's, on socket buffers, then a redirect to the tap. Also the
 * program that only pops the tag, for kernels whose bridge knows no VLANs; and those by which TCP gets a tag on the wire
 * and the guest's answers get back.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct forward_key {
	__u8 mac[6];
	__u16 vid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct forward_key);
	__type(value, __u32);
} table SEC(".maps");

SEC("tc")
int tc_forward(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data;
	struct forward_key key;
	__u32 *ifindex;

	if (data + 14 > (__u8 *)(long)skb->data_end)
		return TC_ACT_OK;
	__builtin_memcpy(key.mac, data, 6);
	key.vid = skb->vlan_present ? skb->vlan_tci & 0xfff : 0;
	ifindex = bpf_map_lookup_elem(&table, &key);
	if (!ifindex)
		return TC_ACT_OK;
	if (skb->vlan_present && bpf_skb_vlan_pop(skb))
		return TC_ACT_SHOT;
	return bpf_redirect(*ifindex, 0);
}

SEC("tc")
int tc_pop(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		bpf_skb_vlan_pop(skb);
	return TC_ACT_UNSPEC;
}

const volatile __u16 pushed_vid = 0;
const volatile __u32 way_back = 0; /* ifindex */

SEC("tc")
int tc_push(struct __sk_buff *skb)
{
	return bpf_skb_vlan_push(skb, bpf_htons(0x8100), pushed_vid) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

SEC("tc")
int tc_back(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(0x8100), pushed_vid))
		return TC_ACT_SHOT;
	return bpf_redirect(way_back, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";

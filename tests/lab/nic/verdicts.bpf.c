// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* XDP programs of one verdict each, for the stand-in's cases. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

SEC("xdp")
int pass(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

SEC("xdp")
int redirect(struct xdp_md *ctx __attribute__((unused)))
{
	return (int)bpf_redirect_map(&target, 0, XDP_DROP);
}

char _license[] SEC("license") = "Dual BSD/GPL";

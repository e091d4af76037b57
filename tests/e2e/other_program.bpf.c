// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Somebody else's XDP program, that keeps ours from a NIC. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int other(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What NAPI does on the watched NICs: a histogram of the packets that a poll took, for each NAPI instance; to which
 * devices each instance's frames were redirected; and the time that CPUs spend in network softirqs. Attached only
 * while somebody looks.
 *
 * A driver hands its redirected frames on (xdp_do_flush) before it returns from its poll, and the kernel reports the
 * poll afterwards, on the same CPU: what was delivered since the last poll there was delivered by this one.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/polls_abi.h"

#define SOFTIRQ_NET_TX 2
#define SOFTIRQ_NET_RX 3

/* Our network namespace (the inode number of /proc/self/ns/net): tracepoints are host-wide. */
const volatile __u32 netns_inum = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFWD_POLLS_NICS);
	__type(key, __u32); /* ifindex */
	__type(value, __u8);
} watched SEC(".maps");

/* A NAPI instance is polled by one CPU at a time: its row needs no atomic operations. Those without an id (of
 * sending, with some drivers) share the row 0 of their NIC: there a count may be lost now and then. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFWD_POLLS_ROWS);
	__type(key, struct xdpfwd_polls_key);
	__type(value, struct xdpfwd_polls_row);
} polls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFWD_POLLS_DELIVERIES);
	__type(key, struct xdpfwd_delivery_key);
	__type(value, struct xdpfwd_delivery_row);
} deliveries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdpfwd_polls_cpu);
} cpus SEC(".maps");

/* The few fields that we read of the kernel's structures, found by name at load time. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct napi_struct {
	struct net_device *dev;
	unsigned int napi_id;
} __attribute__((preserve_access_index));

static __always_inline struct xdpfwd_polls_cpu *this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline __u32 bucket_of(__u32 work)
{
	return work < 4	 ? work :
	       work < 8	 ? 4 :
	       work < 16 ? 5 :
	       work < 32 ? 6 :
	       work < 64 ? 7 :
			   8;
}

static __always_inline void count_delivery(struct xdpfwd_polls_cpu *cpu, __u32 ifindex, __u32 napi, __u32 i)
{
	struct xdpfwd_delivery_key key = { .ifindex = ifindex, .napi = napi, .to = cpu->delivered[i].to };
	struct xdpfwd_delivery_row *row;

	if (cpu->delivered[i].from != ifindex)
		return; /* of no poll: frames that a test run made */
	row = bpf_map_lookup_elem(&deliveries, &key);
	if (!row) {
		struct xdpfwd_delivery_row fresh = {};

		bpf_map_update_elem(&deliveries, &key, &fresh, BPF_ANY);
		row = bpf_map_lookup_elem(&deliveries, &key);
	}
	if (!row) {
		cpu->uncounted++;
		return;
	}
	row->taken += cpu->delivered[i].taken;
	row->lost += cpu->delivered[i].lost;
}

/* napi_poll(napi, work, budget): a poll has ended. */
SEC("tp_btf/napi_poll")
int xdpfwd_napi_poll(__u64 *ctx)
{
	const struct napi_struct *napi = (const void *)ctx[0];
	const struct net_device *dev = napi->dev;
	struct xdpfwd_polls_cpu *cpu = this_cpu();
	struct xdpfwd_polls_key key;
	struct xdpfwd_polls_row *row;
	int work = (int)ctx[1];
	__u64 bucket;

	if (!cpu)
		return 0;
	if (dev && dev->nd_net.net->ns.inum == netns_inum) {
		key.ifindex = dev->ifindex;
		key.napi = napi->napi_id;
		if (bpf_map_lookup_elem(&watched, &key.ifindex)) {
			row = bpf_map_lookup_elem(&polls, &key);
			if (!row) {
				struct xdpfwd_polls_row fresh = {};

				bpf_map_update_elem(&polls, &key, &fresh, BPF_ANY);
				row = bpf_map_lookup_elem(&polls, &key);
			}
			if (row) {
				bucket = bucket_of(work > 0 ? work : 0);
				/* The compiler knows that it is in bounds; the verifier must see the check. */
				asm volatile("" : "+r"(bucket));
				if (bucket < XDPFWD_POLLS_BUCKETS)
					row->by_work[bucket]++;
				row->packets += work > 0 ? work : 0;
			} else {
				cpu->uncounted++;
			}
			for (__u32 i = 0; i < XDPFWD_POLLS_PENDING; i++)
				if (i < cpu->pending)
					count_delivery(cpu, key.ifindex, key.napi, i);
		}
	}
	cpu->pending = 0;
	return 0;
}

/* xdp_devmap_xmit(from, to, sent, drops, err): a bulk of frames was handed to a device. */
SEC("tp_btf/xdp_devmap_xmit")
int xdpfwd_delivered(__u64 *ctx)
{
	const struct net_device *from = (const void *)ctx[0];
	const struct net_device *to = (const void *)ctx[1];
	struct xdpfwd_polls_cpu *cpu = this_cpu();
	int sent = (int)ctx[2];
	int drops = (int)ctx[3];
	__u32 ifindex = from->ifindex;
	__u32 target = to->ifindex;

	if (!cpu || from->nd_net.net->ns.inum != netns_inum || !bpf_map_lookup_elem(&watched, &ifindex))
		return 0;
	for (__u32 i = 0; i < XDPFWD_POLLS_PENDING; i++) {
		if (i < cpu->pending && (cpu->delivered[i].to != target || cpu->delivered[i].from != ifindex))
			continue;
		if (i >= cpu->pending) {
			cpu->delivered[i].from = ifindex;
			cpu->delivered[i].to = target;
			cpu->delivered[i].taken = 0;
			cpu->delivered[i].lost = 0;
			cpu->pending = i + 1;
		}
		cpu->delivered[i].taken += sent > 0 ? sent : 0;
		cpu->delivered[i].lost += drops > 0 ? drops : 0;
		return 0;
	}
	cpu->uncounted++;
	return 0;
}

SEC("tp_btf/softirq_entry")
int xdpfwd_softirq_entry(__u64 *ctx)
{
	__u64 vector = ctx[0];
	struct xdpfwd_polls_cpu *cpu = this_cpu();

	if (cpu && (vector == SOFTIRQ_NET_RX || vector == SOFTIRQ_NET_TX))
		cpu->net_entered_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int xdpfwd_softirq_exit(__u64 *ctx)
{
	__u64 vector = ctx[0];
	struct xdpfwd_polls_cpu *cpu = this_cpu();

	if (!cpu || !cpu->net_entered_ns || (vector != SOFTIRQ_NET_RX && vector != SOFTIRQ_NET_TX))
		return 0;
	cpu->net_ns += bpf_ktime_get_ns() - cpu->net_entered_ns;
	cpu->net_entered_ns = 0;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";

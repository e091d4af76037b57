// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The generator: run by BPF_PROG_TEST_RUN with live frames, each run of the program makes one frame or, when none
 * is due, drops the buffer. One call makes many; so the pace is kept in here. Buffers come back as the receiver left
 * them: everything is rewritten.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "pktgen/generator.h"

/* The few fields of the kernel's that the tracepoints below look at. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
};
struct bpf_prog_aux {
	__u32 id;
};
struct bpf_prog {
	struct bpf_prog_aux *aux;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct generator_stream);
} streams SEC(".maps");

/* Tells the process that the last frame has been made. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct generator_run run;
struct generator_refusals refusals[PKTGEN_MAX_DEVICES];
__u32 generator_id; /* of the program below */
const volatile __u8 pattern[PKTGEN_PATTERN_SIZE];
const volatile __u32 gaps_q16[PKTGEN_GAPS];

static __always_inline __u32 words48(__u64 value)
{
	return (value & 0xffff) + (value >> 16 & 0xffff) + (value >> 32 & 0xffff);
}

static __always_inline void put48(__u8 *to, __u64 value)
{
	for (int i = 0; i < 6; i++)
		to[i] = value >> (40 - 8 * i);
}

static __always_inline void put_stamp(__u8 *to, __u32 id, __u64 sequence, __u64 now)
{
	__u32 sum = (id & 0xffff) + (id >> 16) + words48(sequence) + words48(now);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	put48(to, sequence);
	put48(to + 6, now);
	to[12] = sum >> 8;
	to[13] = sum;
}

static __always_inline int finish(void)
{
	__u8 token = 1;

	run.done = 1;
	bpf_ringbuf_output(&events, &token, sizeof(token), 0);
	return XDP_DROP;
}

/* From this frame to the one after it, in 1/65536 nanoseconds. */
static __always_inline __u64 next_gap_q16(void)
{
	__u64 gap = run.interval_q16;

	if (run.burst > 1) {
		if (run.in_burst) {
			run.in_burst--;
			return 0;
		}
		run.in_burst = run.burst - 1;
		gap *= run.burst;
	}
	if (run.poisson)
		gap = (gap >> 16) * gaps_q16[bpf_get_prandom_u32() & (PKTGEN_GAPS - 1)];
	return gap;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct generator_stream *stream;
	__u64 now = bpf_ktime_get_ns();
	__u32 key, device, head_len, fill_len, stamp_at, fill_at;
	int delta;

	if (run.done)
		return XDP_DROP;
	if (!run.start_ns)
		run.start_ns = now;
	if (now - run.start_ns >= run.duration_ns || run.sent + run.left_out + run.unsent >= run.limit)
		return finish();
	/*
	 * A run that was held up catches up at full speed: slower, it never would on a busy machine. Where that
	 * would be a burst that nobody asked for, there is a longest lag, and what is later is not sent.
	 */
	if (run.interval_q16) {
		__u64 elapsed_q16 = (now - run.start_ns) << 16;

		if (elapsed_q16 < run.due_q16)
			return XDP_DROP;
		if (run.max_lag_q16 && elapsed_q16 - run.due_q16 > run.max_lag_q16) {
			run.due_q16 += next_gap_q16();
			run.unsent++;
			return XDP_DROP;
		}
	}

	key = run.next_stream;
	run.next_stream = key + 1 < run.stream_count ? key + 1 : 0;
	run.due_q16 += next_gap_q16();
	run.last_ns = now;

	stream = bpf_map_lookup_elem(&streams, &key);
	if (!stream)
		return XDP_DROP;
	device = run.ifindex[stream->device & (PKTGEN_MAX_DEVICES - 1)];
	if (!device) {
		run.left_out++;
		return XDP_DROP;
	}

	head_len = stream->head_len;
	fill_len = stream->fill_len;
	if (head_len < PKTGEN_STAMP_SIZE || head_len > PKTGEN_HEAD_SIZE || fill_len > PKTGEN_FILL_MAX)
		return XDP_DROP;
	delta = (int)(head_len + fill_len) - (int)run.frame_len;
	if (delta && bpf_xdp_adjust_tail(ctx, delta))
		return XDP_DROP;

	stamp_at = head_len - PKTGEN_STAMP_SIZE;
	if (stamp_at > PKTGEN_HEAD_SIZE - PKTGEN_STAMP_SIZE)
		return XDP_DROP;
	put_stamp(stream->head + stamp_at, stream->id, stream->sequence, now);
	if (bpf_xdp_store_bytes(ctx, 0, stream->head, head_len))
		return XDP_DROP;
	fill_at = stream->fill_at & (PKTGEN_PATTERN_SIZE - PKTGEN_FILL_MAX - 1);
	/* Linux 6.1 learns nothing from "not zero": it must see one less, and then one more. */
	fill_len--;
	barrier_var(fill_len);
	if (fill_len < PKTGEN_FILL_MAX &&
	    bpf_xdp_store_bytes(ctx, head_len, (void *)(pattern + fill_at), fill_len + 1))
		return XDP_DROP;

	stream->sequence++;
	run.sent++;
	return bpf_redirect(device, 0);
}

static __always_inline struct generator_refusals *refusals_of(__u32 ifindex)
{
	for (__u32 i = 0; i < PKTGEN_MAX_DEVICES; i++)
		if (run.ifindex[i] == ifindex)
			return &refusals[i];
	return 0;
}

/*
 * Frames are handed over in bulk after the program's verdict. Tracepoints are global to the host, so that
 * "ours" is decided by the device and its namespace.
 */
SEC("tp_btf/xdp_devmap_xmit")
int devmap_xmit(__u64 *ctx) /* from device, to device, sent, drops, error */
{
	const struct net_device *to = (void *)ctx[1];
	int drops = ctx[3], err = ctx[4];
	struct generator_refusals *counts;

	if (drops <= 0 || to->nd_net.net->ns.inum != run.netns)
		return 0;
	counts = refusals_of(to->ifindex);
	if (!counts)
		return 0;
	if (err) {
		__sync_fetch_and_add(&counts->error, drops);
		counts->last_errno = -err;
	} else {
		__sync_fetch_and_add(&counts->ring_full, drops);
	}
	return 0;
}

SEC("tp_btf/xdp_redirect_err")
int redirect_err(__u64 *ctx) /* device, program, target, error, map type, map id, index */
{
	const struct bpf_prog *prog = (void *)ctx[1];
	int err = ctx[3];
	struct generator_refusals *counts;

	if (prog->aux->id != generator_id)
		return 0;
	counts = refusals_of((__u32)ctx[6]);
	if (counts) {
		__sync_fetch_and_add(&counts->error, 1);
		counts->last_errno = -err;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";

// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Wire -> guest. Decides for every frame that a bond member receives: redirect it to a guest's tap, pass it to the
 * stack, or drop it. Whatever the table does not know, or cannot deliver now, passes to the stack as it came, byte
 * for byte. Every frame leaves by leave(), which counts it.
 *
 * Two programs share one body and differ in where they find the VLAN tag. The daemon loads one of them per member.
 * They are objects of their own, the second one built with XDPFWD_HINT: where the kernel lacks the function that it
 * calls, libbpf looks for it in the modules' BTF, which takes CAP_SYS_ADMIN, and loads nothing of an object without.
 * Built with XDPFWD_STUB_TAG, both are in one, and the second one reads the tag from memory instead of the NIC's
 * descriptor, so that BPF_PROG_TEST_RUN, which refuses programs bound to a device, can run it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/fdb.h"
#include "bpf/maps.h"
#include "bpf/parse.h"
#include "bpf/relearn.h"
#include "bpf/rewrite.h"

XDPFWD_INLINE __u32 member_flags(void)
{
	const struct xdpfwd_member *member = bpf_map_lookup_elem(&members, (const void *)&member_slot);

	return member ? member->flags : 0; /* always there: the daemon gives slots that exist */
}

/*
 * Of a frame in several buffers, only the first is between data and data_end. Asking costs a tenth of what the
 * program costs above a bare redirect (`xdpfwd-bench micro`, program/untagged, with and without), but nothing in the
 * context says it, and a wrong guess would lose the frame behind the verdict.
 */
XDPFWD_INLINE bool in_several_buffers(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) != (__u64)(ctx->data_end - ctx->data);
}

/* The one exit. */
XDPFWD_INLINE int leave(enum xdpfwd_reason reason)
{
	struct xdpfwd_member_stats *stats = bpf_map_lookup_elem(&member_stats, (const void *)&member_slot);

	if (XDPFWD_LIKELY(stats))
		stats->packets[reason]++;
	switch (reason) {
#define X(name, text, verdict, help)                                                                           \
	case XDPFWD_REASON_##name:                                                                             \
		return verdict;
		XDPFWD_REASONS(X)
#undef X
	default:
		return XDP_PASS;
	}
}

/*
 * A frame that would pass as group or miss. If one of our own guests sent it, it came back from the wire: a bridge
 * behind us would learn the guest on the uplink. But the frames of a guest that has just moved to another host, whose
 * row here is not gone yet, look the same; so dropping is asked for by configuration. That does not depend on the
 * member being active: a bond discards such frames on an inactive member anyway, and when our view of the bond is
 * late, the operator's wish still holds. Off the redirect path, which thus keeps its single look-up.
 */
static __noinline enum xdpfwd_reason pass_unknown(__u64 src, __u16 vlan, enum xdpfwd_reason reason)
{
	struct xdpfwd_fdb_value row;

	if (!fdb_lookup(src, vlan, &row))
		return reason;
	return member_flags() & XDPFWD_MEMBER_DROP_REFLECTED ? XDPFWD_REASON_REFLECTED_DROP :
							       XDPFWD_REASON_REFLECTED;
}

/* Takes the tag off the frame, or leaves the frame as it is. */
XDPFWD_INLINE bool pop_tag(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data;
	char *end = (char *)(long)ctx->data_end;
	__u32 tag;

	/* Known to hold; asked again because the verifier need not remember it across the compiler's choices. */
	if (XDPFWD_UNLIKELY(data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN > end))
		return false;
	tag = xdpfwd_pop_tag(data);
	if (XDPFWD_LIKELY(!bpf_xdp_adjust_head(ctx, XDPFWD_TAG_LEN)))
		return true;
	/* Not seen: the kernel only wants an Ethernet header to be left. */
	data = (char *)(long)ctx->data;
	end = (char *)(long)ctx->data_end;
	if (data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN <= end)
		xdpfwd_push_tag(data, tag);
	return false;
}

/* Puts the tag on the frame, or leaves the frame as it is. */
XDPFWD_INLINE bool push_tag(struct xdp_md *ctx, const struct xdpfwd_tag *tag)
{
	char *data, *end;

	if (XDPFWD_UNLIKELY(bpf_xdp_adjust_head(ctx, -XDPFWD_TAG_LEN)))
		return false;
	data = (char *)(long)ctx->data;
	end = (char *)(long)ctx->data_end;
	if (data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN > end)
		return false; /* never: it has just grown to this; for the verifier */
	xdpfwd_push_tag(data, xdpfwd_tag_bytes(tag->tpid, tag->tci));
	return true;
}

/* `tag` is the descriptor's, or XDPFWD_TAG_NONE: then it is looked for in the frame. */
XDPFWD_INLINE enum xdpfwd_reason forward(struct xdp_md *ctx, struct xdpfwd_tag tag)
{
	const char *data = (const char *)(long)ctx->data;
	const char *end = (const char *)(long)ctx->data_end;
	struct xdpfwd_fdb_value row;
	const struct xdpfwd_port *port;
	struct xdpfwd_port_stats *stats;
	bool pop = false, push = false;
	__u32 slot, length;
	__u64 dst;
	__u16 vlan;

	/* A frame whose headers are not in the first buffer is no runt: the stack can read it. */
	if (XDPFWD_UNLIKELY(!xdpfwd_has_ethernet_header(data, end)))
		return in_several_buffers(ctx) ? XDPFWD_REASON_FRAGS : XDPFWD_REASON_RUNT;
	dst = xdpfwd_load_mac(data);
	if (XDPFWD_UNLIKELY(xdpfwd_mac_is_reserved(dst)))
		return XDPFWD_REASON_RESERVED;
	if (tag.place == XDPFWD_TAG_NONE && XDPFWD_UNLIKELY(!xdpfwd_parse_tag(data, end, &tag)))
		return in_several_buffers(ctx) ? XDPFWD_REASON_FRAGS : XDPFWD_REASON_TRUNCATED_TAG;
	vlan = xdpfwd_key_vlan(&tag);
	if (XDPFWD_UNLIKELY(xdpfwd_mac_is_group(dst)))
		return pass_unknown(xdpfwd_load_mac(data + XDPFWD_MAC_LEN), vlan, XDPFWD_REASON_GROUP);
	if (XDPFWD_UNLIKELY(!fdb_lookup(dst, vlan, &row)))
		return pass_unknown(xdpfwd_load_mac(data + XDPFWD_MAC_LEN), vlan, XDPFWD_REASON_MISS);

	/* Known. XDP runs before the bond's own suppression of duplicates. */
	if (XDPFWD_UNLIKELY(!(member_flags() & XDPFWD_MEMBER_ACTIVE)))
		return XDPFWD_REASON_INACTIVE;
	if (XDPFWD_UNLIKELY(in_several_buffers(ctx)))
		return XDPFWD_REASON_FRAGS;
	slot = row.slot;
	port = bpf_map_lookup_elem(&ports, &slot);
	if (XDPFWD_UNLIKELY(!port || !port->ifindex))
		return XDPFWD_REASON_PORT_CLOSED;

	/* The frame's length as the guest gets it. */
	length = ctx->data_end - ctx->data;
	if (tag.place == XDPFWD_TAG_IN_FRAME && !(row.flags & XDPFWD_FDB_KEEP_TAG)) {
		pop = true;
		length -= XDPFWD_TAG_LEN;
	} else if (tag.place == XDPFWD_TAG_STRIPPED && row.flags & XDPFWD_FDB_KEEP_TAG) {
		push = true;
		length += XDPFWD_TAG_LEN;
	}
	if (XDPFWD_UNLIKELY(length > port->max_len))
		return XDPFWD_REASON_TOO_LONG;

	stats = bpf_map_lookup_elem(&port_stats, &slot);
	if (XDPFWD_UNLIKELY(!stats))
		return XDPFWD_REASON_PORT_CLOSED; /* never: ports has as many slots */
	if (port->relearn_s && relearn_looks_at(stats->packets + stats->relearned) &&
	    relearn_is_due(xdpfwd_key_word(xdpfwd_load_mac(data + XDPFWD_MAC_LEN), vlan), port->relearn_s)) {
		stats->relearned++;
		return XDPFWD_REASON_RELEARN;
	}

	/* Only remembers the target; nothing is sent before we return. So it can be asked before the frame changes. */
	if (XDPFWD_UNLIKELY(bpf_redirect_map(&devmap, port->ifindex, XDP_PASS) != XDP_REDIRECT))
		return XDPFWD_REASON_PORT_CLOSED;
	if (pop && XDPFWD_UNLIKELY(!pop_tag(ctx)))
		return XDPFWD_REASON_NO_ROOM;
	if (push && XDPFWD_UNLIKELY(!push_tag(ctx, &tag)))
		return XDPFWD_REASON_NO_ROOM;

	stats->packets++;
	stats->bytes += length;
	return XDPFWD_REASON_FORWARDED;
}

#ifndef XDPFWD_HINT
/* The tag is in the frame: the NIC's rxvlan is off. */
SEC("xdp.frags")
int xdpfwd_uplink(struct xdp_md *ctx)
{
	struct xdpfwd_tag tag = { .place = XDPFWD_TAG_NONE };

	return leave(forward(ctx, tag));
}
#endif

#ifdef XDPFWD_STUB_TAG
struct {
	__s32 error;
	__be16 proto;
	__u16 tci;
} stub_tag;

XDPFWD_INLINE int read_descriptor_tag(struct xdp_md *ctx, __be16 *proto, __u16 *tci)
{
	(void)ctx;
	*proto = *(volatile __be16 *)&stub_tag.proto;
	*tci = *(volatile __u16 *)&stub_tag.tci;
	return *(volatile __s32 *)&stub_tag.error;
}
#elif defined(XDPFWD_HINT)
/* Since 6.8. */
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *ctx, __be16 *vlan_proto,
					__u16 *vlan_tci) __ksym;

XDPFWD_INLINE int read_descriptor_tag(struct xdp_md *ctx, __be16 *proto, __u16 *tci)
{
	return bpf_xdp_metadata_rx_vlan_tag(ctx, proto, tci);
}
#endif

#if defined(XDPFWD_STUB_TAG) || defined(XDPFWD_HINT)
/*
 * The tag is in the descriptor when the NIC stripped one. When it did not (-ENODATA; or the driver cannot say), the
 * tag is where the wire has it.
 */
SEC("xdp.frags")
int xdpfwd_uplink_hint(struct xdp_md *ctx)
{
	struct xdpfwd_tag tag = { .place = XDPFWD_TAG_NONE };
	__be16 proto = 0;
	__u16 tci = 0;

#ifdef __bpf__
	/*
	 * Room to grow. The verifier rewrites a program and makes it longer; when that takes more pages than were
	 * allocated for it, the program moves. Linux (seen on 6.18) keeps a pointer to the old place of a program bound
	 * to a device, and follows it when the device goes away. The verifier takes these instructions out before it
	 * puts its own in, so the pages are there. load_uplink() checks that it was enough.
	 */
	if (never)
		asm volatile(".rept 512\n r0 = r0\n .endr" ::: "r0");
#endif
	if (!read_descriptor_tag(ctx, &proto, &tci)) {
		tag.place = XDPFWD_TAG_STRIPPED;
		tag.tpid = xdpfwd_load_be16(&proto);
		tag.tci = tci;
	}
	return leave(forward(ctx, tag));
}
#endif

char _license[] SEC("license") = "Dual BSD/GPL";

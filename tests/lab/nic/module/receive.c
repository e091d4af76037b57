// SPDX-License-Identifier: GPL-2.0-only
/*
 * NAPI of a queue: takes frames out of its ring, strips the VLAN tag into the descriptor, runs the XDP program, makes a
 * socket buffer of what it passes.
 */
#include "labnic.h"

#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>

/* What a program's metadata calls are given: the buffer, and what a completion would say of the frame. */
struct labnic_buff {
	struct xdp_buff xdp;
	u16 tci;
	bool stripped;
};

/* en/xdp.c: the protocol is always 802.1Q, the tag in host order, -ENODATA without one. */
static int labnic_xdp_rx_vlan_tag(const struct xdp_md *ctx, __be16 *proto, u16 *tci)
{
	const struct labnic_buff *buff = (const void *)ctx;

	if (!buff->stripped)
		return -ENODATA;
	*proto = htons(ETH_P_8021Q);
	*tci = buff->tci;
	return 0;
}

const struct xdp_metadata_ops labnic_metadata_ops = { .xmo_rx_vlan_tag = labnic_xdp_rx_vlan_tag };

static void labnic_pass(struct labnic_queue *queue, struct labnic_buff *buff)
{
	struct xdp_buff *xdp = &buff->xdp;
	struct sk_buff *skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);

	if (!skb)
		return page_frag_free(xdp->data_hard_start);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (xdp->data > xdp->data_meta)
		skb_metadata_set(skb, xdp->data - xdp->data_meta);
	skb_record_rx_queue(skb, queue->rxq.queue_index);
	skb->protocol = eth_type_trans(skb, queue->dev);
	if (queue->dev->features & NETIF_F_RXCSUM)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (buff->stripped)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), buff->tci);
	napi_gro_receive(&queue->napi, skb);
}

/* The frame's end: passed, redirected or dropped. Whether it was redirected. */
static bool labnic_receive(struct labnic_queue *queue, struct labnic_frame *frame, struct bpf_prog *program)
{
	struct vlan_ethhdr *header = (void *)frame->data;
	struct labnic_buff buff = {};
	u32 action = XDP_PASS;

	queue->count[RX_PACKETS]++;
	queue->count[RX_BYTES] += frame->length;
	dev_sw_netstats_rx_add(queue->dev, frame->length);
	xdp_init_buff(&buff.xdp, page_size(virt_to_page(frame)), &queue->rxq);
	xdp_prepare_buff(&buff.xdp, (void *)frame, XDP_PACKET_HEADROOM, frame->length, true);
	if (header->h_vlan_proto == htons(ETH_P_8021Q) && queue->dev->features & NETIF_F_HW_VLAN_CTAG_RX) {
		buff.stripped = true;
		buff.tci = ntohs(header->h_vlan_TCI);
		buff.xdp.data = buff.xdp.data_meta = memmove(frame->data + VLAN_HLEN, header, 2 * ETH_ALEN);
	}
	if (program)
		action = bpf_prog_run_xdp(program, &buff.xdp);
	if (action == XDP_PASS) {
		labnic_pass(queue, &buff);
		return false;
	}
	if (action == XDP_REDIRECT && !xdp_do_redirect(queue->dev, &buff.xdp, program)) {
		queue->count[RX_XDP_REDIRECT]++;
		return true;
	}
	if (action != XDP_DROP)	/* XDP_TX is not imitated */
		trace_xdp_exception(queue->dev, program, action);
	queue->count[RX_XDP_DROP]++;
	page_frag_free(frame);
	return false;
}

int labnic_poll(struct napi_struct *napi, int budget)
{
	struct labnic_queue *queue = container_of(napi, struct labnic_queue, napi);
	struct bpf_prog *program = READ_ONCE(((struct labnic *)netdev_priv(queue->dev))->program);
	struct labnic_frame *frame;
	bool redirected = false;
	int done = 0;

	queue->count[CH_POLL]++;
	atomic_set(&queue->sent, 0);	/* complete, all of them */
	while (done < budget && (frame = __ptr_ring_consume(&queue->ring))) {
		redirected |= labnic_receive(queue, frame, program);
		done++;
	}
	if (redirected)
		xdp_do_flush();
	if (done == budget) {
		/* en_txrx.c, mlx5e_napi_poll(): polling goes on only on a CPU that the interrupt's affinity names. */
		if (!budget || raw_smp_processor_id() == READ_ONCE(queue->cpu))
			return budget;
		queue->count[CH_AFF_CHANGE]++;
		done--;
	}
	if (napi_complete_done(napi, done))
		labnic_irq_arm(queue);
	return done;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cable: a frame is copied by its sender into a page of its own and put into a ring of the receiver, as the
 * receiver's steering says. Frames on the wire carry complete checksums: a NIC has filled them in, and a frame that XDP
 * takes to a VM has lost the mark that they were to be.
 */
#include "labnic.h"

#include <linux/etherdevice.h>

/* With the padding of a short frame. */
static struct labnic_frame *labnic_frame_alloc(u32 length)
{
	struct page *page = __dev_alloc_pages(GFP_ATOMIC | __GFP_NOWARN, get_order(LABNIC_OVERHEAD + length));
	struct labnic_frame *frame;

	if (!page)
		return NULL;
	frame = page_address(page);
	frame->length = max(length, (u32)ETH_ZLEN);
	memset(frame->data, 0, ETH_ZLEN);
	return frame;
}

static void labnic_wire(struct labnic *from, struct labnic_frame *frame)
{
	struct labnic *to = from->peer;
	int queue;

	dev_sw_netstats_tx_add(from->dev, 1, frame->length);
	rcu_read_lock();
	if (!READ_ONCE(from->receiving) || !READ_ONCE(to->receiving)) {
		to->count[RESET_DISCARDS]++;
	} else if (frame->length > READ_ONCE(to->dev->mtu) + ETH_HLEN + 2 * VLAN_HLEN ||
		   (queue = labnic_steer(to, frame)) < 0) {
		to->count[STEER_DISCARDS]++;
	} else if (ptr_ring_produce(&to->queues[queue].ring, frame)) {
		to->queues[queue].count[RX_OUT_OF_BUFFER]++;
	} else {
		labnic_irq_kick(&to->queues[queue]);
		frame = NULL;
	}
	rcu_read_unlock();
	if (frame)
		page_frag_free(frame);
}

netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_frame *frame = NULL;

	if (skb->ip_summed != CHECKSUM_PARTIAL || !skb_checksum_help(skb))
		frame = labnic_frame_alloc(skb->len);
	if (frame) {
		skb_copy_bits(skb, 0, frame->data, skb->len);
		labnic_wire(nic, frame);
		if (READ_ONCE(nic->receiving))
			labnic_irq_sent(&nic->queues[skb_get_queue_mapping(skb)]);
	} else {
		dev_core_stats_tx_dropped_inc(dev);
	}
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

/* Always a target of redirects, without a program of its own: en_main.c, mlx5e_set_xdp_feature(). */
int labnic_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_frame *frame;
	int i;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!READ_ONCE(nic->receiving))
		return -ENETDOWN;
	for (i = 0; i < n; i++) {
		frame = xdp_frame_has_frags(frames[i]) ? NULL : labnic_frame_alloc(frames[i]->len);
		if (!frame)
			break;
		memcpy(frame->data, frames[i]->data, frames[i]->len);
		xdp_return_frame(frames[i]);
		labnic_wire(nic, frame);
	}
	return i;
}

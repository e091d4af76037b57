// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cable: a frame is copied by its sender into a page of its own and put into a ring of the receiver, as the
 * receiver's steering says. Frames on the wire carry complete checksums: a NIC has filled them in, and a frame that XDP
 * takes to a VM has lost the mark that they were to be.
 */
#include "labnic.h"

#include <linux/etherdevice.h>

static struct labnic_frame *labnic_frame_alloc(u32 length)
{
	int order = length + LABNIC_OVERHEAD > PAGE_SIZE ? get_order(length + LABNIC_OVERHEAD) : 0;
	struct page *page = __dev_alloc_pages(GFP_ATOMIC | __GFP_NOWARN, order);
	struct labnic_frame *frame;

	if (!page)
		return NULL;
	frame = page_address(page);
	*frame = (struct labnic_frame){
		.offset = XDP_PACKET_HEADROOM, .length = length, .size = PAGE_SIZE << order,
	};
	return frame;
}

void labnic_frame_free(void *frame)
{
	put_page(virt_to_page(frame));
}

/* The queue that takes the frame, or NULL with the reason counted. */
static struct labnic_queue *labnic_receiver(struct labnic *to, struct labnic_frame *frame)
{
	int queue;

	if (!READ_ONCE(to->receiving)) {
		to->count[RESET_DISCARDS]++;
		return NULL;
	}
	queue = frame->length > READ_ONCE(to->dev->mtu) + ETH_HLEN + 2 * VLAN_HLEN ? -1 : labnic_steer(to, frame);
	if (queue < 0) {
		to->count[STEER_DISCARDS]++;
		return NULL;
	}
	return &to->queues[queue];
}

void labnic_wire(struct net_device *from, struct labnic_frame *frame)
{
	struct labnic *sender = netdev_priv(from);
	struct labnic_queue *queue = NULL;

	dev_sw_netstats_tx_add(from, 1, frame->length);
	rcu_read_lock();
	if (READ_ONCE(sender->receiving) && frame->length >= ETH_HLEN)
		queue = labnic_receiver(netdev_priv(sender->peer), frame);
	if (queue && ptr_ring_produce(&queue->ring, frame)) {
		queue->count[RX_OUT_OF_BUFFER]++;
		queue = NULL;
	}
	if (queue)
		labnic_irq_kick(queue);
	else
		labnic_frame_free(frame);
	rcu_read_unlock();
}

netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct labnic_frame *frame = NULL;

	if (skb->ip_summed != CHECKSUM_PARTIAL || !skb_checksum_help(skb))
		frame = labnic_frame_alloc(max(skb->len, (unsigned int)ETH_ZLEN));
	if (frame && !skb_copy_bits(skb, 0, (void *)frame + frame->offset, skb->len)) {
		if (skb->len < ETH_ZLEN)
			memset((void *)frame + frame->offset + skb->len, 0, ETH_ZLEN - skb->len);
		skb_tx_timestamp(skb);
		dev_consume_skb_any(skb);
		labnic_wire(dev, frame);
		return NETDEV_TX_OK;
	}
	if (frame)
		labnic_frame_free(frame);
	dev_core_stats_tx_dropped_inc(dev);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/* Always a target of redirects, without a program of its own: en_main.c, mlx5e_set_xdp_feature(). */
int labnic_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags)
{
	struct labnic_frame *frame;
	int i;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	if (!READ_ONCE(((struct labnic *)netdev_priv(dev))->receiving))
		return -ENETDOWN;
	for (i = 0; i < n; i++) {
		frame = xdp_frame_has_frags(frames[i]) ? NULL : labnic_frame_alloc(frames[i]->len);
		if (!frame)
			break;
		memcpy((void *)frame + frame->offset, frames[i]->data, frames[i]->len);
		xdp_return_frame(frames[i]);
		labnic_wire(dev, frame);
	}
	return i;
}

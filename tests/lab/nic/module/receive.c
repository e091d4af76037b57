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
	u32 hash;
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

static void labnic_buff_prepare(struct labnic_buff *buff, struct labnic_queue *queue, struct labnic_frame *frame)
{
	void *data = (void *)frame + frame->offset;
	struct vlan_ethhdr *header = data;

	buff->hash = frame->hash;
	buff->stripped = frame->length >= VLAN_ETH_HLEN && header->h_vlan_proto == htons(ETH_P_8021Q) &&
			 (queue->dev->features & NETIF_F_HW_VLAN_CTAG_RX);
	if (buff->stripped) {
		buff->tci = ntohs(header->h_vlan_TCI);
		memmove(data + VLAN_HLEN, data, 2 * ETH_ALEN);
		data += VLAN_HLEN;
		frame->length -= VLAN_HLEN;
	}
	xdp_init_buff(&buff->xdp, frame->size, &queue->rxq);
	xdp_prepare_buff(&buff->xdp, (void *)frame, data - (void *)frame, frame->length, true);
}

static void labnic_pass(struct labnic_queue *queue, struct labnic_buff *buff)
{
	struct net_device *dev = queue->dev;
	struct xdp_buff *xdp = &buff->xdp;
	struct sk_buff *skb = napi_build_skb(xdp->data_hard_start, xdp->frame_sz);

	if (!skb)
		return labnic_frame_free(xdp->data_hard_start);
	skb_reserve(skb, xdp->data - xdp->data_hard_start);
	__skb_put(skb, xdp->data_end - xdp->data);
	if (xdp->data > xdp->data_meta)
		skb_metadata_set(skb, xdp->data - xdp->data_meta);
	skb_record_rx_queue(skb, queue->rxq.queue_index);
	skb->protocol = eth_type_trans(skb, dev);
	skb->ip_summed = dev->features & NETIF_F_RXCSUM ? CHECKSUM_UNNECESSARY : CHECKSUM_NONE;
	skb_set_hash(skb, buff->hash, PKT_HASH_TYPE_L4);
	if (buff->stripped)
		__vlan_hwaccel_put_tag(skb, htons(ETH_P_8021Q), buff->tci);
	napi_gro_receive(&queue->napi, skb);
}

/* Runs the program, if there is one; whether it redirected. The frame is gone afterwards. */
static bool labnic_run_program(struct labnic_queue *queue, struct labnic_buff *buff, struct bpf_prog *program)
{
	u32 action = program ? bpf_prog_run_xdp(program, &buff->xdp) : XDP_PASS;

	switch (action) {
	case XDP_PASS:
		labnic_pass(queue, buff);
		return false;
	case XDP_REDIRECT:
		if (!xdp_do_redirect(queue->dev, &buff->xdp, program)) {
			queue->count[RX_XDP_REDIRECT]++;
			return true;
		}
		trace_xdp_exception(queue->dev, program, action);
		break;
	case XDP_DROP:
		break;
	default:	/* XDP_TX is not imitated */
		trace_xdp_exception(queue->dev, program, action);
	}
	queue->count[RX_XDP_DROP]++;
	labnic_frame_free(buff->xdp.data_hard_start);
	return false;
}

static bool labnic_receive(struct labnic_queue *queue, struct labnic_frame *frame, struct bpf_prog *program)
{
	struct labnic_buff buff;

	queue->count[RX_PACKETS]++;
	queue->count[RX_BYTES] += frame->length;
	dev_sw_netstats_rx_add(queue->dev, frame->length);
	labnic_buff_prepare(&buff, queue, frame);
	return labnic_run_program(queue, &buff, program);
}

int labnic_poll(struct napi_struct *napi, int budget)
{
	struct labnic_queue *queue = container_of(napi, struct labnic_queue, napi);
	struct labnic *nic = netdev_priv(queue->dev);
	struct bpf_prog *program = READ_ONCE(nic->program);
	struct labnic_frame *frame;
	bool redirected = false;
	int done = 0;

	queue->count[CH_POLL]++;
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

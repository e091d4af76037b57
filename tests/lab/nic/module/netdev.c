// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a NIC is to the kernel: its queues, opening, closing, MTU, features and XDP; and the reset of its channels that mlx5
 * does for most changes, with the outage that it means.
 */
#include "labnic.h"

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/version.h>

#define LABNIC_MAX_MTU		9000
/* What fits into one page, as mlx5e_xdp_max_mtu() of en/xdp.c has it: 3498. */
#define LABNIC_XDP_MTU		((int)(PAGE_SIZE - LABNIC_OVERHEAD - ETH_HLEN - 2 * VLAN_HLEN))
#define LABNIC_XDP		(NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT)
#define LABNIC_MERGING		(NETIF_F_LRO | NETIF_F_GRO_HW)

static void labnic_uninit(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	struct labnic_queue *queue;

	for (queue = nic->queues; queue < nic->queues + labnic_queues; queue++) {
		labnic_irq_free(queue);
		if (xdp_rxq_info_is_reg(&queue->rxq))
			xdp_rxq_info_unreg(&queue->rxq);
		ptr_ring_cleanup(&queue->ring, page_frag_free);
	}
}

/* All of a queue that may fail is made once: a reset cannot fail. */
static int labnic_init_queues(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < labnic_queues; i++) {
		struct labnic_queue *queue = &nic->queues[i];

		queue->dev = dev;
		queue->coalesce = nic->coalesce;
		/* The name does not begin with the device's, as mlx5's (mlx5_comp0@pci:…) does not. */
		snprintf(queue->irq_name, sizeof(queue->irq_name), "labnic_comp%u@%s", i, dev->name);
		err = ptr_ring_init(&queue->ring, LABNIC_RING, GFP_KERNEL) ?: xdp_rxq_info_reg(&queue->rxq, dev, i, 0) ?:
		      labnic_irq_request(queue, i % num_online_cpus());
	}
	if (err)
		labnic_uninit(dev);
	return err;
}

/* NAPIs are made anew: threads, and before 6.13 what was set for them, are gone. */
static int labnic_open(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < dev->real_num_rx_queues; i++) {
		struct labnic_queue *queue = &nic->queues[i];

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
		/* As mlx5 from 6.13 on: the NAPI's number and settings outlive a reset. */
		netif_napi_add_config(dev, &queue->napi, labnic_poll, i);
#else
		netif_napi_add(dev, &queue->napi, labnic_poll);
#endif
		netif_napi_set_irq(&queue->napi, queue->irq);
		napi_enable(&queue->napi);
		netif_queue_set_napi(dev, i, NETDEV_QUEUE_TYPE_RX, &queue->napi);
		labnic_irq_arm(queue);
	}
	WRITE_ONCE(nic->receiving, true);
	/* Both ends of a cable are up, or neither has a carrier. */
	if (netif_running(nic->peer->dev)) {
		netif_carrier_on(dev);
		netif_carrier_on(nic->peer->dev);
	}
	return 0;
}

static void labnic_channels_stop(struct labnic *nic)
{
	unsigned int i;
	void *frame;

	netif_carrier_off(nic->dev);
	WRITE_ONCE(nic->receiving, false);
	synchronize_net();	/* no sender is under way to our rings any more */
	for (i = 0; i < nic->dev->real_num_rx_queues; i++) {
		struct labnic_queue *queue = &nic->queues[i];

		netif_queue_set_napi(nic->dev, i, NETDEV_QUEUE_TYPE_RX, NULL);
		napi_disable(&queue->napi);
		labnic_irq_quiesce(queue);
		netif_napi_del(&queue->napi);
		while ((frame = ptr_ring_consume(&queue->ring)))
			page_frag_free(frame);
	}
}

/*
 * en_main.c, mlx5e_switch_priv_channels(): carrier off, the channels are replaced by new ones, carrier on. The other end of
 * the cable sees nothing but lost frames. Takes reset_ms, as the firmware's commands would. What changes, changes between
 * begin and end.
 */
void labnic_reset_begin(struct labnic *nic)
{
	if (!netif_running(nic->dev))
		return;
	nic->count[CHANNEL_RESETS]++;
	labnic_channels_stop(nic);
}

void labnic_reset_end(struct labnic *nic)
{
	if (!netif_running(nic->dev))
		return;
	msleep(labnic_reset_ms);
	labnic_open(nic->dev);
}

static int labnic_stop(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);

	netif_carrier_off(nic->peer->dev);
	labnic_channels_stop(nic);
	return 0;
}

/* en_main.c, mlx5e_params_validate_xdp(). Programs that know fragments are refused too: there are none here. */
static bool labnic_xdp_fits(struct net_device *dev, int mtu)
{
	if (mtu > LABNIC_XDP_MTU)
		netdev_warn(dev, "MTU(%d) > %d, too big for an XDP program not aware of multi buffer\n", mtu, LABNIC_XDP_MTU);
	return mtu <= LABNIC_XDP_MTU;
}

static int labnic_change_mtu(struct net_device *dev, int mtu)
{
	struct labnic *nic = netdev_priv(dev);

	if (nic->program && !labnic_xdp_fits(dev, mtu))
		return -EINVAL;
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

/* en_main.c, mlx5e_fix_features(). */
static netdev_features_t labnic_fix_features(struct net_device *dev, netdev_features_t features)
{
	struct labnic *nic = netdev_priv(dev);

	if (!nic->program || !(features & LABNIC_MERGING))
		return features;
	netdev_warn(dev, "LRO and HW GRO are incompatible with XDP\n");
	return features & ~LABNIC_MERGING;
}

/* en_main.c, mlx5e_set_xdp_feature(): no XDP while frames are merged. */
static int labnic_set_features(struct net_device *dev, netdev_features_t features)
{
	xdp_set_features_flag(dev, features & LABNIC_MERGING ? 0 : LABNIC_XDP);
	return 0;
}

/* en_main.c, mlx5e_xdp_set(): a first program and the end of the last reset the channels, another program does not. */
static int labnic_bpf(struct net_device *dev, struct netdev_bpf *bpf)
{
	struct labnic *nic = netdev_priv(dev);
	bool reset = !nic->program != !bpf->prog;
	struct bpf_prog *old;

	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	if (bpf->prog && (dev->features & LABNIC_MERGING)) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "can't set XDP while HW-GRO/LRO is on, disable them first");
		return -EINVAL;
	}
	if (bpf->prog && !labnic_xdp_fits(dev, dev->mtu))
		return -EINVAL;
	if (reset)
		labnic_reset_begin(nic);
	old = xchg(&nic->program, bpf->prog);
	if (old)
		bpf_prog_put(old);	/* freed after a grace period; NAPI runs inside one */
	if (reset)
		labnic_reset_end(nic);
	netdev_update_features(dev);
	return 0;
}

static int labnic_vlan_add(struct net_device *dev, __be16 proto, u16 vid)
{
	set_bit(vid, ((struct labnic *)netdev_priv(dev))->vlans);
	return 0;
}

static int labnic_vlan_kill(struct net_device *dev, __be16 proto, u16 vid)
{
	clear_bit(vid, ((struct labnic *)netdev_priv(dev))->vlans);
	return 0;
}

static const struct net_device_ops labnic_netdev_ops = {
	.ndo_init = labnic_init_queues, .ndo_uninit = labnic_uninit,
	.ndo_open = labnic_open, .ndo_stop = labnic_stop, .ndo_start_xmit = labnic_xmit,
	.ndo_set_mac_address = eth_mac_addr, .ndo_validate_addr = eth_validate_addr, .ndo_change_mtu = labnic_change_mtu,
	.ndo_fix_features = labnic_fix_features, .ndo_set_features = labnic_set_features,
	.ndo_vlan_rx_add_vid = labnic_vlan_add, .ndo_vlan_rx_kill_vid = labnic_vlan_kill,
	.ndo_bpf = labnic_bpf, .ndo_xdp_xmit = labnic_xdp_xmit,
};

void labnic_describe(struct net_device *dev)
{
	dev->netdev_ops = &labnic_netdev_ops;
	dev->ethtool_ops = &labnic_ethtool_ops;
	dev->xdp_metadata_ops = &labnic_metadata_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->needs_free_netdev = true;
	dev->max_mtu = LABNIC_MAX_MTU;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	dev->features = NETIF_F_HW_CSUM | NETIF_F_SG | NETIF_F_RXCSUM | NETIF_F_HW_VLAN_CTAG_RX |
			NETIF_F_HW_VLAN_CTAG_FILTER;
	/* ntuple stands for aRFS in mlx5: rules do not need it. */
	dev->hw_features = dev->features | NETIF_F_NTUPLE | LABNIC_MERGING;
	dev->features |= NETIF_F_HIGHDMA;
	dev->vlan_features = NETIF_F_HW_CSUM | NETIF_F_SG;
	dev->xdp_features = LABNIC_XDP;
	netif_carrier_off(dev);
}

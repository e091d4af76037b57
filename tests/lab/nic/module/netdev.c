// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening, closing, MTU, features and XDP of a NIC; and the reset of its channels that mlx5 does for most changes, with
 * the outage that it means.
 */
#include "labnic.h"

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/version.h>

static int labnic_queue_start(struct labnic_queue *queue, unsigned int number)
{
	int err;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	/* As mlx5 from 6.13 on: the NAPI's number and settings outlive a reset. */
	netif_napi_add_config(queue->dev, &queue->napi, labnic_poll, number);
#else
	netif_napi_add(queue->dev, &queue->napi, labnic_poll);
#endif
	netif_napi_set_irq(&queue->napi, queue->irq);
	err = xdp_rxq_info_reg(&queue->rxq, queue->dev, number, queue->napi.napi_id);
	if (!err)
		err = xdp_rxq_info_reg_mem_model(&queue->rxq, MEM_TYPE_PAGE_ORDER0, NULL);
	if (err) {
		if (xdp_rxq_info_is_reg(&queue->rxq))
			xdp_rxq_info_unreg(&queue->rxq);
		netif_napi_del(&queue->napi);
		return err;
	}
	napi_enable(&queue->napi);
	netif_queue_set_napi(queue->dev, number, NETDEV_QUEUE_TYPE_RX, &queue->napi);
	labnic_irq_arm(queue);
	return 0;
}

static void labnic_queue_stop(struct labnic_queue *queue, unsigned int number)
{
	void *frame;

	netif_queue_set_napi(queue->dev, number, NETDEV_QUEUE_TYPE_RX, NULL);
	napi_disable(&queue->napi);
	labnic_irq_quiesce(queue);
	netif_napi_del(&queue->napi);
	xdp_rxq_info_unreg(&queue->rxq);
	while ((frame = ptr_ring_consume(&queue->ring)))
		labnic_frame_free(frame);
}

static void labnic_channels_stop(struct labnic *nic, unsigned int started)
{
	unsigned int i;

	WRITE_ONCE(nic->receiving, false);
	synchronize_net();	/* no sender is under way to our rings any more */
	for (i = 0; i < started; i++)
		labnic_queue_stop(&nic->queues[i], i);
}

static int labnic_channels_start(struct labnic *nic)
{
	unsigned int i;
	int err;

	for (i = 0; i < labnic_queues; i++) {
		err = labnic_queue_start(&nic->queues[i], i);
		if (err) {
			labnic_channels_stop(nic, i);
			return err;
		}
	}
	WRITE_ONCE(nic->receiving, true);
	return 0;
}

/*
 * en_main.c, mlx5e_switch_priv_channels(): carrier off, the channels are replaced by new ones (new NAPIs: threads and
 * what was set for them are gone), carrier on. The other end of the cable sees nothing but lost frames. Takes
 * reset_ms, as the firmware's commands would.
 */
void labnic_channels_switch(struct labnic *nic, void (*change)(struct labnic *nic, void *to), void *to)
{
	bool carrier = netif_carrier_ok(nic->dev);

	if (!netif_running(nic->dev))
		return change(nic, to);
	nic->count[CHANNEL_RESETS]++;
	netif_carrier_off(nic->dev);
	labnic_channels_stop(nic, labnic_queues);
	change(nic, to);
	msleep(labnic_reset_ms);
	if (labnic_channels_start(nic))
		netdev_err(nic->dev, "the channels did not start again\n");
	else if (carrier)
		netif_carrier_on(nic->dev);
}

static int labnic_open(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	int err = labnic_channels_start(nic);

	/* Both ends of a cable are up, or neither has a carrier. */
	if (!err && netif_running(nic->peer)) {
		netif_carrier_on(dev);
		netif_carrier_on(nic->peer);
	}
	return err;
}

static int labnic_stop(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);

	netif_carrier_off(dev);
	netif_carrier_off(nic->peer);
	labnic_channels_stop(nic, labnic_queues);
	return 0;
}

/* en_main.c, mlx5e_params_validate_xdp(). Programs that know fragments are refused too: there are none here. */
static bool labnic_xdp_fits(struct net_device *dev, int mtu)
{
	if (mtu <= LABNIC_XDP_MTU)
		return true;
	netdev_warn(dev, "MTU(%d) > %d, too big for an XDP program not aware of multi buffer\n", mtu, LABNIC_XDP_MTU);
	return false;
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

	if (nic->program && (features & NETIF_F_LRO))
		netdev_warn(dev, "LRO is incompatible with XDP\n");
	if (nic->program && (features & NETIF_F_GRO_HW))
		netdev_warn(dev, "HW GRO is incompatible with XDP\n");
	return nic->program ? features & ~(NETIF_F_LRO | NETIF_F_GRO_HW) : features;
}

/* en_main.c, mlx5e_set_xdp_feature(): no XDP while frames are merged. */
static int labnic_set_features(struct net_device *dev, netdev_features_t features)
{
	if (features & (NETIF_F_LRO | NETIF_F_GRO_HW))
		xdp_clear_features_flag(dev);
	else
		xdp_set_features_flag(dev, NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT);
	return 0;
}

static void labnic_set_program(struct labnic *nic, void *program)
{
	struct bpf_prog *old = xchg(&nic->program, program);

	if (old)
		bpf_prog_put(old);	/* freed after a grace period; NAPI runs inside one */
}

/* en_main.c, mlx5e_xdp_set(): a first program and the end of the last reset the channels, another program does not. */
static int labnic_bpf(struct net_device *dev, struct netdev_bpf *bpf)
{
	struct labnic *nic = netdev_priv(dev);

	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	if (bpf->prog && (dev->features & (NETIF_F_LRO | NETIF_F_GRO_HW))) {
		NL_SET_ERR_MSG_MOD(bpf->extack, "can't set XDP while HW-GRO/LRO is on, disable them first");
		return -EINVAL;
	}
	if (bpf->prog && !labnic_xdp_fits(dev, dev->mtu))
		return -EINVAL;
	if (!nic->program == !bpf->prog)
		labnic_set_program(nic, bpf->prog);
	else
		labnic_channels_switch(nic, labnic_set_program, bpf->prog);
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

/* The filter looks at the device's flags and addresses itself. */
static void labnic_set_rx_mode(struct net_device *dev)
{
}

const struct net_device_ops labnic_netdev_ops = {
	.ndo_open = labnic_open, .ndo_stop = labnic_stop, .ndo_start_xmit = labnic_xmit,
	.ndo_change_mtu = labnic_change_mtu, .ndo_set_rx_mode = labnic_set_rx_mode,
	.ndo_set_mac_address = eth_mac_addr, .ndo_validate_addr = eth_validate_addr,
	.ndo_fix_features = labnic_fix_features, .ndo_set_features = labnic_set_features,
	.ndo_vlan_rx_add_vid = labnic_vlan_add, .ndo_vlan_rx_kill_vid = labnic_vlan_kill,
	.ndo_bpf = labnic_bpf, .ndo_xdp_xmit = labnic_xdp_xmit,
};

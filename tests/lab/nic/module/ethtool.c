// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ethtool sees: coalescing with mlx5's reset, channels, counters by mlx5's names. Rules and the indirection
 * table are steer.c's.
 */
#include "labnic.h"

#include <linux/version.h>

#define LABNIC_MAX_USECS	4095	/* MLX5_MAX_CQ_PERIOD */
#define LABNIC_MAX_FRAMES	65535	/* MLX5_MAX_CQ_COUNT */

/*
 * en_ethtool.c, mlx5e_ethtool_set_coalesce() and mlx5e_ethtool_set_per_queue_coalesce(): a call that switches adaptive
 * on or off resets to the defaults and throws away the values that came with it. The defaults: en.h for what is fixed; the
 * start profile of lib/dim/net_dim.c for adaptive, whose adapting is not imitated.
 */
int labnic_coalesce_set(struct ethtool_coalesce *coalesce, const struct ethtool_coalesce *wanted)
{
	struct ethtool_coalesce next = *wanted;

	if (max(next.rx_coalesce_usecs, next.tx_coalesce_usecs) > LABNIC_MAX_USECS ||
	    max(next.rx_max_coalesced_frames, next.tx_max_coalesced_frames) > LABNIC_MAX_FRAMES)
		return -ERANGE;
	if (next.use_adaptive_rx_coalesce || coalesce->use_adaptive_rx_coalesce) {
		next.rx_coalesce_usecs = next.use_adaptive_rx_coalesce ? 8 : 16;
		next.rx_max_coalesced_frames = next.use_adaptive_rx_coalesce ? 256 : 32;
	}
	if (next.use_adaptive_tx_coalesce || coalesce->use_adaptive_tx_coalesce) {
		next.tx_coalesce_usecs = next.use_adaptive_tx_coalesce ? 8 : 16;
		next.tx_max_coalesced_frames = next.use_adaptive_tx_coalesce ? 128 : 32;
	} else if (labnic_ignore_tx_usecs == 1) {
		next.tx_coalesce_usecs = coalesce->tx_coalesce_usecs;
		next.tx_max_coalesced_frames = coalesce->tx_max_coalesced_frames;
	}
	*coalesce = next;
	return 0;
}

static int labnic_get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			       struct kernel_ethtool_coalesce *more, struct netlink_ext_ack *extack)
{
	*coalesce = ((struct labnic *)netdev_priv(dev))->coalesce;
	return 0;
}

static int labnic_set_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			       struct kernel_ethtool_coalesce *more, struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);
	int err = labnic_coalesce_set(&nic->coalesce, coalesce);
	unsigned int i;

	for (i = 0; !err && i < labnic_queues; i++)
		nic->queues[i].coalesce = nic->coalesce;
	return err;
}

static int labnic_get_queue_coalesce(struct net_device *dev, u32 queue, struct ethtool_coalesce *coalesce)
{
	if (queue >= dev->real_num_rx_queues)
		return -EINVAL;
	*coalesce = ((struct labnic *)netdev_priv(dev))->queues[queue].coalesce;
	return 0;
}

static int labnic_set_queue_coalesce(struct net_device *dev, u32 queue, struct ethtool_coalesce *coalesce)
{
	struct labnic *nic = netdev_priv(dev);

	return queue < dev->real_num_rx_queues ? labnic_coalesce_set(&nic->queues[queue].coalesce, coalesce) : -EINVAL;
}

static void labnic_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_combined = labnic_queues;
	channels->combined_count = dev->real_num_rx_queues;
}

/* en_ethtool.c, mlx5e_ethtool_set_channels(): with a reset. The kernel has refused to go below a rule's queue. */
static int labnic_set_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	struct labnic *nic = netdev_priv(dev);
	int err;

	labnic_reset_begin(nic);
	err = netif_set_real_num_queues(dev, channels->combined_count, channels->combined_count);
	labnic_indirection_default(nic);
	labnic_reset_end(nic);
	return err;
}

/* en_stats.c's names, where it has the counter: but rxN_out_of_buffer, which mlx5 has once for all queues. */
static const char labnic_nic_counters[NIC_COUNTERS][ETH_GSTRING_LEN] = {
	[STEER_DISCARDS] = "rx_steer_discards", [RESET_DISCARDS] = "rx_reset_discards",
	[CHANNEL_RESETS] = "channel_resets",
};
static const char *const labnic_queue_counters[QUEUE_COUNTERS] = {
	[RX_PACKETS] = "rx%u_packets", [RX_BYTES] = "rx%u_bytes", [RX_XDP_DROP] = "rx%u_xdp_drop",
	[RX_XDP_REDIRECT] = "rx%u_xdp_redirect", [RX_OUT_OF_BUFFER] = "rx%u_out_of_buffer",
	[CH_EVENTS] = "ch%u_events", [CH_POLL] = "ch%u_poll", [CH_AFF_CHANGE] = "ch%u_aff_change",
};

static int labnic_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? NIC_COUNTERS + (int)labnic_queues * QUEUE_COUNTERS : -EOPNOTSUPP;
}

static void labnic_get_strings(struct net_device *dev, u32 set, u8 *text)
{
	unsigned int i;

	memcpy(text, labnic_nic_counters, sizeof(labnic_nic_counters));
	text += sizeof(labnic_nic_counters);
	for (i = 0; i < labnic_queues * QUEUE_COUNTERS; i++)
		ethtool_sprintf(&text, labnic_queue_counters[i % QUEUE_COUNTERS], i / QUEUE_COUNTERS);
}

static void labnic_get_stats(struct net_device *dev, struct ethtool_stats *stats, u64 *values)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i;

	memcpy(values, nic->count, sizeof(nic->count));
	values += NIC_COUNTERS;
	for (i = 0; i < labnic_queues; i++, values += QUEUE_COUNTERS)
		memcpy(values, nic->queues[i].count, sizeof(nic->queues[i].count));
}

static int labnic_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	settings->base.speed = SPEED_25000;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_FIBRE;
	return 0;
}

static void labnic_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "labnic", sizeof(info->driver));
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static u32 labnic_get_rx_ring_count(struct net_device *dev)
{
	return dev->real_num_rx_queues;
}
#endif

const struct ethtool_ops labnic_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_MAX_FRAMES | ETHTOOL_COALESCE_USE_ADAPTIVE,
	.get_drvinfo = labnic_get_drvinfo, .get_link = ethtool_op_get_link,
	.get_link_ksettings = labnic_get_link_ksettings,
	.get_coalesce = labnic_get_coalesce, .set_coalesce = labnic_set_coalesce,
	.get_per_queue_coalesce = labnic_get_queue_coalesce, .set_per_queue_coalesce = labnic_set_queue_coalesce,
	.get_channels = labnic_get_channels, .set_channels = labnic_set_channels,
	.get_rxnfc = labnic_get_rxnfc, .set_rxnfc = labnic_set_rxnfc,
	.get_rxfh_indir_size = labnic_indirection_size, .get_rxfh = labnic_get_rxfh, .set_rxfh = labnic_set_rxfh,
	.get_sset_count = labnic_get_sset_count, .get_strings = labnic_get_strings,
	.get_ethtool_stats = labnic_get_stats,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	.get_rx_ring_count = labnic_get_rx_ring_count,
#endif
};

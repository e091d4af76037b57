// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ethtool sees: coalescing with mlx5's reset, channels, indirection table, rules, counters by mlx5's names.
 */
#include "labnic.h"

#include <linux/version.h>

#define LABNIC_MAX_USECS	4095	/* MLX5_MAX_CQ_PERIOD */
#define LABNIC_MAX_FRAMES	65535	/* MLX5_MAX_CQ_COUNT */

/* en.h for what is fixed; the start profile of lib/dim/net_dim.c for adaptive, whose adapting is not imitated. */
static void labnic_way_default(struct labnic_way *way, bool adaptive, u32 adaptive_frames)
{
	*way = adaptive ? (struct labnic_way){ 8, adaptive_frames, true } : (struct labnic_way){ 16, 32, false };
}

/* Adaptive both ways, as mlx5. */
void labnic_coalesce_default(struct labnic_coalesce *coalesce)
{
	labnic_way_default(&coalesce->rx, true, 256);
	labnic_way_default(&coalesce->tx, true, 128);
}

/*
 * en_ethtool.c, mlx5e_ethtool_set_coalesce() and mlx5e_ethtool_set_per_queue_coalesce(): a call that switches adaptive
 * on or off resets to the defaults and throws away the values that came with it.
 */
static int labnic_coalesce_set(struct labnic_coalesce *coalesce, const struct ethtool_coalesce *wanted)
{
	struct labnic_way *rx = &coalesce->rx, *tx = &coalesce->tx;

	if (max(wanted->rx_coalesce_usecs, wanted->tx_coalesce_usecs) > LABNIC_MAX_USECS ||
	    max(wanted->rx_max_coalesced_frames, wanted->tx_max_coalesced_frames) > LABNIC_MAX_FRAMES)
		return -ERANGE;
	if (rx->adaptive != !!wanted->use_adaptive_rx_coalesce) {
		labnic_way_default(rx, !rx->adaptive, 256);
	} else if (!rx->adaptive) {
		WRITE_ONCE(rx->usecs, wanted->rx_coalesce_usecs);
		WRITE_ONCE(rx->frames, wanted->rx_max_coalesced_frames);
	}
	if (tx->adaptive != !!wanted->use_adaptive_tx_coalesce) {
		labnic_way_default(tx, !tx->adaptive, 128);
	} else if (!tx->adaptive && !labnic_ignore_tx_usecs) {
		tx->usecs = wanted->tx_coalesce_usecs;
		tx->frames = wanted->tx_max_coalesced_frames;
	}
	return 0;
}

static void labnic_coalesce_get(const struct labnic_coalesce *coalesce, struct ethtool_coalesce *found)
{
	found->rx_coalesce_usecs = coalesce->rx.usecs;
	found->rx_max_coalesced_frames = coalesce->rx.frames;
	found->tx_coalesce_usecs = coalesce->tx.usecs;
	found->tx_max_coalesced_frames = coalesce->tx.frames;
	found->use_adaptive_rx_coalesce = coalesce->rx.adaptive;
	found->use_adaptive_tx_coalesce = coalesce->tx.adaptive;
}

static int labnic_get_coalesce(struct net_device *dev, struct ethtool_coalesce *coalesce,
			       struct kernel_ethtool_coalesce *more, struct netlink_ext_ack *extack)
{
	labnic_coalesce_get(&((struct labnic *)netdev_priv(dev))->coalesce, coalesce);
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
	struct labnic *nic = netdev_priv(dev);

	if (queue >= nic->channels)
		return -EINVAL;
	labnic_coalesce_get(&nic->queues[queue].coalesce, coalesce);
	return 0;
}

static int labnic_set_queue_coalesce(struct net_device *dev, u32 queue, struct ethtool_coalesce *coalesce)
{
	struct labnic *nic = netdev_priv(dev);

	return queue < nic->channels ? labnic_coalesce_set(&nic->queues[queue].coalesce, coalesce) : -EINVAL;
}

static void labnic_get_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	channels->max_combined = labnic_queues;
	channels->combined_count = ((struct labnic *)netdev_priv(dev))->channels;
}

static void labnic_set_channel_count(struct labnic *nic, void *count)
{
	nic->channels = *(u32 *)count;
	labnic_indirection_default(nic);
}

/* en_ethtool.c, mlx5e_ethtool_set_channels(): with a reset. The kernel has refused to go below a rule's queue. */
static int labnic_set_channels(struct net_device *dev, struct ethtool_channels *channels)
{
	struct labnic *nic = netdev_priv(dev);
	u32 count = channels->combined_count;
	int err;

	if (count == nic->channels)
		return 0;
	err = netif_set_real_num_queues(dev, count, count);
	if (!err)
		labnic_channels_switch(nic, labnic_set_channel_count, &count);
	return err;
}

static u32 labnic_indirection_size(struct net_device *dev)
{
	return LABNIC_INDIRECTION;
}

static int labnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss)
{
	rss->hfunc = ETH_RSS_HASH_TOP;
	if (rss->indir)
		memcpy(rss->indir, ((struct labnic *)netdev_priv(dev))->indirection, LABNIC_INDIRECTION * sizeof(u32));
	return 0;
}

static int labnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss, struct netlink_ext_ack *extack)
{
	if (rss->indir)
		memcpy(((struct labnic *)netdev_priv(dev))->indirection, rss->indir, LABNIC_INDIRECTION * sizeof(u32));
	return 0;
}

static int labnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command, u32 *locations)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i, n = 0;

	switch (command->cmd) {
	case ETHTOOL_GRXRINGS:
		command->data = nic->channels;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		i = command->fs.location;
		if (i >= LABNIC_RULES || !test_bit(i, nic->used_rules))
			return i >= LABNIC_RULES ? -EINVAL : -ENOENT;
		command->fs = nic->rules[i];
		return 0;
	case ETHTOOL_GRXCLSRLCNT:
	case ETHTOOL_GRXCLSRLALL:
		for_each_set_bit(i, nic->used_rules, LABNIC_RULES) {
			if (locations && n == command->rule_cnt)
				return -EMSGSIZE;
			if (locations)
				locations[n] = i;
			n++;
		}
		command->rule_cnt = n;
		command->data = LABNIC_RULES;
		return 0;
	}
	return -EOPNOTSUPP;
}

static int labnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command)
{
	if (command->cmd == ETHTOOL_SRXCLSRLINS)
		return labnic_rule_insert(netdev_priv(dev), &command->fs);
	if (command->cmd == ETHTOOL_SRXCLSRLDEL)
		return labnic_rule_delete(netdev_priv(dev), command->fs.location);
	return -EOPNOTSUPP;
}

/* en_stats.c's names, where it has the counter: but rxN_out_of_buffer, which mlx5 has once for all queues. */
static const char *const labnic_nic_counters[NIC_COUNTERS] = {
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
	unsigned int i, counter;

	for (counter = 0; counter < NIC_COUNTERS; counter++)
		ethtool_puts(&text, labnic_nic_counters[counter]);
	for (i = 0; i < labnic_queues; i++)
		for (counter = 0; counter < QUEUE_COUNTERS; counter++)
			ethtool_sprintf(&text, labnic_queue_counters[counter], i);
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
	ethtool_link_ksettings_zero_link_mode(settings, supported);
	settings->base.speed = SPEED_25000;
	settings->base.duplex = DUPLEX_FULL;
	settings->base.port = PORT_FIBRE;
	settings->base.autoneg = AUTONEG_DISABLE;
	return 0;
}

static void labnic_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "labnic", sizeof(info->driver));
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
static u32 labnic_get_rx_ring_count(struct net_device *dev)
{
	return ((struct labnic *)netdev_priv(dev))->channels;
}
#endif

const struct ethtool_ops labnic_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS | ETHTOOL_COALESCE_MAX_FRAMES | ETHTOOL_COALESCE_USE_ADAPTIVE,
	.get_drvinfo = labnic_get_drvinfo, .get_link = ethtool_op_get_link,
	.get_link_ksettings = labnic_get_link_ksettings,
	.get_coalesce = labnic_get_coalesce, .set_coalesce = labnic_set_coalesce,
	.get_per_queue_coalesce = labnic_get_queue_coalesce, .set_per_queue_coalesce = labnic_set_queue_coalesce,
	.get_channels = labnic_get_channels, .set_channels = labnic_set_channels,
	.get_rxfh_indir_size = labnic_indirection_size, .get_rxfh = labnic_get_rxfh, .set_rxfh = labnic_set_rxfh,
	.get_rxnfc = labnic_get_rxnfc, .set_rxnfc = labnic_set_rxnfc,
	.get_sset_count = labnic_get_sset_count, .get_strings = labnic_get_strings,
	.get_ethtool_stats = labnic_get_stats,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
	.get_rx_ring_count = labnic_get_rx_ring_count,
#endif
};

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: makes pairs of NICs, ln0a cabled to ln0b, ln1a to ln1b, …, and takes them away.
 */
#include "labnic.h"

#include <linux/etherdevice.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

static unsigned int labnic_pairs = 2;
unsigned int labnic_queues = 4;
unsigned int labnic_reset_ms = 200;	/* what a reset of the channels takes */
bool labnic_ignore_tx_usecs;	/* accept tx-usecs and tx-frames, and keep the old ones */
module_param_named(pairs, labnic_pairs, uint, 0444);
module_param_named(queues, labnic_queues, uint, 0444);
module_param_named(reset_ms, labnic_reset_ms, uint, 0644);
module_param_named(ignore_tx_usecs, labnic_ignore_tx_usecs, bool, 0644);

static struct net_device **labnic_devices;
static struct irq_domain *labnic_domain;

/* Of what was made of it, if only a part. */
static void labnic_free(struct net_device *dev)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < labnic_queues; i++) {
		labnic_irq_free(&nic->queues[i]);
		ptr_ring_cleanup(&nic->queues[i].ring, NULL);
	}
	free_netdev(dev);
}

static void labnic_describe(struct net_device *dev)
{
	dev->netdev_ops = &labnic_netdev_ops;
	dev->ethtool_ops = &labnic_ethtool_ops;
	dev->xdp_metadata_ops = &labnic_metadata_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->max_mtu = LABNIC_MAX_MTU;
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	dev->features = NETIF_F_HW_CSUM | NETIF_F_SG | NETIF_F_RXCSUM | NETIF_F_HW_VLAN_CTAG_RX |
			NETIF_F_HW_VLAN_CTAG_FILTER;
	/* ntuple stands for aRFS in mlx5: rules do not need it. */
	dev->hw_features = dev->features | NETIF_F_NTUPLE | NETIF_F_LRO | NETIF_F_GRO_HW;
	dev->features |= NETIF_F_HIGHDMA;
	dev->vlan_features = NETIF_F_HW_CSUM | NETIF_F_SG;
	dev->xdp_features = NETDEV_XDP_ACT_BASIC | NETDEV_XDP_ACT_REDIRECT | NETDEV_XDP_ACT_NDO_XMIT;
}

static int labnic_queue_create(struct labnic *nic, unsigned int i, unsigned int interrupt)
{
	struct labnic_queue *queue = &nic->queues[i];

	queue->dev = nic->dev;
	queue->coalesce = nic->coalesce;
	/* The name does not begin with the device's, as mlx5's (mlx5_comp0@pci:…) does not. */
	snprintf(queue->irq_name, sizeof(queue->irq_name), "labnic_comp%u@%s", i, nic->dev->name);
	return ptr_ring_init(&queue->ring, LABNIC_RING, GFP_KERNEL) ?:
	       labnic_irq_request(queue, labnic_domain, interrupt, i % num_online_cpus());
}

static struct net_device *labnic_create(unsigned int number)
{
	struct net_device *dev = alloc_etherdev_mq(sizeof(struct labnic), labnic_queues);
	struct labnic *nic;
	unsigned int i;

	if (!dev)
		return NULL;
	nic = netdev_priv(dev);
	nic->dev = dev;
	nic->channels = labnic_queues;
	labnic_coalesce_default(&nic->coalesce);
	labnic_indirection_default(nic);
	snprintf(dev->name, IFNAMSIZ, "ln%u%c", number / 2, 'a' + number % 2);
	eth_hw_addr_set(dev, (const u8[]){ 0x52, 0x54, 0, 0x1a, number % 2, number / 2 + 1 });
	labnic_describe(dev);
	netif_carrier_off(dev);
	for (i = 0; i < labnic_queues; i++) {
		if (labnic_queue_create(nic, i, number * LABNIC_MAX_QUEUES + i)) {
			labnic_free(dev);
			return NULL;
		}
	}
	return dev;
}

static bool labnic_registered(const struct net_device *dev)
{
	return dev && dev->reg_state == NETREG_REGISTERED;
}

/* First every end of every cable stops, then all go, so that nobody sends to what is gone. */
static void labnic_remove_all(void)
{
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < 2 * labnic_pairs; i++)
		if (labnic_registered(labnic_devices[i]))
			dev_close(labnic_devices[i]);
	rtnl_unlock();
	for (i = 0; i < 2 * labnic_pairs; i++)
		if (labnic_registered(labnic_devices[i]))
			unregister_netdev(labnic_devices[i]);
	for (i = 0; i < 2 * labnic_pairs; i++)
		if (labnic_devices[i])
			labnic_free(labnic_devices[i]);
	irq_domain_remove(labnic_domain);
	kfree(labnic_devices);
}

static int labnic_create_all(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < 2 * labnic_pairs; i++) {
		labnic_devices[i] = labnic_create(i);
		if (!labnic_devices[i])
			return -ENOMEM;
	}
	for (i = 0; i < 2 * labnic_pairs; i++)
		((struct labnic *)netdev_priv(labnic_devices[i]))->peer = labnic_devices[i ^ 1];
	for (i = 0; !err && i < 2 * labnic_pairs; i++)
		err = register_netdev(labnic_devices[i]);
	return err;
}

static int __init labnic_init(void)
{
	int err;

	if (labnic_pairs < 1 || labnic_pairs > 16 || labnic_queues < 1 || labnic_queues > LABNIC_MAX_QUEUES) {
		pr_err("labnic: pairs is 1 to 16, queues 1 to %d\n", LABNIC_MAX_QUEUES);
		return -EINVAL;
	}
	labnic_devices = kcalloc(2 * labnic_pairs, sizeof(*labnic_devices), GFP_KERNEL);
	if (!labnic_devices)
		return -ENOMEM;
	labnic_domain = labnic_irq_domain(2 * labnic_pairs * LABNIC_MAX_QUEUES);
	if (!labnic_domain) {
		kfree(labnic_devices);
		return -ENOMEM;
	}
	err = labnic_create_all();
	if (err)
		labnic_remove_all();
	return err;
}

module_init(labnic_init);
module_exit(labnic_remove_all);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Cabled pairs of NICs with the manners of mlx5, for tests only");

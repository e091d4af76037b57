// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module: makes pairs of NICs, ln0a cabled to ln0b, ln1a to ln1b, …, and takes them away.
 */
#include "labnic.h"

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

static unsigned int labnic_pairs = 2;
unsigned int labnic_queues = 4;
unsigned int labnic_reset_ms = 200;	/* what a reset of the channels takes */
unsigned int labnic_ignore_tx_usecs;	/* accept tx-usecs and tx-frames, and 1: keep the old ones, 2: have no use for them */
bool labnic_tx_interrupts;	/* what is sent interrupts, by tx-usecs and tx-frames */
module_param_named(pairs, labnic_pairs, uint, 0444);
module_param_named(queues, labnic_queues, uint, 0444);
module_param_named(reset_ms, labnic_reset_ms, uint, 0644);
module_param_named(ignore_tx_usecs, labnic_ignore_tx_usecs, uint, 0644);
module_param_named(tx_interrupts, labnic_tx_interrupts, bool, 0644);

static struct net_device *labnic_devices[2 * LABNIC_MAX_PAIRS];

static int labnic_create(unsigned int number)
{
	struct net_device *dev = alloc_etherdev_mq(sizeof(struct labnic), labnic_queues);
	struct labnic *nic;
	int err;

	if (!dev)
		return -ENOMEM;
	labnic_describe(dev);
	snprintf(dev->name, IFNAMSIZ, "ln%u%c", number / 2, 'a' + number % 2);
	eth_hw_addr_set(dev, (const u8[]){ 0x52, 0x54, 0, 0x1a, number % 2, number / 2 + 1 });
	nic = netdev_priv(dev);
	nic->dev = dev;
	labnic_coalesce_set(&nic->coalesce, &(struct ethtool_coalesce){
		.use_adaptive_rx_coalesce = true, .use_adaptive_tx_coalesce = true,	/* as mlx5 */
	});
	labnic_indirection_default(nic);
	err = register_netdevice(dev);
	if (err) {
		free_netdev(dev);
		return err;
	}
	labnic_devices[number] = dev;
	if (number % 2) {
		nic->peer = netdev_priv(labnic_devices[number - 1]);
		nic->peer->peer = nic;
	}
	return 0;
}

/* Closes all before any goes, so that nobody sends to what is gone. They are freed when the caller gives up the lock. */
static void labnic_remove_all(void)
{
	LIST_HEAD(leaving);
	unsigned int i;

	for (i = 0; i < 2 * labnic_pairs; i++)
		if (labnic_devices[i])
			unregister_netdevice_queue(labnic_devices[i], &leaving);
	unregister_netdevice_many(&leaving);
}

static int __init labnic_init(void)
{
	unsigned int i;
	int err = 0;

	if (labnic_pairs < 1 || labnic_pairs > LABNIC_MAX_PAIRS || labnic_queues < 1 || labnic_queues > LABNIC_MAX_QUEUES) {
		pr_err("labnic: pairs is 1 to %d, queues 1 to %d\n", LABNIC_MAX_PAIRS, LABNIC_MAX_QUEUES);
		return -EINVAL;
	}
	rtnl_lock();	/* nobody opens one before its peer is there */
	for (i = 0; !err && i < 2 * labnic_pairs; i++)
		err = labnic_create(i);
	if (err)
		labnic_remove_all();
	rtnl_unlock();
	return err;
}

static void __exit labnic_exit(void)
{
	rtnl_lock();
	labnic_remove_all();
	rtnl_unlock();
}

module_init(labnic_init);
module_exit(labnic_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Cabled pairs of NICs with the manners of mlx5, for tests only");

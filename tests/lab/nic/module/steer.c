// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queue a frame goes to: the rules of ethtool -N first, then the filters of VLAN and address, then a hash. In this
 * order, as mlx5 has it (fs_core.c: the ethtool namespace lies before the kernel's, whose VLAN and L2 tables do the
 * filtering): what a rule takes, no filter sees.
 */
#include "labnic.h"

#include <linux/etherdevice.h>
#include <net/flow_dissector.h>

static bool labnic_rule_matches(const struct ethtool_rx_flow_spec *rule, const struct vlan_ethhdr *frame, bool tagged)
{
	if (!ether_addr_equal_masked(frame->h_dest, rule->h_u.ether_spec.h_dest, rule->m_u.ether_spec.h_dest))
		return false;
	return !(rule->flow_type & FLOW_EXT) ||
	       (tagged && !((frame->h_vlan_TCI ^ rule->h_ext.vlan_tci) & rule->m_ext.vlan_tci));
}

/* en_fs.c: the VLAN table lets through what was added, any VLAN when promiscuous; the L2 table own addresses. */
static bool labnic_filters_pass(struct labnic *nic, const struct vlan_ethhdr *frame, bool tagged)
{
	struct netdev_hw_addr *address;

	if (nic->dev->flags & IFF_PROMISC)
		return true;
	if (tagged && (nic->dev->features & NETIF_F_HW_VLAN_CTAG_FILTER) &&
	    !test_bit(ntohs(frame->h_vlan_TCI) & VLAN_VID_MASK, nic->vlans))
		return false;
	if (is_multicast_ether_addr(frame->h_dest) || ether_addr_equal(frame->h_dest, nic->dev->dev_addr))
		return true;
	list_for_each_entry_rcu(address, &nic->dev->uc.list, list)
		if (ether_addr_equal(address->addr, frame->h_dest))
			return true;
	return false;
}

/* The queue, or -1 to discard. Called under RCU. */
int labnic_steer(struct labnic *nic, struct labnic_frame *frame)
{
	const struct vlan_ethhdr *header = (void *)frame->data;
	bool tagged = header->h_vlan_proto == htons(ETH_P_8021Q);
	struct flow_keys keys = {};
	unsigned int i;

	for_each_set_bit(i, nic->used_rules, LABNIC_RULES) {
		smp_rmb();	/* the bit before the rule; pairs with labnic_rule_insert() */
		if (labnic_rule_matches(&nic->rules[i], header, tagged))
			return nic->rules[i].ring_cookie == RX_CLS_FLOW_DISC ? -1 : (int)nic->rules[i].ring_cookie;
	}
	if (!labnic_filters_pass(nic, header, tagged))
		return -1;
	__skb_flow_dissect(dev_net(nic->dev), NULL, &flow_keys_dissector, &keys, (void *)header, header->h_vlan_proto,
			   ETH_HLEN, frame->length, 0);
	return READ_ONCE(nic->indirection[flow_hash_from_keys(&keys) % LABNIC_INDIRECTION]);
}

void labnic_indirection_default(struct labnic *nic)
{
	unsigned int i;

	for (i = 0; i < LABNIC_INDIRECTION; i++)
		WRITE_ONCE(nic->indirection[i], ethtool_rxfh_indir_default(i, nic->dev->real_num_rx_queues));
}

u32 labnic_indirection_size(struct net_device *dev)
{
	return LABNIC_INDIRECTION;
}

int labnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss)
{
	struct labnic *nic = netdev_priv(dev);

	rss->hfunc = ETH_RSS_HASH_TOP;
	if (rss->indir)
		memcpy(rss->indir, nic->indirection, sizeof(nic->indirection));
	return 0;
}

int labnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss, struct netlink_ext_ack *extack)
{
	struct labnic *nic = netdev_priv(dev);

	if (rss->indir)
		memcpy(nic->indirection, rss->indir, sizeof(nic->indirection));
	return 0;
}

int labnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command, u32 *locations)
{
	struct labnic *nic = netdev_priv(dev);
	unsigned int i, n = 0;

	switch (command->cmd) {
	case ETHTOOL_GRXRINGS:
		command->data = dev->real_num_rx_queues;
		return 0;
	case ETHTOOL_GRXCLSRULE:
		if (command->fs.location >= LABNIC_RULES || !test_bit(command->fs.location, nic->used_rules))
			return -ENOENT;
		command->fs = nic->rules[command->fs.location];
		return 0;
	case ETHTOOL_GRXCLSRLALL:
		for_each_set_bit(i, nic->used_rules, LABNIC_RULES) {
			if (n == command->rule_cnt)
				return -EMSGSIZE;
			locations[n++] = i;
		}
		fallthrough;
	case ETHTOOL_GRXCLSRLCNT:
		command->rule_cnt = bitmap_weight(nic->used_rules, LABNIC_RULES);
		command->data = LABNIC_RULES;
		return 0;
	}
	return -EOPNOTSUPP;
}

/* en_fs_ethtool.c, validate_flow(): what must match is named, and of the VLAN the id and nothing but the id. */
static int labnic_rule_insert(struct labnic *nic, const struct ethtool_rx_flow_spec *rule)
{
	const struct ethhdr *mask = &rule->m_u.ether_spec;
	bool vlan = rule->flow_type & FLOW_EXT;

	if ((rule->flow_type & ~FLOW_EXT) != ETHER_FLOW || !is_zero_ether_addr(mask->h_source) || mask->h_proto)
		return -EOPNOTSUPP;
	if (rule->ring_cookie != RX_CLS_FLOW_DISC && rule->ring_cookie >= nic->dev->real_num_rx_queues)
		return -EINVAL;
	if (vlan && (rule->m_ext.vlan_etype || rule->m_ext.vlan_tci != htons(VLAN_VID_MASK) ||
		     ntohs(rule->h_ext.vlan_tci) >= VLAN_N_VID))
		return -EINVAL;
	if (!vlan && is_zero_ether_addr(mask->h_dest))
		return -EINVAL;
	clear_bit(rule->location, nic->used_rules);
	synchronize_net();	/* nobody reads the old rule any more */
	nic->rules[rule->location] = *rule;
	smp_mb__before_atomic();
	set_bit(rule->location, nic->used_rules);
	return 0;
}

int labnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command)
{
	struct labnic *nic = netdev_priv(dev);

	if (command->fs.location >= LABNIC_RULES)
		return -ENOSPC;
	if (command->cmd == ETHTOOL_SRXCLSRLINS)
		return labnic_rule_insert(nic, &command->fs);
	if (command->cmd == ETHTOOL_SRXCLSRLDEL)
		return test_and_clear_bit(command->fs.location, nic->used_rules) ? 0 : -ENOENT;
	return -EOPNOTSUPP;
}

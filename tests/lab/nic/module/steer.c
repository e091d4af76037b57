// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which queue a frame goes to: the rules of ethtool -N first, then the filters of VLAN and address, then a hash. In this
 * order, as mlx5 has it (fs_core.c: the ethtool namespace lies before the kernel's, whose VLAN and L2 tables do the
 * filtering): what a rule takes, no filter sees.
 */
#include "labnic.h"

#include <linux/etherdevice.h>
#include <net/flow_dissector.h>

static bool labnic_differ(const void *left, const void *right, const void *mask, int n)
{
	const u8 *a = left, *b = right, *m = mask;

	while (n--)
		if ((a[n] ^ b[n]) & m[n])
			return true;
	return false;
}

static bool labnic_rule_matches(const struct ethtool_rx_flow_spec *spec, const struct vlan_ethhdr *frame, bool tagged)
{
	const struct ethhdr *want = &spec->h_u.ether_spec, *mask = &spec->m_u.ether_spec;
	/* The type of what is in the tag: ether_type of the flow table's match. */
	__be16 proto = tagged ? frame->h_vlan_encapsulated_proto : frame->h_vlan_proto;

	if (labnic_differ(frame, want, mask, 2 * ETH_ALEN) || (proto ^ want->h_proto) & mask->h_proto)
		return false;
	return !(spec->flow_type & FLOW_EXT) ||
	       (tagged && !((frame->h_vlan_TCI ^ spec->h_ext.vlan_tci) & spec->m_ext.vlan_tci));
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

static int labnic_hash_queue(struct labnic *nic, struct labnic_frame *frame, const struct ethhdr *eth)
{
	struct flow_keys keys;

	memset(&keys, 0, sizeof(keys));
	__skb_flow_dissect(dev_net(nic->dev), NULL, &flow_keys_dissector, &keys, (void *)eth, eth->h_proto, ETH_HLEN,
			   frame->length, 0);
	frame->hash = flow_hash_from_keys(&keys);
	return READ_ONCE(nic->indirection[frame->hash % LABNIC_INDIRECTION]);
}

/* The queue, or -1 to discard. Called under RCU. */
int labnic_steer(struct labnic *nic, struct labnic_frame *frame)
{
	const struct vlan_ethhdr *header = (void *)frame + frame->offset;
	bool tagged = frame->length >= VLAN_ETH_HLEN && header->h_vlan_proto == htons(ETH_P_8021Q);
	unsigned int i;

	for_each_set_bit(i, nic->used_rules, LABNIC_RULES) {
		smp_rmb();	/* the bit before the rule; pairs with labnic_rule_insert() */
		if (labnic_rule_matches(&nic->rules[i], header, tagged))
			return nic->rules[i].ring_cookie == RX_CLS_FLOW_DISC ? -1 : (int)nic->rules[i].ring_cookie;
	}
	if (!labnic_filters_pass(nic, header, tagged))
		return -1;
	return labnic_hash_queue(nic, frame, (const struct ethhdr *)header);
}

void labnic_indirection_default(struct labnic *nic)
{
	unsigned int i;

	for (i = 0; i < LABNIC_INDIRECTION; i++)
		WRITE_ONCE(nic->indirection[i], i % nic->channels);
}

/* en_fs_ethtool.c, validate_flow(): what must match is named, and of the VLAN the id and nothing but the id. */
static int labnic_rule_validate(const struct labnic *nic, const struct ethtool_rx_flow_spec *spec)
{
	const struct ethhdr *mask = &spec->m_u.ether_spec;
	bool vlan = spec->flow_type & FLOW_EXT;

	if (spec->location >= LABNIC_RULES)
		return -ENOSPC;
	if (spec->ring_cookie != RX_CLS_FLOW_DISC && spec->ring_cookie >= nic->channels)
		return -EINVAL;
	if ((spec->flow_type & ~FLOW_EXT) != ETHER_FLOW)
		return -EOPNOTSUPP;
	if (vlan && (spec->m_ext.vlan_etype || spec->m_ext.vlan_tci != htons(VLAN_VID_MASK) ||
		     ntohs(spec->h_ext.vlan_tci) >= VLAN_N_VID))
		return -EINVAL;
	if (!vlan && is_zero_ether_addr(mask->h_dest) && is_zero_ether_addr(mask->h_source) && !mask->h_proto)
		return -EINVAL;
	return 0;
}

int labnic_rule_insert(struct labnic *nic, const struct ethtool_rx_flow_spec *spec)
{
	int err = labnic_rule_validate(nic, spec);

	if (err)
		return err;
	clear_bit(spec->location, nic->used_rules);
	synchronize_net();	/* nobody reads the old rule any more */
	nic->rules[spec->location] = *spec;
	smp_mb__before_atomic();
	set_bit(spec->location, nic->used_rules);
	return 0;
}

int labnic_rule_delete(struct labnic *nic, u32 location)
{
	if (location >= LABNIC_RULES)
		return -ENOSPC;
	return test_and_clear_bit(location, nic->used_rules) ? 0 : -ENOENT;
}

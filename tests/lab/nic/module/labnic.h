/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * labnic: pairs of cabled NICs with the manners of mlx5, for tests only. What a NIC and one of its queues are, and which
 * file offers what. README.md lists what is imitated, from which kernel source, and where it differs.
 */
#ifndef LABNIC_H
#define LABNIC_H

#include <linux/ethtool.h>
#include <linux/hrtimer.h>
#include <linux/if_vlan.h>
#include <linux/irq_work.h>
#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/smp.h>
#include <net/xdp.h>

#define LABNIC_MAX_QUEUES	8
#define LABNIC_RING		1024
#define LABNIC_INDIRECTION	128
#define LABNIC_RULES		1024	/* en_fs_ethtool.c: MAX_NUM_OF_ETHTOOL_RULES */
#define LABNIC_MAX_MTU		9000
#define LABNIC_OVERHEAD		(XDP_PACKET_HEADROOM + SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))
/* What fits into one page, as mlx5e_xdp_max_mtu() of en/xdp.c has it: 3498. */
#define LABNIC_XDP_MTU		((int)(PAGE_SIZE - LABNIC_OVERHEAD - ETH_HLEN - 2 * VLAN_HLEN))

/* A frame on the wire: lies at the start of its page, the bytes behind it. */
struct labnic_frame {
	u32 offset, length, size, hash;
};

struct labnic_coalesce {
	struct labnic_way { u32 usecs, frames; bool adaptive; } rx, tx;
};

/* Counters of a queue; their names are in ethtool.c. */
enum {
	RX_PACKETS, RX_BYTES, RX_XDP_DROP, RX_XDP_REDIRECT, RX_OUT_OF_BUFFER, CH_EVENTS, CH_POLL, CH_AFF_CHANGE,
	QUEUE_COUNTERS
};
/* Counters of a NIC. */
enum { STEER_DISCARDS, RESET_DISCARDS, CHANNEL_RESETS, NIC_COUNTERS };

struct labnic_queue {
	struct napi_struct napi;
	struct xdp_rxq_info rxq;
	struct ptr_ring ring;
	struct net_device *dev;
	struct labnic_coalesce coalesce;
	u64 count[QUEUE_COUNTERS];
	/* interrupt.c */
	struct irq_work work;
	call_single_data_t csd;
	struct hrtimer timer;
	unsigned long state;
	atomic_t pending;
	unsigned int cpu, irq;
	char irq_name[IFNAMSIZ + 24];
};

struct labnic {
	struct net_device *dev, *peer;
	struct bpf_prog *program;
	bool receiving;			/* open, and no reset of the channels under way */
	unsigned int channels;
	struct labnic_coalesce coalesce;
	u64 count[NIC_COUNTERS];
	/* steer.c */
	u32 indirection[LABNIC_INDIRECTION];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	DECLARE_BITMAP(used_rules, LABNIC_RULES);
	struct ethtool_rx_flow_spec rules[LABNIC_RULES];
	struct labnic_queue queues[LABNIC_MAX_QUEUES];
};

/* create.c: the module's parameters */
extern unsigned int labnic_queues, labnic_reset_ms;
extern bool labnic_ignore_tx_usecs;

/* interrupt.c */
struct irq_domain *labnic_irq_domain(unsigned int interrupts);
int labnic_irq_request(struct labnic_queue *queue, struct irq_domain *domain, unsigned int number, unsigned int cpu);
void labnic_irq_free(struct labnic_queue *queue);
void labnic_irq_arm(struct labnic_queue *queue);
void labnic_irq_kick(struct labnic_queue *queue);
void labnic_irq_quiesce(struct labnic_queue *queue);

/* wire.c */
void labnic_frame_free(void *frame);
void labnic_wire(struct net_device *from, struct labnic_frame *frame);
netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev);
int labnic_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags);

/* steer.c */
int labnic_steer(struct labnic *nic, struct labnic_frame *frame);
void labnic_indirection_default(struct labnic *nic);
int labnic_rule_insert(struct labnic *nic, const struct ethtool_rx_flow_spec *spec);
int labnic_rule_delete(struct labnic *nic, u32 location);

/* receive.c */
extern const struct xdp_metadata_ops labnic_metadata_ops;
int labnic_poll(struct napi_struct *napi, int budget);

/* netdev.c */
extern const struct net_device_ops labnic_netdev_ops;
void labnic_channels_switch(struct labnic *nic, void (*change)(struct labnic *nic, void *to), void *to);

/* ethtool.c */
extern const struct ethtool_ops labnic_ethtool_ops;
void labnic_coalesce_default(struct labnic_coalesce *coalesce);

#endif

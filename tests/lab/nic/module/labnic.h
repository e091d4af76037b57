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
#include <linux/netdevice.h>
#include <linux/ptr_ring.h>
#include <linux/smp.h>
#include <net/xdp.h>

#define LABNIC_MAX_PAIRS	16
#define LABNIC_MAX_QUEUES	8
#define LABNIC_RING		1024
#define LABNIC_INDIRECTION	128
#define LABNIC_RULES		1024	/* en_fs_ethtool.c: MAX_NUM_OF_ETHTOOL_RULES */
#define LABNIC_OVERHEAD		(XDP_PACKET_HEADROOM + SKB_DATA_ALIGN(sizeof(struct skb_shared_info)))

/* A frame on the wire, at the start of its page. */
struct labnic_frame {
	u32 length;
	u8 headroom[XDP_PACKET_HEADROOM - sizeof(u32)];
	u8 data[];
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
	struct ethtool_coalesce coalesce;
	u64 count[QUEUE_COUNTERS];
	/* interrupt.c */
	call_single_data_t csd;
	struct hrtimer timer, sent_timer;
	unsigned long state;
	atomic_t pending, sent;
	unsigned int cpu, irq;
	char irq_name[IFNAMSIZ + 24];
};

struct labnic {
	struct net_device *dev;
	struct labnic *peer;
	struct bpf_prog *program;
	bool receiving;			/* open, and no reset of the channels under way */
	struct ethtool_coalesce coalesce;
	u64 count[NIC_COUNTERS];
	/* steer.c */
	u32 indirection[LABNIC_INDIRECTION];
	DECLARE_BITMAP(vlans, VLAN_N_VID);
	DECLARE_BITMAP(used_rules, LABNIC_RULES);
	struct ethtool_rx_flow_spec rules[LABNIC_RULES];
	struct labnic_queue queues[LABNIC_MAX_QUEUES];
};

/* create.c: the module's parameters */
extern unsigned int labnic_queues, labnic_reset_ms, labnic_ignore_tx_usecs;
extern bool labnic_tx_interrupts;

/* interrupt.c */
int labnic_irq_request(struct labnic_queue *queue, unsigned int cpu);
void labnic_irq_free(struct labnic_queue *queue);
void labnic_irq_arm(struct labnic_queue *queue);
void labnic_irq_kick(struct labnic_queue *queue);
void labnic_irq_sent(struct labnic_queue *queue);
void labnic_irq_quiesce(struct labnic_queue *queue);

/* wire.c */
netdev_tx_t labnic_xmit(struct sk_buff *skb, struct net_device *dev);
int labnic_xdp_xmit(struct net_device *dev, int n, struct xdp_frame **frames, u32 flags);

/* steer.c */
int labnic_steer(struct labnic *nic, struct labnic_frame *frame);
void labnic_indirection_default(struct labnic *nic);
u32 labnic_indirection_size(struct net_device *dev);
int labnic_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss);
int labnic_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rss, struct netlink_ext_ack *extack);
int labnic_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command, u32 *locations);
int labnic_set_rxnfc(struct net_device *dev, struct ethtool_rxnfc *command);

/* receive.c */
extern const struct xdp_metadata_ops labnic_metadata_ops;
int labnic_poll(struct napi_struct *napi, int budget);

/* netdev.c */
void labnic_describe(struct net_device *dev);
void labnic_reset_begin(struct labnic *nic);
void labnic_reset_end(struct labnic *nic);

/* ethtool.c */
extern const struct ethtool_ops labnic_ethtool_ops;
int labnic_coalesce_set(struct ethtool_coalesce *coalesce, const struct ethtool_coalesce *wanted);

#endif

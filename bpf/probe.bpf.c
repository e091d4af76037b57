// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Counts, per port and cause, the frames that the uplink program forwarded and the kernel lost afterwards: between
 * the verdict and the tap's ring. Nobody else counts them (a tap's own statistics stay at 0).
 *
 * Tracepoints are host-wide, other people's XDP fires them too. A loss is ours when it happens to a device that is
 * a port of ours: by ifindex, which says nothing without the network namespace. At redirect_err the kernel also
 * names the map, so there ours means our devmap. devmap_xmit does not name it: should somebody else's program
 * redirect into the same tap, its losses count there too; they are losses of the same ring, and the guest's.
 */
#include <linux/bpf.h>
#include <linux/errno.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/* Our network namespace (the inode number of /proc/self/ns/net), and our devmap's id. */
const volatile __u32 netns_inum = 0;
const volatile __u32 devmap_id = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFWD_MAX_PORTS);
	__type(key, __u32); /* ifindex */
	__type(value, __u32); /* slot */
} port_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPFWD_MAX_PORTS);
	__type(key, __u32); /* slot */
	__type(value, struct xdpfwd_port_losses);
} port_losses SEC(".maps");

/* The few fields that we read of the kernel's structures, found by name at load time. */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

static __always_inline void count(__u32 ifindex, enum xdpfwd_loss loss, __u64 packets)
{
	struct xdpfwd_port_losses *losses;
	__u32 *slot = bpf_map_lookup_elem(&port_slots, &ifindex);

	if (!slot)
		return;
	losses = bpf_map_lookup_elem(&port_losses, slot);
	if (losses)
		losses->packets[loss] += packets;
}

/*
 * xdp_devmap_xmit(from, to, sent, drops, err), since 5.5: a bulk was handed to a device, which took `sent` frames and
 * not `drops`. A tap takes what its ring has room for, without error.
 */
SEC("tp_btf/xdp_devmap_xmit")
int xdpfwd_devmap_xmit(__u64 *ctx)
{
	const struct net_device *to = (const void *)ctx[1];
	int drops = (int)ctx[3];
	int err = (int)ctx[4];

	if (drops <= 0 || to->nd_net.net->ns.inum != netns_inum)
		return 0;
	count(to->ifindex,
	      err == 0	    ? XDPFWD_LOSS_RING_FULL :
	      err == -ENXIO ? XDPFWD_LOSS_NO_READER :
			      XDPFWD_LOSS_OTHER,
	      drops);
	return 0;
}

/*
 * xdp_redirect_err(dev, prog, target, err, map_type, map_id, index): one frame was refused before it was put into a
 * bulk. `dev` is where it came from; `index` is the devmap's key, which is the target's ifindex.
 */
SEC("tp_btf/xdp_redirect_err")
int xdpfwd_redirect_err(__u64 *ctx)
{
	int err = (int)ctx[3];
	__u32 map_id = (__u32)ctx[5];
	__u32 index = (__u32)ctx[6];

	if (map_id != devmap_id)
		return 0;
	count(index,
	      err == -ENETDOWN ? XDPFWD_LOSS_DOWN :
	      err == -EMSGSIZE ? XDPFWD_LOSS_TOO_LONG :
				 XDPFWD_LOSS_OTHER,
	      1);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";

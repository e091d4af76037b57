/* SPDX-License-Identifier: BSD-2-Clause */
/* What the dropping sink's program counts, on each CPU. */
#ifndef XDPFWD_PKTGEN_DROP_SINK_H
#define XDPFWD_PKTGEN_DROP_SINK_H

#include <linux/types.h>

#define DROP_SINK_PORT 0x7866

struct drop_counts {
  __u64 frames;
  __u64 bytes;
  __u64 first_ns; /* CLOCK_MONOTONIC */
  __u64 last_ns;
};

#endif /* XDPFWD_PKTGEN_DROP_SINK_H */

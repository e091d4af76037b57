/* SPDX-License-Identifier: BSD-2-Clause */
/* What the softirq clock's program and the harness share: one row of counts a CPU. */
#ifndef XDPFWD_BENCH_SOFTIRQ_CLOCK_H
#define XDPFWD_BENCH_SOFTIRQ_CLOCK_H

#include <linux/types.h>

#define BENCH_MAX_CPUS 512
#define BENCH_SOFTIRQS 10
#define BENCH_SOFTIRQ_NET_TX 2
#define BENCH_SOFTIRQ_NET_RX 3

struct softirq_row {
  __u64 entered_ns; /* 0 = not in a softirq */
  __u64 ns[BENCH_SOFTIRQS];
  __u64 runs[BENCH_SOFTIRQS];
  __u64 polls; /* of NAPI, in the namespace watched */
  __u64 empty_polls;
  __u64 packets; /* the sum of the polls' work */
  __u64 pad[8];
};

#endif /* XDPFWD_BENCH_SOFTIRQ_CLOCK_H */

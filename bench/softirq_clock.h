/* SPDX-License-Identifier: BSD-2-Clause */
/* What the softirq clock's program and the harness share: one row of counts a CPU. */
#ifndef XDPFWD_BENCH_SOFTIRQ_CLOCK_H
#define XDPFWD_BENCH_SOFTIRQ_CLOCK_H

#include <linux/types.h>

#define BENCH_MAX_CPUS 512
#define BENCH_MAX_FOLLOWED 16
#define BENCH_SOFTIRQS 10
#define BENCH_SOFTIRQ_NET_TX 2
#define BENCH_SOFTIRQ_NET_RX 3

/* Who has a CPU while no softirq has it. */
enum softirq_clock_task {
  BENCH_TASK_IDLE,
  BENCH_TASK_KERNEL, /* a thread of the kernel's, but: */
  BENCH_TASK_NAPI,   /* one that polls an uplink of a rig, by its name */
  BENCH_TASK_PROCESS,
  BENCH_TASK_CONTENDER, /* a process that Telemetry::follow() named */
  BENCH_TASK_DAEMON,    /* xdpfwd's, by its name */
  BENCH_TASK_POLLER,    /* xdpfwd-poller, by its name */
  BENCH_TASK_HARNESS,   /* a thread of the harness, by its name: "bench-..." */
  BENCH_TASKS,
};

struct softirq_row {
  __u64 entered_ns; /* 0 = not in a softirq */
  __u64 ns[BENCH_SOFTIRQS];
  __u64 polls; /* of NAPI, in the namespace watched */
  __u64 empty_polls;
  __u64 packets; /* the sum of the polls' work */
  /* Softirqs that came in between are left out of a task's time: the kernel's own accounting has them in
     both, unless it was built with IRQ_TIME_ACCOUNTING. */
  __u64 task_ns[BENCH_TASKS];
  __u64 switches;
  __u64 switched_ns;        /* the last time, to ... */
  __u64 running;            /* ... such a task; 0 and no time yet: none was seen */
  __u64 softirqs_ns;        /* the sum of ns */
  __u64 softirqs_ns_before; /* as it was when the running task came */
};

#endif /* XDPFWD_BENCH_SOFTIRQ_CLOCK_H */

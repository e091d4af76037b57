/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generator program and the process that runs it share: the stamp in every frame, one row per
 * stream, and the state of a run. Plain C types, so that both sides see the same bytes.
 */
#ifndef XDPFWD_PKTGEN_GENERATOR_H
#define XDPFWD_PKTGEN_GENERATOR_H

#include <linux/types.h>

/*
 * The stamp: the last bytes of a frame's head, big endian. 48 bits of sequence last for months at any rate,
 * 48 bits of nanoseconds wrap after 78 hours; so the stamp fits into a minimum frame with one VLAN tag (60
 * bytes). The check is the complement of the ones' complement sum of the stream's id, sequence and time, so
 * that a flipped bit in the stamp is seen, too.
 */
#define PKTGEN_STAMP_SIZE 14
#define PKTGEN_STAMP_MASK 0xffffffffffffULL

#define PKTGEN_HEAD_SIZE 96 /* Ethernet, two tags, IPv4, UDP and the stamp are 64 */

/* What follows the head: fill_len bytes of one pattern, from a place that depends on the stream. */
#define PKTGEN_FILL_MAX 2048
#define PKTGEN_PATTERN_SIZE 4096

#define PKTGEN_MAX_DEVICES 16

struct generator_stream {
  __u64 sequence; /* of the next frame = frames handed to the device so far */
  __u32 id;
  __u16 device;   /* index into generator_run.ifindex */
  __u16 head_len; /* the stamp is the end of the head */
  __u16 fill_len;
  __u16 fill_at;
  __u32 pad[3];
  __u8 head[PKTGEN_HEAD_SIZE];
};

struct generator_run {
  /* Written by the process. */
  __u64 duration_ns;
  __u64 limit;        /* frames */
  __u64 interval_q16; /* nanoseconds between frames in 1/65536; 0 = as fast as possible */
  __u64 max_lag_q16;  /* frames later than this are not sent but counted; 0 = all are sent, however late */
  __u32 frame_len;    /* of the frame that BPF_PROG_TEST_RUN is given */
  __u32 stream_count;
  __u32 ifindex[PKTGEN_MAX_DEVICES]; /* 0 = the device is out: its frames are not made */
  __u32 netns;                       /* inode of the network namespace */
  __u32 burst;                       /* frames that are due at the same moment; 0 counts as 1 */
  __u32 poisson;                     /* gaps are exponentially distributed around the interval */
  /* Written by the program. Times are CLOCK_MONOTONIC. */
  __u32 next_stream;
  __u32 done;
  __u32 in_burst; /* frames left of the present burst */
  __u32 pad;
  __u64 start_ns; /* of the first frame */
  __u64 due_q16;  /* when the next frame is due, from start_ns, in 1/65536 nanoseconds */
  __u64 last_ns;  /* when the last frame was made */
  __u64 sent;
  __u64 left_out; /* frames that were due for a device that was out */
  __u64 unsent;   /* frames that were too late, and so were not made */
};

/* Gaps of a Poisson process, as multiples of their mean in 1/65536: one of these at random is the next. */
#define PKTGEN_GAPS 4096

/* Frames that a device did not take after they had been sent to it. */
struct generator_refusals {
  __u64 ring_full;
  __u64 error;
  __u32 last_errno;
  __u32 pad;
};

#ifdef __cplusplus
static_assert(sizeof(struct generator_stream) == 128, "a row is two cache lines");
#else
_Static_assert(sizeof(struct generator_stream) == 128, "a row is two cache lines");
#endif

#endif /* XDPFWD_PKTGEN_GENERATOR_H */

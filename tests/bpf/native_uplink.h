/* SPDX-License-Identifier: BSD-2-Clause */
/* Between native_uplink.c, which is the program, and native_engine.cpp, which is its kernel. */
#pragma once

#include "bpf/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

struct native_maps {
  struct xdpfwd_fdb_bucket* fdb;
  __u32 fdb_elements;
  struct xdpfwd_port ports[XDPFWD_MAX_PORTS];
  struct xdpfwd_port_stats port_stats[XDPFWD_MAX_PORTS];
  struct xdpfwd_member members[XDPFWD_MAX_MEMBERS];
  struct xdpfwd_member_stats member_stats[XDPFWD_MAX_MEMBERS];
};

/* Addresses have 32 bits, as in struct xdp_md: the frame is in the first 4 GiB. */
struct native_frame {
  __u32 first_byte; /* the head can be moved down to here */
  __u32 data;
  __u32 data_end;
  __u32 other_buffers; /* bytes of the frame that are not between data and data_end */
};

struct native_tag {
  __s32 error;
  __be16 proto;
  __u16 tci;
};

int native_run(struct native_maps* maps, struct native_frame* frame, int hint, const struct native_tag* tag);

/* Of the engine. */
int native_has_device(__u32 ifindex);
__u64* native_find_sender(__u64 key);
long native_set_sender(__u64 key, __u64 value); /* 0 or a negative errno value */
__u64 native_now_ns(void);

#ifdef __cplusplus
}
#endif

// SPDX-License-Identifier: BSD-2-Clause
// The uplink program's own source, compiled into this process: the kernel's helpers and map declarations are
// replaced by functions that ask native_engine.cpp. In here a frame can have any length, and sanitizers watch
// every access.
#include "tests/bpf/native_uplink.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>

#define __BPF_HELPERS__ /* instead of libbpf's */
#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value)* name
#define __noinline __attribute__((noinline))

static void* bpf_map_lookup_elem(const void* map, const void* key);
static long bpf_redirect_map(const void* map, __u64 key, __u64 flags);
static long bpf_xdp_adjust_head(struct xdp_md* ctx, int delta);
static __u64 bpf_xdp_get_buff_len(const struct xdp_md* ctx);
static long bpf_map_update_elem(const void* map, const void* key, const void* value, __u64 flags);
static __u64 bpf_ktime_get_coarse_ns(void);

#define XDPFWD_STUB_TAG
#include "bpf/uplink.bpf.c"

static struct native_frame* frame_now;
static struct native_maps* maps_now;

static void* bpf_map_lookup_elem(const void* map, const void* key) {
  const __u32 index = *(const __u32*)key;
  if (map == &fdb) return index < maps_now->fdb_elements ? &maps_now->fdb[index] : NULL;
  if (map == &senders) return native_find_sender(*(const __u64*)key);
  if (map == &ports) return index < XDPFWD_MAX_PORTS ? &maps_now->ports[index] : NULL;
  if (map == &port_stats) return index < XDPFWD_MAX_PORTS ? &maps_now->port_stats[index] : NULL;
  if (map == &members) return index < XDPFWD_MAX_MEMBERS ? &maps_now->members[index] : NULL;
  if (map == &member_stats) return index < XDPFWD_MAX_MEMBERS ? &maps_now->member_stats[index] : NULL;
  return NULL;
}

static long bpf_map_update_elem(const void* map, const void* key, const void* value, __u64 flags) {
  (void)flags;
  return map == &senders ? native_set_sender(*(const __u64*)key, *(const __u64*)value) : -EINVAL;
}

static __u64 bpf_ktime_get_coarse_ns(void) {
  return native_now_ns();
}

static long bpf_redirect_map(const void* map, __u64 key, __u64 flags) {
  return map == &devmap && native_has_device((__u32)key) ? XDP_REDIRECT : (long)(flags & 3);
}

// As the kernel does: an Ethernet header must be left, and the room before the frame is limited.
static long bpf_xdp_adjust_head(struct xdp_md* ctx, int delta) {
  const long long data = (long long)ctx->data + delta;
  if (data < frame_now->first_byte || data > (long long)ctx->data_end - 14) return -EINVAL;
  ctx->data = (__u32)data;
  return 0;
}

static __u64 bpf_xdp_get_buff_len(const struct xdp_md* ctx) {
  return ctx->data_end - ctx->data + frame_now->other_buffers;
}

int native_run(struct native_maps* maps, struct native_frame* frame, int hint, const struct native_tag* tag) {
  struct xdp_md ctx = {.data = frame->data, .data_end = frame->data_end};
  int verdict;

  maps_now = maps;
  frame_now = frame;
  stub_tag.error = tag->error;
  stub_tag.proto = tag->proto;
  stub_tag.tci = tag->tci;
  verdict = hint ? xdpfwd_uplink_hint(&ctx) : xdpfwd_uplink(&ctx);
  frame->data = ctx.data;
  frame->data_end = ctx.data_end;
  return verdict;
}

/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Taking a VLAN tag off a frame's bytes and putting one on. Each moves the MAC addresses over the tag's place; the
 * frame's start is moved by the caller (bpf_xdp_adjust_head). The two undo each other.
 * Pure C without the kernel: also compiled natively, for unit tests and fuzzing.
 */
#ifndef XDPFWD_BPF_REWRITE_H
#define XDPFWD_BPF_REWRITE_H

#include "bpf/parse.h"

XDPFWD_INLINE void xdpfwd_store64(void *at, __u64 value)
{
#ifdef __bpf__
	*(__u64 *)at = value;
#else
	__builtin_memcpy(at, &value, sizeof(value));
#endif
}

XDPFWD_INLINE void xdpfwd_store32(void *at, __u32 value)
{
#ifdef __bpf__
	*(__u32 *)at = value;
#else
	__builtin_memcpy(at, &value, sizeof(value));
#endif
}

XDPFWD_INLINE void xdpfwd_store_be16(void *at, __u16 value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap16(value);
#endif
#ifdef __bpf__
	*(__u16 *)at = value;
#else
	__builtin_memcpy(at, &value, sizeof(value));
#endif
}

/* `data` has at least 16 bytes. Afterwards the frame without its tag starts at data + XDPFWD_TAG_LEN. */
XDPFWD_INLINE void xdpfwd_pop_tag(void *data)
{
	char *at = (char *)data;
	__u64 first = xdpfwd_load64(at);
	__u32 rest = xdpfwd_load32(at + 8);

	xdpfwd_store64(at + XDPFWD_TAG_LEN, first);
	xdpfwd_store32(at + XDPFWD_TAG_LEN + 8, rest);
}

/* `data` has XDPFWD_TAG_LEN bytes of room, then the frame's MAC addresses. The frame with the tag starts at data. */
XDPFWD_INLINE void xdpfwd_push_tag(void *data, __u16 tpid, __u16 tci)
{
	char *at = (char *)data;
	__u64 first = xdpfwd_load64(at + XDPFWD_TAG_LEN);
	__u32 rest = xdpfwd_load32(at + XDPFWD_TAG_LEN + 8);

	xdpfwd_store64(at, first);
	xdpfwd_store32(at + 8, rest);
	xdpfwd_store_be16(at + XDPFWD_MACS_LEN, tpid);
	xdpfwd_store_be16(at + XDPFWD_MACS_LEN + 2, tci);
}

#endif /* XDPFWD_BPF_REWRITE_H */

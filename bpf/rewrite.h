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

/* The four bytes of a tag, in a word as they lie in memory. */
XDPFWD_INLINE __u32 xdpfwd_tag_bytes(__u16 tpid, __u16 tci)
{
	__u32 bytes = (__u32)tpid << 16 | tci;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	bytes = __builtin_bswap32(bytes);
#endif
	return bytes;
}

/*
 * `data` has at least 16 bytes. Afterwards the frame without its tag starts at data + XDPFWD_TAG_LEN. Returns the
 * tag's bytes.
 */
XDPFWD_INLINE __u32 xdpfwd_pop_tag(void *data)
{
	char *at = (char *)data;
	__u64 macs = xdpfwd_load64(at);
	__u32 more = xdpfwd_load32(at + 8);
	__u32 tag = xdpfwd_load32(at + XDPFWD_MACS_LEN);

	xdpfwd_store64(at + XDPFWD_TAG_LEN, macs);
	xdpfwd_store32(at + XDPFWD_TAG_LEN + 8, more);
	return tag;
}

/*
 * `data` has XDPFWD_TAG_LEN bytes of room, then the frame's MAC addresses. Afterwards the frame with the tag starts
 * at data.
 */
XDPFWD_INLINE void xdpfwd_push_tag(void *data, __u32 tag)
{
	char *at = (char *)data;
	__u64 macs = xdpfwd_load64(at + XDPFWD_TAG_LEN);
	__u32 more = xdpfwd_load32(at + XDPFWD_TAG_LEN + 8);

	xdpfwd_store64(at, macs);
	xdpfwd_store32(at + 8, more);
	xdpfwd_store32(at + XDPFWD_MACS_LEN, tag);
}

#endif /* XDPFWD_BPF_REWRITE_H */

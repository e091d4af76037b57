/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The uplink program's maps and its configuration; the table has a header of its own (fdb.h). The daemon creates,
 * pins and shares the maps; every member's program is a load of its own with its own member_slot.
 */
#ifndef XDPFWD_BPF_MAPS_H
#define XDPFWD_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"

/* The member that this load of the program runs on: index into members and member_stats. */
const volatile __u32 member_slot = 0;

/* Always 0; see the hint flavour. */
const volatile __u8 never = 0;

/*
 * Where frames can be redirected to. By ifindex, so that the kernel takes a removed tap out by itself and a slot
 * given to another tap can never lead to the old one. Values of 4 bytes: no programs on entries.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, XDPFWD_MAX_PORTS);
	__type(key, __u32); /* ifindex */
	__type(value, __u32); /* ifindex */
} devmap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPFWD_MAX_PORTS);
	__type(key, __u32); /* slot */
	__type(value, struct xdpfwd_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPFWD_MAX_PORTS);
	__type(key, __u32); /* slot */
	__type(value, struct xdpfwd_port_stats);
} port_stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, XDPFWD_MAX_MEMBERS);
	__type(key, __u32); /* member slot */
	__type(value, struct xdpfwd_member);
} members SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDPFWD_MAX_MEMBERS);
	__type(key, __u32); /* member slot */
	__type(value, struct xdpfwd_member_stats);
} member_stats SEC(".maps");

#endif /* XDPFWD_BPF_MAPS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction by which the guest program (count.c) calls the plugin: nopw 0x66706478(%rax,%rax,1),
 * "xdpf". It does nothing on any processor, and no compiler emits it.
 */
#ifndef XDPFWD_MAGIC_H
#define XDPFWD_MAGIC_H

#define MAGIC_BYTES 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x78, 0x64, 0x70, 0x66

#endif

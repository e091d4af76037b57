/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions by context and by address of the block of code they are in. The report puts the function names
 * to them.
 */
#ifndef XDPFWD_PROFILE_H
#define XDPFWD_PROFILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum Context { kProcess, kIrq, kSoftirq, kContexts };

/* The handle of the block of `instructions` at `address`, for profile_add(). */
void* profile_block(uint64_t address, size_t instructions);
void profile_add(void* block, unsigned int vcpu, enum Context context);
/* Lines "VCPU CONTEXT ADDRESS COUNT", since the start. */
void profile_write(FILE* out, unsigned int vcpus);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of blocks by address that only grows, and the counters of each. Every vCPU adds to its own counters
 * only, so that adding takes no lock.
 */
#include "profile.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

enum { kSlots = 1 << 18, kVcpus = 16 };

struct Block {
  uint64_t address;
  size_t instructions;
  uint64_t count[kVcpus][kContexts];
};

static struct Block* slots[kSlots];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The same address may begin blocks of several lengths. */
void* profile_block(uint64_t address, size_t instructions) {
  pthread_mutex_lock(&lock);
  size_t i = (size_t)((address * 0x9e3779b97f4a7c15u) >> 40) % kSlots;
  for (size_t tried = 0; slots[i] && tried < kSlots; tried++, i = (i + 1) % kSlots)
    if (slots[i]->address == address && slots[i]->instructions == instructions) break;
  if (!slots[i]) {
    slots[i] = calloc(1, sizeof(struct Block));
    if (!slots[i]) {
      fprintf(stderr, "instruction_count: no memory for the profile\n");
      abort();
    }
    slots[i]->address = address;
    slots[i]->instructions = instructions;
  }
  if (slots[i]->address != address) {
    fprintf(stderr, "instruction_count: more than %d blocks of kernel code\n", kSlots);
    abort();
  }
  struct Block* block = slots[i];
  pthread_mutex_unlock(&lock);
  return block;
}

void profile_add(void* handle, unsigned int vcpu, enum Context context) {
  struct Block* block = handle;
  block->count[vcpu][context] += block->instructions;
}

void profile_write(FILE* out, unsigned int vcpus) {
  static const char* const names[kContexts] = {"process", "irq", "softirq"};
  pthread_mutex_lock(&lock);
  for (size_t i = 0; i < kSlots; i++)
    for (unsigned int vcpu = 0; slots[i] && vcpu < vcpus; vcpu++)
      for (int context = 0; context < kContexts; context++)
        if (slots[i]->count[vcpu][context])
          fprintf(out, "%u %s %" PRIx64 " %" PRIu64 "\n", vcpu, names[context], slots[i]->address,
                  slots[i]->count[vcpu][context]);
  pthread_mutex_unlock(&lock);
}

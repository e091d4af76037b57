/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plugin for QEMU that counts the guest's instructions: for each vCPU those of user programs, and those of
 * the kernel in process, hard-interrupt and softirq context; on request also by address. It does what the
 * guest asks for: the guest writes a request file into a folder that both see and executes an instruction
 * that does nothing (count.c). What is made of the figures is left to report.py.
 *
 *   -plugin PATH/instruction_count.so,directory=FOLDER
 *
 * reads FOLDER/request, appends to FOLDER/counts.jsonl, writes FOLDER/profile-N.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../magic.h"
#include "plugin_interface.h"
#include "profile.h"

EXPORTED int qemu_plugin_version = PLUGIN_INTERFACE_VERSION;

enum { kMaxVcpus = 16 };

/* What one vCPU has executed. QEMU adds to `user` and `kernel`; the rest changes when the context does. */
struct Counts {
  uint64_t user, kernel;
  uint64_t in_context[kContexts]; /* up to `since` */
  uint64_t entered[kContexts];
  uint64_t since; /* the value of `kernel` when the present context began */
  bool in_irq, in_softirq;
};

/* Where the kernel enters and leaves a context. The softirq's function is left by any of its returns. */
struct Places {
  uint64_t softirq_begin, softirq_end, irq_enter, irq_leave;
};

static qemu_plugin_id_t plugin;
static struct qemu_plugin_scoreboard* board;
static struct Places places;
static bool profiling;
static unsigned int vcpus, marks;
static const char* directory;
static pthread_mutex_t request_lock = PTHREAD_MUTEX_INITIALIZER;

static qemu_plugin_u64 member(size_t offset) {
  return (qemu_plugin_u64){board, offset};
}

static struct Counts* counts_of(unsigned int vcpu) {
  return qemu_plugin_scoreboard_find(board, vcpu);
}

static enum Context context_of(const struct Counts* counts) {
  return counts->in_irq ? kIrq : counts->in_softirq ? kSoftirq : kProcess;
}

/* Ends the present context with instruction number `now` of the kernel's. */
static void account(struct Counts* counts, uint64_t now) {
  counts->in_context[context_of(counts)] += now - counts->since;
  counts->since = now;
}

/* The instruction that a callback is on has been counted already. A first instruction belongs to the new
 * context, a return to the old one. Neither hard interrupts nor softirqs nest on x86. */
static void on_softirq_enter(unsigned int vcpu, void* unused) {
  (void)unused;
  struct Counts* counts = counts_of(vcpu);
  account(counts, counts->kernel - 1);
  counts->in_softirq = true;
  counts->entered[kSoftirq]++;
}

static void on_softirq_leave(unsigned int vcpu, void* unused) {
  (void)unused;
  struct Counts* counts = counts_of(vcpu);
  account(counts, counts->kernel);
  counts->in_softirq = false;
}

static void on_irq_enter(unsigned int vcpu, void* unused) {
  (void)unused;
  struct Counts* counts = counts_of(vcpu);
  account(counts, counts->kernel - 1);
  counts->in_irq = true;
  counts->entered[kIrq]++;
}

static void on_irq_leave(unsigned int vcpu, void* unused) {
  (void)unused;
  struct Counts* counts = counts_of(vcpu);
  account(counts, counts->kernel - 1);
  counts->in_irq = false;
}

static void on_block(unsigned int vcpu, void* block) {
  profile_add(block, vcpu, context_of(counts_of(vcpu)));
}

/* Is it a return from the softirq's function: `ret`, or a jump out of it (a return thunk, a tail call)? */
static bool leaves_softirq(const struct qemu_plugin_insn* insn, uint64_t address) {
  uint8_t bytes[5];
  size_t length = qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
  if (length > 0 && bytes[0] == 0xc3) return true;
  if (length < 5 || bytes[0] != 0xe9) return false;
  int32_t distance;
  memcpy(&distance, bytes + 1, sizeof(distance));
  uint64_t target = address + 5 + (uint64_t)(int64_t)distance;
  return target < places.softirq_begin || target >= places.softirq_end;
}

static void watch_kernel_instruction(struct qemu_plugin_insn* insn) {
  qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                      member(offsetof(struct Counts, kernel)), 1);
  uint64_t address = qemu_plugin_insn_vaddr(insn);
  qemu_plugin_vcpu_udata_cb_t callback = NULL;
  if (address == places.irq_enter)
    callback = on_irq_enter;
  else if (address == places.irq_leave)
    callback = on_irq_leave;
  else if (address == places.softirq_begin)
    callback = on_softirq_enter;
  else if (address > places.softirq_begin && address < places.softirq_end && leaves_softirq(insn, address))
    callback = on_softirq_leave;
  if (callback) qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void on_request(unsigned int vcpu, void* unused);

static void watch_user_instruction(struct qemu_plugin_insn* insn) {
  static const uint8_t magic[] = {MAGIC_BYTES};
  uint8_t bytes[sizeof(magic)];
  if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) == sizeof(magic) &&
      memcmp(bytes, magic, sizeof(magic)) == 0)
    qemu_plugin_register_vcpu_insn_exec_cb(insn, on_request, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

/* Until the guest has said where its kernel's contexts begin, nothing but its request is watched: it boots
 * quickly. */
static void on_translate(struct qemu_plugin_tb* block, void* unused) {
  (void)unused;
  size_t n = qemu_plugin_tb_n_insns(block);
  uint64_t address = qemu_plugin_tb_vaddr(block);
  bool kernel = address >> 63;
  bool counting = places.softirq_begin != 0;
  if (counting && !kernel)
    qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(block, QEMU_PLUGIN_INLINE_ADD_U64,
                                                      member(offsetof(struct Counts, user)), n);
  if (counting && kernel && profiling)
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_NO_REGS, profile_block(address, n));
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(block, i);
    if (!kernel)
      watch_user_instruction(insn);
    else if (counting)
      watch_kernel_instruction(insn);
  }
}

static void on_forgotten(void* unused) {
  (void)unused;
  for (unsigned int i = 0; i < vcpus; i++) memset(counts_of(i), 0, sizeof(struct Counts));
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, on_translate, NULL);
}

static FILE* open_in_directory(const char* name, const char* mode) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  FILE* file = fopen(path, mode);
  if (!file) fprintf(stderr, "instruction_count: cannot open %s: %m\n", path);
  return file;
}

/* One line of counts.jsonl: the guest's words (`mark` is a JSON object), and what every vCPU had done. */
static void write_mark(const char* mark, const struct Counts* snapshot) {
  FILE* out = open_in_directory("counts.jsonl", "a");
  if (!out) return;
  fprintf(out, "{\"mark\": %s, \"number\": %u, \"vcpus\": [", mark, marks);
  for (unsigned int i = 0; i < vcpus; i++) {
    const struct Counts* counts = &snapshot[i];
    fprintf(out,
            "%s{\"user\": %" PRIu64 ", \"process\": %" PRIu64 ", \"irq\": %" PRIu64 ", \"softirq\": %" PRIu64
            ", \"irqs\": %" PRIu64 ", \"softirqs\": %" PRIu64 "}",
            i ? ", " : "", counts->user, counts->in_context[kProcess], counts->in_context[kIrq],
            counts->in_context[kSoftirq], counts->entered[kIrq], counts->entered[kSoftirq]);
  }
  fprintf(out, "]}\n");
  fclose(out);
}

static void write_profile(void) {
  char name[32];
  snprintf(name, sizeof(name), "profile-%u", marks);
  FILE* out = open_in_directory(name, "w");
  if (!out) return;
  profile_write(out, vcpus);
  fclose(out);
}

/* The present context of each vCPU is reckoned up to now, without changing what belongs to the vCPU. */
static void take_snapshot(struct Counts* snapshot) {
  for (unsigned int i = 0; i < vcpus; i++) {
    snapshot[i] = *counts_of(i);
    account(&snapshot[i], snapshot[i].kernel);
  }
}

/* A request is one line: "start SOFTIRQ SOFTIRQ_END IRQ_ENTER IRQ_LEAVE PROFILE" or "mark JSON". */
static void on_request(unsigned int vcpu, void* unused) {
  (void)unused;
  (void)vcpu;
  static struct Counts snapshot[kMaxVcpus];
  static char line[4096];
  pthread_mutex_lock(&request_lock);
  take_snapshot(snapshot);
  FILE* request = open_in_directory("request", "r");
  if (!request || !fgets(line, sizeof(line), request)) line[0] = 0;
  if (request) fclose(request);
  line[strcspn(line, "\n")] = 0;

  struct Places wanted;
  int profile;
  if (sscanf(line, "start %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %d", &wanted.softirq_begin,
             &wanted.softirq_end, &wanted.irq_enter, &wanted.irq_leave, &profile) == 5) {
    places = wanted;
    profiling = profile != 0;
    qemu_plugin_reset(plugin, on_forgotten, NULL);
  } else if (strncmp(line, "mark ", 5) == 0 && places.softirq_begin) {
    if (profiling) write_profile();
    write_mark(line + 5, snapshot);
    marks++;
  } else {
    fprintf(stderr, "instruction_count: the guest's request was not understood: \"%s\"\n", line);
  }
  pthread_mutex_unlock(&request_lock);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  for (int i = 0; i < argc; i++)
    if (strncmp(argv[i], "directory=", 10) == 0) directory = argv[i] + 10;
  if (!directory || !info->system_emulation || info->system.max_vcpus > kMaxVcpus) {
    fprintf(stderr, "instruction_count: needs directory=FOLDER and a machine of at most %d vCPUs\n",
            kMaxVcpus);
    return 1;
  }
  plugin = id;
  vcpus = (unsigned int)info->system.smp_vcpus;
  board = qemu_plugin_scoreboard_new(sizeof(struct Counts));
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate, NULL);
  return 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bpf/kernel_engine.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <cerrno>

#include "uplink_stub.skel.h"

namespace xdpfwd::test {
namespace {

// What BPF_PROG_TEST_RUN puts into the first buffer: a page less the room before and the shared info behind.
constexpr size_t kTestRunFirstBuffer = 4096 - 256 - 320;
constexpr size_t kLargestFrame = 17 * 4096;
constexpr size_t kEthernetHeader = 14;

// The test run splits long frames by itself; to split elsewhere it must be told.
bool splits_by_itself(const Input& input) {
  return input.linear() == std::min(input.frame.size(), kTestRunFirstBuffer - input.metadata);
}

}  // namespace

Result<std::unique_ptr<KernelEngine>> KernelEngine::load() {
  uplink_stub_bpf* object = uplink_stub_bpf::open(nullptr);
  if (!object) return fail_errno("uplink_stub: open", errno);
  std::unique_ptr<KernelEngine> engine(new KernelEngine(object));
  object->rodata->member_slot = kMemberSlot;
  if (const int code = uplink_stub_bpf::load(object); code < 0) return fail_errno("uplink_stub: load", -code);

  engine->tables_ = KernelTables(object->obj);
  if (auto done = engine->tables_.prepare(); !done) return std::unexpected(done.error());

  // What this kernel's test run can do beyond 6.1's.
  Output output;
  const std::vector<uint8_t> frame(64, 0x02);
  engine->takes_first_buffer_ = true;
  engine->takes_first_buffer_ = engine->run({.frame = frame, .first_buffer = 20}, output).has_value();
  engine->max_metadata_ = kRoomBeforeFrame;
  if (!engine->run({.frame = frame, .metadata = kRoomBeforeFrame}, output)) engine->max_metadata_ = 32;
  if (auto done = engine->tables_.reset_counters(); !done) return std::unexpected(done.error());
  return engine;
}

KernelEngine::~KernelEngine() {
  uplink_stub_bpf::destroy(object_);
}

Result<void> KernelEngine::install(const World& world) {
  return tables_.install(world);
}

Result<Counters> KernelEngine::counters() {
  return tables_.counters();
}

bool KernelEngine::can_run(const Input& input) const {
  if (input.frame.size() < kEthernetHeader || input.frame.size() > kLargestFrame) return false;
  if (input.metadata > max_metadata_) return false;
  return splits_by_itself(input) ||
         (takes_first_buffer_ && input.linear() < kTestRunFirstBuffer - input.metadata);
}

Result<void> KernelEngine::run(const Input& input, Output& output) {
  auto& tag = object_->bss->stub_tag;
  tag.error = input.tag ? 0 : -ENODATA;
  if (input.tag) {
    tag.proto = static_cast<uint16_t>(input.tag->tpid << 8 | input.tag->tpid >> 8);
    tag.tci = input.tag->tci;
  }
  xdp_md context{};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = input.frame.data();
  options.data_size_in = static_cast<uint32_t>(input.frame.size());
  if (input.metadata != 0) {
    in_.assign(input.metadata, 0xee);
    in_.insert(in_.end(), input.frame.begin(), input.frame.end());
    options.data_in = in_.data();
    options.data_size_in = static_cast<uint32_t>(in_.size());
  }
  if (input.metadata != 0 || !splits_by_itself(input)) {
    context.data = static_cast<uint32_t>(input.metadata);
    context.data_end = static_cast<uint32_t>(input.metadata + input.linear());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
  }
  out_.resize(input.frame.size() + input.metadata + 16);
  options.data_out = out_.data();
  options.data_size_out = static_cast<uint32_t>(out_.size());
  options.repeat = 1;
  const bpf_program* program =
      input.program == Program::kHint ? object_->progs.xdpfwd_uplink_hint : object_->progs.xdpfwd_uplink;
  if (const int code = bpf_prog_test_run_opts(bpf_program__fd(program), &options); code < 0) {
    return fail_errno(fmt::format("test run of {} bytes", input.frame.size()), -code);
  }
  if (options.data_size_out < input.metadata)
    return fail("test run: the frame came back without its metadata");
  output.verdict = options.retval;
  output.frame.assign(out_.begin() + static_cast<ptrdiff_t>(input.metadata),
                      out_.begin() + options.data_size_out);
  return {};
}

}  // namespace xdpfwd::test

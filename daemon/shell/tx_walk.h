// SPDX-License-Identifier: BSD-2-Clause
// Tries values of tx-usecs on one NIC, and measures with each. What was set before is set again when it is
// over, when nobody waits for it any more, and, by an undo log of its own, when the daemon starts after it
// was killed. Which values, and what they say, tuning/suggest.h decides.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shell/measurement.h"
#include "shell/undo_file.h"

namespace xdpfwd {

class TxWalk {
 public:
  struct Question {
    TunedDevice nic;
    uint64_t seconds_each = 2;
    std::string state_dir;
    std::string boot_id;
  };
  // `kernel` must outlive it.
  static Result<std::unique_ptr<TxWalk>> begin(Kernel& kernel, Question question);
  ~TxWalk();
  TxWalk(const TxWalk&) = delete;
  TxWalk& operator=(const TxWalk&) = delete;

  Result<std::variant<NotYet, SuggestReport>> advance(uint64_t now_ms);
  // Sets again what was there before. Nothing is tried any more. Where it fails, restore() can still do it.
  Result<void> give_up();

  // What a walk left that did not come to its end: sets it again. The NICs whose values were restored. Fails
  // with ENODEV where all is restored but what is of a NIC that is not there.
  static Result<std::vector<std::string>> restore(Kernel& kernel, const std::string& state_dir,
                                                  const std::string& boot_id);

 private:
  TxWalk(Kernel& kernel, Question question);
  Result<void> next_value();

  Kernel& kernel_;
  Question question_;
  UndoFile file_;
  UndoLog before_;
  std::string driver_;
  uint32_t present_ = 0;
  uint32_t longest_ = 0;  // that is safe
  std::string why_longest_;
  std::vector<uint32_t> walk_;
  size_t at_ = 0;
  std::vector<TxRung> rungs_;
  std::unique_ptr<Measurement> measurement_;
  bool over_ = false;
};

}  // namespace xdpfwd

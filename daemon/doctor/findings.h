// SPDX-License-Identifier: BSD-2-Clause
// Collects findings, in the order in which they are made.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/effect_report.h"

namespace xdpfwd {

class Findings {
 public:
  explicit Findings(std::vector<Finding>& list) : list_(list) {}

  void pass(std::string check, std::string thing, std::string what) {
    add(Verdict::kPass, std::move(check), std::move(thing), std::move(what), {});
  }
  void warn(std::string check, std::string thing, std::string what, std::string remedy) {
    add(Verdict::kWarn, std::move(check), std::move(thing), std::move(what), std::move(remedy));
  }
  void fail(std::string check, std::string thing, std::string what, std::string remedy) {
    add(Verdict::kFail, std::move(check), std::move(thing), std::move(what), std::move(remedy));
  }

 private:
  void add(Verdict verdict, std::string check, std::string thing, std::string what, std::string remedy) {
    list_.push_back({.verdict = verdict,
                     .check = std::move(check),
                     .thing = std::move(thing),
                     .what = std::move(what),
                     .remedy = std::move(remedy)});
  }
  std::vector<Finding>& list_;
};

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/load_trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "packer/model/recorded_trace.h"

namespace xdpfwd::packer {

bool is_synthetic(std::string_view name) {
  return std::ranges::find(synthetic_kinds(), name, &SyntheticKind::name) != synthetic_kinds().end();
}

Result<std::unique_ptr<Trace>> make_trace(
    const std::string& name, const SyntheticSettings& settings,
    const std::function<Result<std::string>(const std::string&)>& read) {
  if (is_synthetic(name)) return make_synthetic(name, settings);
  const auto text = read(name);
  if (!text) {
    std::vector<std::string_view> names;
    for (const SyntheticKind& kind : synthetic_kinds()) names.push_back(kind.name);
    return fail(text.error().message,
                fmt::format("name a file with a load trace, or one of {}", fmt::join(names, ", ")),
                text.error().code);
  }
  return parse_trace(*text, name, settings.cost_ns);
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/recorded_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>

namespace xdpfwd::packer {
namespace {

constexpr double kMostFrames = 1e9;  // a second

struct Sample {
  uint64_t step;
  uint32_t napi;  // index
  float frames;   // a step
};

class Recorded final : public Trace {
 public:
  Recorded(std::vector<Sample> samples, std::vector<float> cost, uint64_t steps)
      : samples_(std::move(samples)), cost_(std::move(cost)), rates_(cost_.size()), steps_(steps) {}
  [[nodiscard]] size_t napis() const override { return cost_.size(); }
  [[nodiscard]] uint64_t steps() const override { return steps_; }
  [[nodiscard]] std::span<const float> cost_ns() const override { return cost_; }
  void next(std::span<float> frames) override {
    for (; at_ < samples_.size() && samples_[at_].step <= step_; ++at_)
      rates_[samples_[at_].napi] = samples_[at_].frames;
    std::ranges::copy(rates_, frames.begin());
    ++step_;
  }

 private:
  std::vector<Sample> samples_;  // by step
  std::vector<float> cost_, rates_;
  uint64_t steps_;
  uint64_t step_ = 0;
  size_t at_ = 0;
};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() < 5) {  // one more than there may be
    const size_t comma = line.find(',');
    fields.push_back(trim(line.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    line.remove_prefix(comma + 1);
  }
  return fields;
}

// What a line says, or a word for what is wrong with it.
struct Line {
  double time = 0, napi = 0, frames = 0;
  std::optional<double> cost;
  std::string wrong, remedy;
};

Line read_line(std::string_view text) {
  Line line;
  const std::vector<std::string_view> fields = fields_of(text);
  if (fields.size() < 3 || fields.size() > 4) {
    line.wrong = "not three or four fields";
    line.remedy = "write time_ms,napi,frames_per_s or time_ms,napi,frames_per_s,cost_ns";
    return line;
  }
  const auto read = [&](size_t field, std::string_view name, double most) {
    const auto value = number(fields[field]);
    if (value && *value <= most) return *value;
    line.wrong = fmt::format("{} is '{}'", name, fields[field].substr(0, 40));
    line.remedy = fmt::format("write a number from 0 to {:.0f}", most);
    return 0.0;
  };
  line.time = read(0, "time_ms", static_cast<double>(kLongestTrace));
  line.napi = read(1, "napi", std::numeric_limits<uint32_t>::max());
  line.frames = read(2, "frames_per_s", kMostFrames);
  if (fields.size() == 4) line.cost = read(3, "cost_ns", kMostCostNs);
  if (line.wrong.empty() && line.napi != std::floor(line.napi)) {
    line.wrong = fmt::format("napi is '{}'", fields[1].substr(0, 40));
    line.remedy = "write its id, a whole number";
  }
  if (line.wrong.empty() && line.cost && *line.cost <= 0) {
    line.wrong = "cost_ns is 0";
    line.remedy = "write what a frame costs, in ns of a CPU, or leave the field out";
  }
  return line;
}

}  // namespace

Result<std::unique_ptr<Trace>> parse_trace(std::string_view text, std::string_view file, float cost_ns) {
  std::map<uint32_t, uint32_t> index_of;
  std::vector<Sample> samples;
  std::vector<float> cost;
  uint64_t last = 0;
  size_t line_number = 0;
  const auto wrong = [&](std::string_view what, std::string_view remedy) {
    return fail(fmt::format("{}:{}: {}", file, line_number, what), std::string(remedy));
  };
  for (std::string_view rest = text; !rest.empty();) {
    ++line_number;
    const size_t end = rest.find('\n');
    const std::string_view content = trim(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (content.empty() || content.front() == '#' || (samples.empty() && content.starts_with("time_ms")))
      continue;
    const Line line = read_line(content);
    if (!line.wrong.empty()) return wrong(line.wrong, line.remedy);
    const auto step = static_cast<uint64_t>(line.time);
    if (step < last)
      return wrong(fmt::format("time_ms goes back from {} to {}", last, step), "sort the lines by time");
    last = step;
    const auto napi = static_cast<uint32_t>(line.napi);
    const auto [found, is_new] = index_of.try_emplace(napi, static_cast<uint32_t>(cost.size()));
    if (is_new) {
      if (cost.size() == kMostNapis)
        return wrong(fmt::format("more than {} NAPIs", kMostNapis), "record fewer of them");
      cost.push_back(line.cost ? static_cast<float>(*line.cost) : cost_ns);
    } else if (line.cost && static_cast<float>(*line.cost) != cost[found->second]) {
      return wrong(
          fmt::format("cost_ns of NAPI {} was {:g} before", napi, static_cast<double>(cost[found->second])),
          "give each NAPI one cost");
    }
    if (samples.size() == kMostSamples)
      return wrong(fmt::format("more than {} lines", kMostSamples), "cut the recording");
    samples.push_back({step, found->second, static_cast<float>(line.frames / kStepsPerSecond)});
  }
  if (samples.empty())
    return fail(fmt::format("{}: there is no sample in it", file),
                "write lines time_ms,napi,frames_per_s or time_ms,napi,frames_per_s,cost_ns");
  if (last == 0)
    return fail(fmt::format("{}: all samples are of the same time", file),
                "end with a line of the time at which the recording ended");
  // The last samples say when it ends.
  return std::make_unique<Recorded>(std::move(samples), std::move(cost), last);
}

}  // namespace xdpfwd::packer

// SPDX-License-Identifier: BSD-2-Clause
// Results on disk: one file of JSON lines a scenario, the first line saying where and with what it was
// measured, each further one a raw sample. Lines are only ever added, so that what was measured survives
// whatever comes, and a run that was interrupted goes on where it stopped.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::bench {

inline constexpr const char* kResultFormat = "xdpfwd-bench 1";

using Point = std::map<std::string, double>;    // where on the axes: {"pps": 10000, "vms": 1}
using Metrics = std::map<std::string, double>;  // what was measured there

struct Sample {
  std::string contender;
  Point point;
  unsigned repetition = 0;
  Metrics metrics;
  unsigned boot = 0;  // of the lab, from 1 on; repetitions of one boot are not independent of each other
};

std::string point_text(const Point& point);  // "pps 10000, vms 1"

struct ResultSet {
  std::string scenario;
  nlohmann::json header;  // see environment.h
  std::vector<Sample> samples;
  std::map<std::string, std::string> absent = {};  // contenders that could not be measured, and why
  // Of the lab's guest, by name: kernel and the like. The header is of the machine that it ran on.
  std::map<std::string, std::string> guest = {};
  bool complete = false;  // the scenario came to its end

  // A metric's values, by contender and point.
  using Key = std::pair<std::string, Point>;
  [[nodiscard]] std::map<Key, std::vector<double>> values(const std::string& metric) const;
  [[nodiscard]] std::set<std::string> metric_names() const;
};

// The median of what is taken off at a point: the base's values there, or with one VM where it was not
// measured with more. Nothing: it was not measured.
std::optional<double> base_at(const std::map<ResultSet::Key, std::vector<double>>& values,
                              const std::string& base, const Point& point);
// The values themselves.
std::vector<double> base_values_at(const std::map<ResultSet::Key, std::vector<double>>& values,
                                   const std::string& base, Point point);

class ResultFile {
 public:
  // Opens FOLDER/SCENARIO.jsonl, for nobody else meanwhile. An older run is continued when it was made with
  // the same things (`same`, a part of the header); if not, that is an error.
  static Result<ResultFile> open(const std::string& folder, const std::string& scenario,
                                 const nlohmann::json& header);

  [[nodiscard]] bool has(const std::string& contender, const Point& point, unsigned repetition) const;
  // What is added from now on is of another boot of the lab.
  void begin_boot();
  Result<void> add(const Sample& sample);
  // Those that are not there yet.
  Result<void> add_new(const std::vector<Sample>& samples);
  Result<void> add_absent(const std::string& contender, const std::string& why);
  // What is known of the guest must not change between two parts of one run.
  Result<void> add_guest(const std::string& name, const std::string& value);
  Result<void> finish();
  [[nodiscard]] const ResultSet& results() const { return results_; }

 private:
  Result<void> write_line(const nlohmann::json& line);
  UniqueFd fd_;
  std::string path_;
  ResultSet results_;
  unsigned boot_ = 0;
  std::set<std::tuple<std::string, Point, unsigned>> known_;
};

// What the folder has of a scenario that is about to be measured; nothing, where it is new. An error: it was
// measured with something else, or nothing can be written there.
Result<std::optional<ResultSet>> continued(const std::string& folder, const std::string& scenario,
                                           const nlohmann::json& header);

Result<ResultSet> read_results(const std::string& path);
// All of a folder, by scenario name.
Result<std::vector<ResultSet>> read_folder(const std::string& folder);

}  // namespace xdpfwd::bench

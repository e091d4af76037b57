// SPDX-License-Identifier: BSD-2-Clause
#include "bench/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bench/statistics.h"

namespace xdpfwd::bench {

using nlohmann::json;

namespace {

Result<void> take_object(ResultSet& results, const json& line, const std::string& path) {
  if (line.contains("format")) {
    if (line["format"] != kResultFormat)
      return fail(fmt::format("{} is of the format {}, not '{}'", path, line["format"].dump(), kResultFormat),
                  "read it with the xdpfwd-bench that wrote it");
    results.header = line;
    results.scenario = line.value("scenario", "");
    return {};
  }
  if (line.contains("absent")) {
    results.absent[line.value("absent", "")] = line.value("why", "");
    return {};
  }
  if (line.contains("guest")) {
    results.guest[line.value("guest", "")] = line.value("value", "");
    return {};
  }
  if (line.contains("complete")) {
    results.complete = line.value("complete", false);
    return {};
  }
  Sample sample{.contender = line.value("contender", ""),
                .point = {},
                .repetition = line.value("repetition", 0U),
                .metrics = {},
                .boot = line.value("boot", 0U)};
  for (const auto& [name, value] : line.at("point").items())
    if (value.is_number()) sample.point[name] = value.get<double>();
  for (const auto& [name, value] : line.at("metrics").items())
    if (value.is_number()) sample.metrics[name] = value.get<double>();
  results.samples.push_back(std::move(sample));
  return {};
}

// A line cut off by a crash is the last one, and is left out.
Result<void> take_line(ResultSet& results, const std::string& text, const std::string& path, bool last) {
  const json line = json::parse(text, nullptr, false);
  if (line.is_discarded() && last) return {};
  const auto refused =
      fail(fmt::format("{}: a line that is no sample: {}", path, text.substr(0, 80)), "remove the file");
  if (!line.is_object()) return refused;
  try {
    return take_object(results, line, path);
  } catch (const json::exception&) {
    return refused;  // a field is missing, or of another type
  }
}

// Names of what is not the same.
std::string differing(const json& before, const json& now) {
  std::string names;
  for (const auto& [name, value] : now.items())
    if (!before.contains(name) || before.at(name) != value)
      names += fmt::format("{}{} {}, not {}", names.empty() ? "" : "; ", name,
                           before.contains(name) ? before.at(name).dump() : "not told", value.dump());
  return names.empty() ? "of which less is known now" : names;
}

// A last line that a crash cut off must not become the start of the next one.
void cut_off_last(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!text.empty() && text.back() != '\n') std::filesystem::resize_file(path, text.rfind('\n') + 1);
}

std::string path_of(const std::string& folder, const std::string& scenario) {
  return fmt::format("{}/{}.jsonl", folder, scenario);
}

}  // namespace

std::string point_text(const Point& point) {
  std::string text;
  for (const auto& [name, value] : point)
    text += fmt::format("{}{} {:g}", text.empty() ? "" : ", ", name, value);
  return text;
}

std::optional<double> base_at(const std::map<ResultSet::Key, std::vector<double>>& values,
                              const std::string& base, const Point& point) {
  const std::vector<double> all = base_values_at(values, base, point);
  if (all.empty()) return std::nullopt;
  return quantile(all, 0.5);
}

std::vector<double> base_values_at(const std::map<ResultSet::Key, std::vector<double>>& values,
                                   const std::string& base, Point point) {
  auto found = values.find({base, point});
  if (found == values.end() && point.contains("vms")) {
    point["vms"] = 1;
    found = values.find({base, point});
  }
  return found == values.end() ? std::vector<double>{} : found->second;
}

std::map<ResultSet::Key, std::vector<double>> ResultSet::values(const std::string& metric) const {
  std::map<Key, std::vector<double>> values;
  for (const Sample& sample : samples)
    if (const auto found = sample.metrics.find(metric); found != sample.metrics.end())
      values[{sample.contender, sample.point}].push_back(found->second);
  return values;
}

std::set<std::string> ResultSet::metric_names() const {
  std::set<std::string> names;
  for (const Sample& sample : samples)
    for (const auto& [name, value] : sample.metrics) names.insert(name);
  return names;
}

Result<ResultSet> read_results(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail_errno(path, errno);
  ResultSet results;
  std::string line;
  std::string next;
  bool more = static_cast<bool>(std::getline(file, line));
  while (more) {
    const bool another = static_cast<bool>(std::getline(file, next));
    if (auto taken = take_line(results, line, path, !another); !taken) return std::unexpected(taken.error());
    line = next;
    more = another;
  }
  if (results.scenario.empty()) return fail(path + " has no header", "it is no result of xdpfwd-bench");
  return results;
}

Result<std::vector<ResultSet>> read_folder(const std::string& folder) {
  std::error_code failed;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
    if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
  if (failed) return fail(fmt::format("{}: {}", folder, failed.message()), "name the folder of a run");
  if (paths.empty()) return fail(folder + " holds no results", "xdpfwd-bench run --out DIR makes them");
  std::ranges::sort(paths);
  std::vector<ResultSet> all;
  for (const std::string& path : paths) {
    auto one = read_results(path);
    if (!one) return std::unexpected(one.error());
    all.push_back(std::move(*one));
  }
  return all;
}

Result<std::optional<ResultSet>> continued(const std::string& folder, const std::string& scenario,
                                           const json& header) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(fmt::format("{}: {}", folder, failed.message()), "choose another --out");
  if (::access(folder.c_str(), W_OK) != 0) return fail_errno(folder, errno, "choose another --out");
  const std::string path = path_of(folder, scenario);
  if (std::filesystem::exists(path)) cut_off_last(path);
  if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) return std::nullopt;
  auto before = read_results(path);
  if (!before) return std::unexpected(before.error());
  const json was = before->header.value("same", json::object());
  const json is = header.value("same", json::object());
  if (was != is)
    return fail(fmt::format("{} was measured with other things: {}", path, differing(was, is)),
                "choose another --out, or the same again");
  return std::optional(std::move(*before));
}

Result<ResultFile> ResultFile::open(const std::string& folder, const std::string& scenario,
                                    const json& header) {
  ResultFile file;
  file.path_ = path_of(folder, scenario);
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return fail(fmt::format("{}: {}", folder, failed.message()), "choose another --out");
  file.fd_.reset(::open(file.path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file.fd_) return fail_errno(file.path_, errno);
  if (::flock(file.fd_.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(fmt::format("{}: another run writes to it", file.path_),
                "wait for it, or choose another --out");
  const auto before = continued(folder, scenario, header);
  if (!before) return std::unexpected(before.error());
  const bool old = before->has_value();
  if (old) {
    file.results_ = **before;
    for (const Sample& sample : file.results_.samples)
      file.known_.insert({sample.contender, sample.point, sample.repetition});
  }
  if (!old) {
    file.results_.scenario = scenario;
    file.results_.header = header;
    if (auto written = file.write_line(header); !written) return std::unexpected(written.error());
  }
  return file;
}

bool ResultFile::has(const std::string& contender, const Point& point, unsigned repetition) const {
  return known_.contains({contender, point, repetition});
}

Result<void> ResultFile::write_line(const json& line) {
  const std::string text = line.dump() + "\n";
  if (::write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(path_, errno);
  return {};
}

void ResultFile::begin_boot() {
  boot_ = 1;
  for (const Sample& sample : results_.samples) boot_ = std::max(boot_, sample.boot + 1);
}

Result<void> ResultFile::add(const Sample& sample) {
  json line = {{"contender", sample.contender},
               {"point", sample.point},
               {"repetition", sample.repetition},
               {"metrics", sample.metrics}};
  if (boot_ != 0) line["boot"] = boot_;
  if (auto written = write_line(line); !written) return written;
  known_.insert({sample.contender, sample.point, sample.repetition});
  results_.samples.push_back(sample);
  results_.samples.back().boot = boot_;
  return {};
}

Result<void> ResultFile::add_new(const std::vector<Sample>& samples) {
  for (const Sample& sample : samples)
    if (!has(sample.contender, sample.point, sample.repetition))
      if (auto added = add(sample); !added) return added;
  return {};
}

Result<void> ResultFile::add_absent(const std::string& contender, const std::string& why) {
  if (results_.absent.contains(contender)) return {};
  results_.absent[contender] = why;
  return write_line({{"absent", contender}, {"why", why}});
}

Result<void> ResultFile::add_guest(const std::string& name, const std::string& value) {
  const auto [known, is_new] = results_.guest.emplace(name, value);
  if (is_new) return write_line({{"guest", name}, {"value", value}});
  if (known->second == value) return {};
  return fail(
      fmt::format("{} was measured in a guest with {} '{}', not '{}'", path_, name, known->second, value),
      "choose another --out");
}

Result<void> ResultFile::finish() {
  if (results_.complete) return {};
  results_.complete = true;
  return write_line({{"complete", true}});
}

}  // namespace xdpfwd::bench

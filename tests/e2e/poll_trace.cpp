// SPDX-License-Identifier: BSD-2-Clause
#include "poll_trace.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

void write_to(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace

PollTrace::PollTrace(const std::string& device) {
  enter_sandbox();
  const std::string root = "/mnt/tracing";
  std::filesystem::create_directories(root);
  if (!std::filesystem::exists(root + "/instances") &&
      ::mount("tracefs", root.c_str(), "tracefs", 0, nullptr) < 0)
    throw std::runtime_error("cannot mount tracefs");
  folder_ = fmt::format("{}/instances/xdpfwd-{}", root, ::getpid());
  std::filesystem::create_directory(folder_);
  write_to(folder_ + "/trace_clock", "mono");
  write_to(folder_ + "/events/napi/napi_poll/filter", fmt::format("work > 0 && dev_name == \"{}\"", device));
  write_to(folder_ + "/events/napi/napi_poll/enable", "1");
}

PollTrace::~PollTrace() {
  ::rmdir(folder_.c_str());
}

std::vector<TracedPoll> PollTrace::polls() const {
  // "xdpfwd-poller-12 [001] b.... 345.678901: napi_poll: napi poll on napi struct 0000000012345678 for device
  // up0 work 8 budget 8"
  std::vector<TracedPoll> polls;
  std::ifstream file(folder_ + "/trace");
  for (std::string line; std::getline(file, line);) {
    const size_t cpu = line.find(" [");
    const size_t event = line.find(": napi_poll: napi poll on napi struct ");
    if (line.starts_with('#') || cpu == std::string::npos || event == std::string::npos) continue;
    const std::string task = line.substr(0, line.find_last_not_of(' ', cpu) + 1);
    TracedPoll poll;
    poll.pid = std::stoi(task.substr(task.rfind('-') + 1));
    poll.us = std::stod(line.substr(line.rfind(' ', event - 1))) * 1e6;
    char instance[32] = "";
    char device[32] = "";
    if (std::sscanf(line.c_str() + event,
                    ": napi_poll: napi poll on napi struct %31s for device %31s work %d budget %d", instance,
                    device, &poll.found, &poll.budget) != 4)
      continue;
    poll.instance = instance;
    polls.push_back(poll);
  }
  std::ranges::sort(polls, {}, &TracedPoll::us);
  return polls;
}

}  // namespace xdpfwd::test

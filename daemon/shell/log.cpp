// SPDX-License-Identifier: BSD-2-Clause
#include "shell/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace xdpfwd {
namespace {

// The fields of the message being logged: spdlog has no place for them. One thread logs, so one place is
// enough.
const LogFields* current_fields = nullptr;

int priority_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return 2;
    case spdlog::level::err:
      return 3;
    case spdlog::level::warn:
      return 4;
    case spdlog::level::info:
      return 6;
    default:
      return 7;
  }
}

class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::vector<std::string> lines;
    lines.push_back(
        fmt::format("MESSAGE={}", std::string_view(message.payload.data(), message.payload.size())));
    lines.push_back(fmt::format("PRIORITY={}", priority_of(message.level)));
    lines.emplace_back("SYSLOG_IDENTIFIER=xdpfwd");
    if (current_fields)
      for (const auto& [name, value] : *current_fields) lines.push_back(fmt::format("{}={}", name, value));
    std::vector<iovec> parts;
    parts.reserve(lines.size());
    for (std::string& line : lines) parts.push_back({.iov_base = line.data(), .iov_len = line.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }
  void flush_() override {}
};

// systemd says in $JOURNAL_STREAM which device and inode its journal's stream has; true if stderr is that
// one.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat about{};
  if (!stream || fstat(STDERR_FILENO, &about) < 0) return false;
  return fmt::format("{}:{}", about.st_dev, about.st_ino) == stream;
}

}  // namespace

void set_up_log() {
  spdlog::sink_ptr sink;
  if (stderr_is_journal()) {
    sink = std::make_shared<JournalSink>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_color_sink_st>();
    sink->set_pattern("%H:%M:%S.%e %^%-5l%$ %v");
  }
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("xdpfwd", sink));
}

void set_log_level(std::string_view level) {
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

void log_event(spdlog::level::level_enum level, std::string_view message, LogFields fields) {
  current_fields = &fields;
  spdlog::log(level, "{}", message);
  current_fields = nullptr;
}

}  // namespace xdpfwd

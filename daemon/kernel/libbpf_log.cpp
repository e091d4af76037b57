// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/libbpf_log.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace xdpfwd {
namespace {

std::string& log_text() {
  static thread_local std::string text;
  return text;
}

int keep(libbpf_print_level level, const char* format, va_list arguments) {
  constexpr size_t kKept = 64 * 1024;
  if (level == LIBBPF_DEBUG) return 0;
  std::array<char, 4096> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (log_text().size() < kKept) log_text().append(line.data());
  return length;
}

bool says_something(std::string_view line) {
  return !line.empty() && !line.starts_with("processed ") && !line.starts_with("--") &&
         !line.contains("failed to load") && !line.contains("load bpf program failed") &&
         !line.contains("LOG --");
}

}  // namespace

void capture_libbpf_log() {
  libbpf_set_print(keep);
}
void clear_libbpf_log() {
  log_text().clear();
}

std::string last_libbpf_line() {
  std::string_view text = log_text();
  std::string_view last;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.starts_with("libbpf: ")) line.remove_prefix(8);
    if (says_something(line)) last = line;
  }
  return std::string(last);
}

}  // namespace xdpfwd

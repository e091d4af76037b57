// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/host_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>

#include "base/unique_fd.h"

namespace xdpfwd {

Result<std::string> read_host_file(const std::string& path, size_t largest) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot open {}", path), errno);
  constexpr size_t kFirst = 512;  // most are a line
  std::string text;
  size_t size = 0;
  for (;;) {
    if (text.size() - size < kFirst) text.resize(text.empty() ? kFirst : text.size() * 2);
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(fmt::format("cannot read {}", path), errno);
    size += static_cast<size_t>(got);
    if (size > largest) return fail_errno(fmt::format("cannot read {}", path), EFBIG);
    if (got == 0) break;
  }
  text.resize(size);
  text.erase(text.find_last_not_of(" \t\n") + 1);
  return text;
}

Result<int64_t> read_host_number(const std::string& path) {
  const auto text = read_host_file(path);
  if (!text) return std::unexpected(text.error());
  int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) return fail(fmt::format("{} holds no number", path), {}, EINVAL);
  return value;
}

Result<void> write_host_file(const std::string& path, std::string_view value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno(fmt::format("cannot open {}", path), errno);
  // An empty value must be written too: a newline is white space to all of them.
  const std::string line = std::string(value) + "\n";
  for (;;) {
    const ssize_t written = ::write(fd.get(), line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(fmt::format("cannot write '{}' to {}", value, path), errno);
    return {};
  }
}

}  // namespace xdpfwd

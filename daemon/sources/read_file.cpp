// SPDX-License-Identifier: BSD-2-Clause
#include "sources/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace xdpfwd {
namespace {

std::string remedy_for(int code) {
  switch (code) {
    case ENOENT:
      return "create it, or name another file";
    case EACCES:
      return "give the user that runs xdpfwd read permission on it and on the directories above it";
    case ELOOP:
      return "a symbolic link leads back to itself: mend it";
    default:
      return {};
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t largest) {
  // O_NONBLOCK: opening a FIFO would otherwise wait for a writer.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) {
    const int code = errno;
    return fail_errno("cannot open " + path, code, remedy_for(code));
  }
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("cannot look at " + path, errno);
  if (S_ISDIR(info.st_mode)) return fail(path + " is a directory", "name a file", EISDIR);
  if (!S_ISREG(info.st_mode)) return fail(path + " is not a regular file", "name a file", EINVAL);

  const auto too_large = [&] {
    return fail(fmt::format("{} is larger than {} MiB", path, largest >> 20),
                "split it, or check that it is the right file", EFBIG);
  };
  if (static_cast<uint64_t>(info.st_size) > largest) return too_large();
  std::string text;
  // One byte more than expected, so that the end is seen without growing the buffer.
  text.resize(static_cast<size_t>(info.st_size) + 1);
  size_t size = 0;
  for (;;) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
    if (size > largest) return too_large();  // it grew while it was read
    if (size == text.size()) text.resize(2 * size);
  }
  text.resize(size);
  return text;
}

}  // namespace xdpfwd

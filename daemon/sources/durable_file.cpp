// SPDX-License-Identifier: BSD-2-Clause
#include "sources/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace xdpfwd {
namespace {

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno("write", errno);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Result<void> write_durably(const std::string& path, int flags, std::string_view text) {
  // O_NOFOLLOW: nobody may lead us elsewhere.
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!fd) return fail_errno((flags & O_CREAT) != 0 ? "create" : "open", errno);
  if (auto done = write_all(fd.get(), text); !done) return done;
  if (::fsync(fd.get()) != 0) return fail_errno("fsync", errno);
  return {};
}

std::unexpected<Error> cannot(std::string_view what, const std::string& directory, const std::string& path,
                              const Error& error) {
  return fail(fmt::format("cannot {} {}: {}", what, path, error.message), state_remedy(error.code, directory),
              error.code);
}

}  // namespace

std::string state_remedy(int code, const std::string& directory) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return fmt::format("free space on the file system of {}", directory);
    case EROFS:
      return fmt::format("{} is mounted read-only: mount it writable, or set daemon.state_dir", directory);
    case EACCES:
    case EPERM:
      return fmt::format("give the user that runs xdpfwd write permission on {}", directory);
    case ENOENT:
      return fmt::format("create {}", directory);
    default:
      return {};
  }
}

Result<void> sync_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return fail_errno("cannot make a change in " + directory + " durable", errno);
  return {};
}

Result<void> replace_durably(const std::string& directory, const std::string& path, std::string_view text) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot create " + directory, errno, state_remedy(errno, directory));
  const std::string temporary = path + ".tmp";
  const auto give_up = [&](const Error& error) {
    ::unlink(temporary.c_str());
    return cannot("write", directory, path, error);
  };
  // O_TRUNC takes over what a crash left.
  if (auto done = write_durably(temporary, O_CREAT | O_TRUNC, text); !done) return give_up(done.error());
  if (::rename(temporary.c_str(), path.c_str()) != 0) return give_up(fail_errno("rename", errno).error());
  return sync_directory(directory);
}

Result<void> append_durably(const std::string& directory, const std::string& path, std::string_view text) {
  if (auto done = write_durably(path, O_APPEND, text); !done)
    return cannot("append to", directory, path, done.error());
  return {};
}

Result<void> remove_durably(const std::string& directory, const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return cannot("remove", directory, path, fail_errno("unlink", errno).error());
  }
  return sync_directory(directory);
}

}  // namespace xdpfwd

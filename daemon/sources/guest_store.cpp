// SPDX-License-Identifier: BSD-2-Clause
#include "sources/guest_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "core/guest_file.h"
#include "sources/read_file.h"

namespace xdpfwd {
namespace {

// So many set-aside files mean that something else goes wrong again and again; more of them help nobody.
constexpr int kMostSetAside = 100;

std::string remedy_for(int code, const std::string& state_dir) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return fmt::format("free space on the file system of {}", state_dir);
    case EROFS:
      return fmt::format("{} is mounted read-only: mount it writable, or set daemon.state_dir", state_dir);
    case EACCES:
    case EPERM:
      return fmt::format("give the user that runs xdpfwd write permission on {}", state_dir);
    case ENOENT:
      return fmt::format("create {}", state_dir);
    default:
      return {};
  }
}

// What a rename changed is on disk only when its directory is.
Result<void> sync_directory(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0)
    return fail_errno("cannot make a change in " + directory + " durable", errno);
  return {};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno("write", errno);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Result<void> write_durably(const std::string& path, std::string_view text) {
  // O_TRUNC takes over what a crash left; O_NOFOLLOW: nobody may lead us elsewhere.
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno("create", errno);
  if (auto done = write_all(fd.get(), text); !done) return done;
  if (::fsync(fd.get()) != 0) return fail_errno("fsync", errno);
  return {};
}

}  // namespace

GuestStore::GuestStore(std::string state_dir)
    : state_dir_(std::move(state_dir)), path_(state_dir_ + "/guests.json") {}

GuestStore::Loaded GuestStore::load() {
  unread_file_ = false;
  auto text = read_file(path_);
  if (!text && text.error().code == ENOENT) return {};
  if (!text) {
    // It may be whole and only out of reach: it stays where it is.
    unread_file_ = true;
    return {{}, {{"state file " + path_, text.error().message, text.error().remedy, std::nullopt}}};
  }
  auto guests = read_guest_file(*text);
  if (!guests) return {{}, {set_aside(guests.error())}};
  return {std::move(*guests), {}};
}

Problem GuestStore::set_aside(const Error& why) {
  Problem problem{"state file " + path_, why.text(), {}, std::nullopt};
  for (int n = 1; n <= kMostSetAside; ++n) {
    const std::string aside = fmt::format("{}.corrupt-{}", path_, n);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0) {
      problem.why += "; it was set aside as " + aside;
      problem.remedy =
          "mend it and put it back before the next start, or add its guests again with 'xdpctl guest add'";
      // If this is not durable, a crash brings the file back, and it is set aside again.
      if (const auto synced = sync_directory(state_dir_); !synced)
        problem.why += "; " + synced.error().message;
      return problem;
    }
    if (errno == EEXIST) continue;
    problem.why += fmt::format("; it could not be set aside as {}: {}", aside, std::strerror(errno));
    problem.remedy = remedy_for(errno, state_dir_);
    unread_file_ = true;
    return problem;
  }
  problem.why +=
      fmt::format("; it was not set aside, because {} files like it are there already", kMostSetAside);
  problem.remedy = fmt::format("look at {}.corrupt-*, and remove what is not needed", path_);
  unread_file_ = true;
  return problem;
}

Result<void> GuestStore::save(const std::vector<Guest>& guests) {
  if (unread_file_)
    return fail(fmt::format("{} is there but could not be read, and would be lost", path_),
                "mend or move it, then restart xdpfwd; or use --ephemeral", EBUSY);
  if (::mkdir(state_dir_.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot create " + state_dir_, errno, remedy_for(errno, state_dir_));
  const std::string temporary = path_ + ".tmp";
  const auto give_up = [&](const Error& error) {
    ::unlink(temporary.c_str());
    return fail(fmt::format("cannot write {}: {}", path_, error.message), remedy_for(error.code, state_dir_),
                error.code);
  };
  if (auto done = write_durably(temporary, write_guest_file(guests)); !done) return give_up(done.error());
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return give_up(fail_errno("rename", errno).error());
  return sync_directory(state_dir_);
}

}  // namespace xdpfwd

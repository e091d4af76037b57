// SPDX-License-Identifier: BSD-2-Clause
#include "sources/guest_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>

#include <cerrno>

#include "core/guest_file.h"
#include "sources/durable_file.h"
#include "sources/read_file.h"

namespace xdpfwd {
namespace {

// So many set-aside files mean that something else goes wrong again and again; more of them help nobody.
constexpr int kMostSetAside = 100;

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
    problem.remedy = state_remedy(errno, state_dir_);
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
  return replace_durably(state_dir_, path_, write_guest_file(guests));
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "poller/changes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>

#include "base/unique_fd.h"

namespace xdpfwd::poller {
namespace {

// Never by a link: a folder that a poller's own user may write can be released by root.
Result<std::string> read_plain_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string text;
  char buffer[4096];
  ssize_t got = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
  for (; got > 0; got = ::read(file.get(), buffer, sizeof buffer))
    text.append(buffer, static_cast<size_t>(got));
  if (got < 0) return fail_errno("cannot read " + path, errno, "remove it, and see: xdpctl napi status");
  return text;
}
// `like`: whose owner has it. Root that releases does not lock the poller's own user out.
Result<void> write_new_file(const std::string& path, std::string_view text, const std::string& like) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT) return fail_errno("cannot remove " + path, errno);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  while (file && !text.empty()) {
    const ssize_t put = ::write(file.get(), text.data(), text.size());
    if (put < 0) break;
    text.remove_prefix(static_cast<size_t>(put));
  }
  if (!text.empty()) return fail_errno("cannot write " + path, errno);
  struct stat before{};
  if (::lstat(like.c_str(), &before) == 0 && before.st_uid != ::geteuid() &&
      ::fchown(file.get(), before.st_uid, before.st_gid) < 0 && errno != EPERM)
    return fail_errno(fmt::format("cannot give {} to its user", path), errno);
  return {};
}

}  // namespace

// A line a change: "IFINDEX NAPI ATTRIBUTE BEFORE SET", all numbers. The file is replaced as a whole, so it
// is never half of one.
Result<Changes> Changes::open(const std::string& folder) {
  Changes changes(folder + "/changes");
  const auto text = read_plain_file(changes.path_);
  if (!text && text.error().code == ENOENT) return changes;
  if (!text) return std::unexpected(text.error());
  std::istringstream file(*text);
  Change change;
  uint16_t which = 0;
  bool ours = true;
  while (file >> change.ifindex >> change.napi >> which >> change.before >> change.set) {
    change.which = static_cast<NapiValue>(which);
    ours = ours && is_a_pollers(change);
    changes.changes_.push_back(change);
  }
  if (!file.eof() || !ours)
    return fail(changes.path_ + " is no list of changes", "remove it, and see: xdpctl napi status");
  return changes;
}

// Of an older release, too, should one ever set other values.
bool Changes::is_a_pollers(const Change& change) {
  constexpr auto kBusyPoll = static_cast<uint64_t>(Threaded::kBusyPoll);
  switch (change.which) {
    case NapiValue::kDefer:
      return change.set == kDeferral.hard_irqs;
    case NapiValue::kFlush:
      return change.set == kDeferral.flush_timeout_ns;
    case NapiValue::kThreaded:
      return change.set == kBusyPoll && change.before != kBusyPoll;
  }
  return false;
}

Result<void> Changes::write() const {
  if (changes_.empty()) {
    if (::unlink(path_.c_str()) < 0 && errno != ENOENT) return fail_errno("cannot remove " + path_, errno);
    return {};
  }
  const std::string temporary = path_ + ".new";
  std::string text;
  for (const Change& change : changes_)
    text += fmt::format("{} {} {} {} {}\n", change.ifindex, change.napi, static_cast<uint16_t>(change.which),
                        change.before, change.set);
  if (auto written = write_new_file(temporary, text, path_); !written) return written;
  if (std::rename(temporary.c_str(), path_.c_str()) < 0) return fail_errno("cannot write " + path_, errno);
  return {};
}

Changes::Change* Changes::find(uint32_t napi, NapiValue which) {
  const auto at = std::ranges::find_if(
      changes_, [&](const Change& change) { return change.napi == napi && change.which == which; });
  return at == changes_.end() ? nullptr : &*at;
}

Result<void> Changes::set(NapiLookup& lookup, const NapiPlace& place, NapiValue which, uint64_t value) {
  auto before = lookup.value(place.ifindex, place.napi, which);
  if (!before) return std::unexpected(before.error());
  // Threads that poll without end are pollers' alone: one of an older release has left them.
  if (which == NapiValue::kThreaded && *before == value) *before = static_cast<uint64_t>(Threaded::kOff);
  Change* noted = find(place.napi, which);
  if (noted == nullptr)
    noted = &changes_.emplace_back(Change{place.ifindex, place.napi, which, *before, value});
  noted->ifindex = place.ifindex;
  noted->set = value;
  if (auto written = write(); !written) return written;
  return lookup.set(place.napi, which, value);
}

void Changes::forget(uint32_t ifindex, uint32_t napi) {
  std::erase_if(changes_, [&](const Change& change) {
    char name[IF_NAMESIZE];
    const bool gone = if_indextoname(change.ifindex, name) == nullptr && errno == ENXIO;
    return gone || (change.ifindex == ifindex && change.napi == napi);
  });
}

Result<void> Changes::put_back(NapiLookup& lookup, const Change& change) {
  const auto now = lookup.value(change.ifindex, change.napi, change.which);
  // With the instance its values are gone.
  if (!now && now.error().code == ENOENT) return {};
  if (!now) return std::unexpected(now.error());
  if (*now != change.set) return {};
  // Else a thread that was there before would stay on the CPU that it was put on. A new one may run on any.
  const auto off = static_cast<uint64_t>(Threaded::kOff);
  if (change.which == NapiValue::kThreaded && change.before != off)
    if (auto ended = lookup.set(change.napi, change.which, off); !ended) return ended;
  return lookup.set(change.napi, change.which, change.before);
}

Result<void> Changes::undo(NapiLookup& lookup, uint32_t napi, NapiValue which) {
  const Change* change = find(napi, which);
  if (change == nullptr) return {};
  if (auto done = put_back(lookup, *change); !done) return done;
  changes_.erase(changes_.begin() + (change - changes_.data()));
  return write();
}

Result<void> Changes::undo_all(NapiLookup& lookup) {
  Result<void> result;
  std::erase_if(changes_, [&](const Change& change) {
    const auto done = put_back(lookup, change);
    if (!done && done.error().code != ENETDOWN) result = done;
    return done.has_value();
  });
  const auto written = write();
  return result ? written : result;
}

}  // namespace xdpfwd::poller

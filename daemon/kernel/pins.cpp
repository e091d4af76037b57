// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>

#include "bpf/abi.h"

namespace xdpfwd {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error))
    names.push_back(at->path().filename().string());
  std::ranges::sort(names);
  return names;
}

Result<void> make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  const char* remedy = "mount -t bpf bpf /sys/fs/bpf";
  if (errno == EPERM || errno == EACCES) remedy = "run as root";
  if (errno == EROFS) remedy = "make it beforehand, and name it in ReadWritePaths= of the service's unit";
  return fail_errno(fmt::format("cannot make {}", path), errno, remedy);
}

// bpffs removes a folder only when it is empty; fs::remove_all does that in order.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail_errno(fmt::format("cannot remove {}", path), error.value());
  return {};
}

std::optional<uint32_t> number_in(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A map folder of any ABI version, or one that was being made.
bool is_map_folder(std::string_view name) {
  constexpr std::string_view kPrefix = "abi-", kNew = "-new";
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  if (name.ends_with(kNew)) name.remove_suffix(kNew.size());
  return number_in(name).has_value();
}

}  // namespace

Pins::Pins(std::string root)
    : root_(std::move(root)),
      links_(root_ + "/links"),
      undo_(root_ + "/undo"),
      maps_(fmt::format("{}/abi-{}", root_, XDPFWD_ABI_VERSION)) {}

Result<Pins> Pins::open(const std::string& root) {
  Pins pins(root);
  if (auto made = make_folder(root); !made) return std::unexpected(made.error());
  struct statfs about{};
  if (statfs(root.c_str(), &about) < 0) return fail_errno(fmt::format("cannot look at {}", root), errno);
  if (about.f_type != BPF_FS_MAGIC)
    return fail(fmt::format("{} is not in a BPF filesystem", root),
                "mount -t bpf bpf /sys/fs/bpf, or set daemon.bpffs to a folder in one");
  pins.lock_.reset(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!pins.lock_) return fail_errno(fmt::format("cannot open {}", root), errno);
  if (flock(pins.lock_.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(fmt::format("another xdpfwd works with {}", root),
                "ask that one by xdpctl, or give this one a daemon.bpffs of its own", errno);
  for (const std::string& folder : {pins.links_, pins.undo_})
    if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  return pins;
}

bool Pins::in_place() const {
  struct stat held{}, named{};
  return lock_ && fstat(lock_.get(), &held) == 0 && stat(root_.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino && stat(links_.c_str(), &named) == 0 &&
         stat(undo_.c_str(), &named) == 0;
}

std::string Pins::link_path(uint32_t ifindex) const {
  return fmt::format("{}/{}", links_, ifindex);
}
std::string Pins::map_path(std::string_view name) const {
  return fmt::format("{}/{}", maps_, name);
}

Result<std::string> Pins::new_map_folder() const {
  std::string path = maps_ + "-new";
  if (auto removed = remove_tree(path); !removed) return std::unexpected(removed.error());  // left by a crash
  if (auto made = make_folder(path); !made) return std::unexpected(made.error());
  return path;
}

Result<void> Pins::rename_new_maps() const {
  // Incomplete or of another shape, else it would have been adopted.
  if (auto removed = remove_tree(maps_); !removed) return removed;
  if (std::rename((maps_ + "-new").c_str(), maps_.c_str()) < 0)
    return fail_errno(fmt::format("cannot rename the new maps to {}", maps_), errno);
  return {};
}

std::vector<uint32_t> Pins::linked() const {
  std::vector<uint32_t> indexes;
  for (const std::string& name : names_in(links_))
    if (const auto index = number_in(name)) indexes.push_back(*index);
  std::ranges::sort(indexes);
  return indexes;
}

std::vector<std::string> Pins::watches() const {
  std::vector<std::string> names = names_in(maps_);
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("watch_"); });
  return names;
}

Result<UniqueFd> Pins::get(const std::string& path) {
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (!fd)
    return fail_errno(fmt::format("cannot open {}", path), errno,
                      errno == EPERM ? "run with CAP_BPF and CAP_NET_ADMIN" : "");
  return fd;
}

Result<void> Pins::pin(int fd, const std::string& path) {
  if (bpf_obj_pin(fd, path.c_str()) < 0) return fail_errno(fmt::format("cannot pin {}", path), errno);
  return {};
}

Result<void> Pins::replace(int fd, const std::string& path) {
  const std::string fresh = path + "-new";
  if (auto removed = remove(fresh); !removed) return removed;
  if (auto pinned = pin(fd, fresh); !pinned) return pinned;
  if (std::rename(fresh.c_str(), path.c_str()) < 0)
    return fail_errno(fmt::format("cannot replace {}", path), errno);
  return {};
}

Result<void> Pins::remove(const std::string& path) {
  if (::unlink(path.c_str()) < 0 && errno != ENOENT)
    return fail_errno(fmt::format("cannot remove {}", path), errno);
  return {};
}

std::vector<UndoNote> Pins::undo_notes() const {
  std::vector<UndoNote> notes;
  for (const std::string& file : names_in(undo_)) {
    const size_t dash = file.find('-');
    if (dash == file.npos) continue;
    const auto ifindex = number_in(std::string_view(file).substr(dash + 1));
    std::error_code error;
    const fs::path name = fs::read_symlink(undo_ + "/" + file, error);
    if (ifindex && !error)
      notes.push_back({.change = file.substr(0, dash), .ifindex = *ifindex, .name = name.string()});
  }
  return notes;
}

Result<void> Pins::note_undo(const UndoNote& note) const {
  const std::string path = fmt::format("{}/{}-{}", undo_, note.change, note.ifindex);
  if (auto removed = remove(path); !removed) return removed;  // of a NIC that had the ifindex before
  if (symlink(note.name.c_str(), path.c_str()) < 0)
    return fail_errno(fmt::format("cannot make {}", path), errno);
  return {};
}

void Pins::forget_undo(std::string_view change, uint32_t ifindex) const {
  (void)remove(fmt::format("{}/{}-{}", undo_, change, ifindex));
}

void Pins::remove_other_versions() const {
  const std::string mine = fs::path(maps_).filename().string();
  for (const std::string& name : names_in(root_))
    if (is_map_folder(name) && name != mine) (void)remove_tree(root_ + "/" + name);
}

Result<void> Pins::remove_all() const {
  for (const uint32_t ifindex : linked())
    if (auto removed = remove(link_path(ifindex)); !removed) return removed;
  for (const std::string& name : names_in(root_))
    if (is_map_folder(name))
      if (auto removed = remove_tree(root_ + "/" + name); !removed) return removed;
  return {};
}

}  // namespace xdpfwd

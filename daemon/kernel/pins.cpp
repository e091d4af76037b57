// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/pins.h"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
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
  return fail_errno(fmt::format("cannot make {}", path), errno,
                    errno == EPERM || errno == EACCES ? "run as root" : "mount -t bpf bpf /sys/fs/bpf");
}

// bpffs removes a folder only when it is empty; remove_all does that in order.
void remove_tree(const std::string& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

Pins::Pins(std::string root)
    : root_(std::move(root)),
      links_(root_ + "/links"),
      maps_(fmt::format("{}/abi-{}", root_, XDPFWD_ABI_VERSION)) {}

Result<Pins> Pins::open(const std::string& root) {
  Pins pins(root);
  if (auto made = make_folder(root); !made) return std::unexpected(made.error());
  struct statfs about{};
  if (statfs(root.c_str(), &about) < 0) return fail_errno(fmt::format("cannot look at {}", root), errno);
  if (about.f_type != BPF_FS_MAGIC)
    return fail(fmt::format("{} is not in a BPF filesystem", root),
                "mount -t bpf bpf /sys/fs/bpf, or set daemon.bpffs to a folder in one");
  if (auto made = make_folder(pins.links_); !made) return std::unexpected(made.error());
  return pins;
}

std::string Pins::link_path(uint32_t ifindex) const {
  return fmt::format("{}/{}", links_, ifindex);
}
std::string Pins::map_path(std::string_view name) const {
  return fmt::format("{}/{}", maps_, name);
}

Result<std::string> Pins::new_map_folder() const {
  std::string path = maps_ + "-new";
  remove_tree(path);  // left by a crash
  if (auto made = make_folder(path); !made) return std::unexpected(made.error());
  return path;
}

Result<void> Pins::rename_new_maps() const {
  remove_tree(maps_);  // incomplete or of another shape, else it would have been adopted
  if (std::rename((maps_ + "-new").c_str(), maps_.c_str()) < 0)
    return fail_errno(fmt::format("cannot rename the new maps to {}", maps_), errno);
  return {};
}

std::vector<uint32_t> Pins::linked() const {
  std::vector<uint32_t> indexes;
  for (const std::string& name : names_in(links_)) {
    uint32_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error == std::errc() && end == name.data() + name.size()) indexes.push_back(index);
  }
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
  remove(fresh);
  if (auto pinned = pin(fd, fresh); !pinned) return pinned;
  if (std::rename(fresh.c_str(), path.c_str()) < 0)
    return fail_errno(fmt::format("cannot replace {}", path), errno);
  return {};
}

void Pins::remove(const std::string& path) {
  ::unlink(path.c_str());
}

void Pins::remove_other_versions() const {
  const std::string mine = fs::path(maps_).filename().string();
  for (const std::string& name : names_in(root_))
    if (name.starts_with("abi-") && name != mine) remove_tree(root_ + "/" + name);
}

void Pins::remove_all() const {
  remove_tree(root_);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "sources/files.h"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "sources/read_file.h"

namespace xdpfwd {
namespace {

constexpr std::string_view kSuffix = ".toml";

Result<std::vector<std::string>> drop_in_names(const std::string& directory) {
  std::vector<std::string> names;
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> dir(::opendir(directory.c_str()), close);
  if (!dir) {
    const int code = errno;
    if (code == ENOENT) return names;
    return fail_errno("cannot read the drop-in directory " + directory, code,
                      code == EACCES    ? "give the user that runs xdpfwd read and execute permission on it"
                      : code == ENOTDIR ? "make it a directory, or remove it"
                                        : "");
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name.size() > kSuffix.size() && !name.starts_with('.') && name.ends_with(kSuffix))
      names.emplace_back(name);
  }
  if (errno != 0) return fail_errno("cannot read the drop-in directory " + directory, errno);
  std::ranges::sort(names);
  return names;
}

}  // namespace

std::string drop_in_directory(const std::string& file) {
  std::string_view stem = file;
  if (stem.ends_with(kSuffix)) stem.remove_suffix(kSuffix.size());
  return std::string(stem) + ".d";
}

Result<std::vector<ConfigText>> read_config_files(const std::string& file) {
  std::vector<std::string> paths = {file};
  const std::string directory = drop_in_directory(file);
  auto names = drop_in_names(directory);
  if (!names) return std::unexpected(std::move(names).error());
  for (const std::string& name : *names) paths.push_back(fmt::format("{}/{}", directory, name));

  std::vector<ConfigText> texts;
  size_t left = kLargestFile;
  for (std::string& path : paths) {
    auto text = read_file(path, left);
    if (!text) return std::unexpected(std::move(text).error());
    left -= text->size();
    texts.push_back({std::move(path), std::move(*text)});
  }
  return texts;
}

}  // namespace xdpfwd

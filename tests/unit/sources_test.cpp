// SPDX-License-Identifier: BSD-2-Clause
// Files as the file system really gives them: missing, unreadable, half-written, no space left.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/guest_file.h"
#include "sources/files.h"
#include "sources/guest_store.h"
#include "sources/read_file.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void write(const std::string& path, std::string_view text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Root may do anything; permissions are tested as somebody else. Only the file system's view of us changes.
class AsNobody {
 public:
  AsNobody() {
    if (::geteuid() == 0) changed_ = ::seteuid(65534) == 0;
  }
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool changed_ = false;
};

std::vector<Guest> guests(unsigned count) {
  std::vector<Guest> all(count);
  for (unsigned i = 0; i < count; ++i) {
    all[i].name = fmt::format("vm{}", i);
    all[i].tap = *InterfaceName::parse(fmt::format("tap{}", i));
    all[i].macs = {MacAddress::from_bits(0x525400000000 + i)};
    all[i].vlans = {*VlanTag::make(i % 4094 + 1)};
  }
  return all;
}

// ---- configuration files ---------------------------------------------------------------------------------

TEST(ConfigFiles, are_the_file_and_its_drop_ins_by_name) {
  const ScratchDirectory dir;
  const std::string file = dir / "xdpfwd.toml";
  write(file, "a");
  EXPECT_EQ(drop_in_directory(file), dir / "xdpfwd.d");
  auto texts = read_config_files(file);
  ASSERT_TRUE(texts) << texts.error().text();
  ASSERT_EQ(texts->size(), 1U);
  EXPECT_EQ(texts->front().file, file);

  for (const char* name :
       {"b.toml", "10.toml", "9.toml", "B.toml", ".hidden.toml", "c.toml~", "readme", ".toml"})
    write(dir / "xdpfwd.d/" + name, name);
  texts = read_config_files(file);
  ASSERT_TRUE(texts) << texts.error().text();
  std::vector<std::string> read;
  for (const ConfigText& text : *texts) read.push_back(text.text);
  EXPECT_THAT(read, ElementsAre("a", "10.toml", "9.toml", "B.toml", "b.toml"));
}

TEST(ConfigFiles, a_missing_file_is_named_with_its_remedy) {
  const ScratchDirectory dir;
  const auto texts = read_config_files(dir / "none.toml");
  ASSERT_FALSE(texts);
  EXPECT_EQ(texts.error().code, ENOENT);
  EXPECT_EQ(texts.error().message, "cannot open " + (dir / "none.toml") + ": No such file or directory");
  EXPECT_THAT(texts.error().remedy, HasSubstr("create it"));
}

TEST(ConfigFiles, without_permission_says_so) {
  const ScratchDirectory dir;
  ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
  write(dir / "x.toml", "");
  ::chmod((dir / "x.toml").c_str(), 0);
  fs::create_directory(dir / "y.d");
  write(dir / "y.toml", "");
  ::chmod((dir / "y.d").c_str(), 0);
  const AsNobody nobody;
  const auto file = read_config_files(dir / "x.toml");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, EACCES);
  EXPECT_THAT(file.error().remedy, HasSubstr("read permission"));
  const auto directory = read_config_files(dir / "y.toml");
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message, HasSubstr("drop-in directory " + (dir / "y.d")));
}

TEST(ConfigFiles, what_is_not_a_file_is_refused_and_never_waited_for) {
  const ScratchDirectory dir;
  EXPECT_THAT(read_config_files(dir.path()).error().message, HasSubstr("is a directory"));
  ASSERT_EQ(::mkfifo((dir / "fifo.toml").c_str(), 0600), 0);
  EXPECT_THAT(read_config_files(dir / "fifo.toml").error().message, HasSubstr("not a regular file"));
  write(dir / "a.toml", "");
  write(dir / "a.d", "");
  EXPECT_THAT(read_config_files(dir / "a.toml").error().remedy, HasSubstr("make it a directory"));
  write(dir / "b.toml", "");
  fs::create_directory(dir / "b.d");
  fs::create_symlink("nowhere", dir / "b.d/dangling.toml");
  EXPECT_THAT(read_config_files(dir / "b.toml").error().message, HasSubstr("dangling.toml"));
}

TEST(ConfigFiles, are_bounded) {
  const ScratchDirectory dir;
  write(dir / "a", std::string(100, 'x'));
  EXPECT_EQ(read_file(dir / "a", 100)->size(), 100U);
  const auto large = read_file(dir / "a", 99);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, EFBIG);
  // A sparse file of 10 GiB is refused before a byte is read.
  ASSERT_EQ(::truncate((dir / "a").c_str(), 10L << 30), 0);
  EXPECT_EQ(read_config_files(dir / "a").error().code, EFBIG);
  // /proc files say that they are empty, and are not.
  EXPECT_FALSE(read_file("/proc/self/status")->empty());
}

// ---- guests of the control socket ------------------------------------------------------------------------

TEST(GuestStore, keeps_what_was_saved) {
  const ScratchDirectory dir;
  GuestStore store(dir / "state");  // made when needed
  EXPECT_THAT(store.load().guests, IsEmpty());
  EXPECT_THAT(store.load().problems, IsEmpty());
  ASSERT_TRUE(store.save(guests(3)));
  ASSERT_TRUE(store.save(guests(1000)));
  GuestStore other(dir / "state");
  const auto loaded = other.load();
  EXPECT_THAT(loaded.problems, IsEmpty());
  ASSERT_EQ(loaded.guests.size(), 1000U);
  EXPECT_TRUE(loaded.guests[999].same_as(guests(1000)[999]));
  EXPECT_FALSE(fs::exists(store.path() + ".tmp"));
  struct stat info{};
  ASSERT_EQ(::stat(store.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(GuestStore, a_file_cut_off_at_any_byte_is_set_aside_and_nothing_is_lost) {
  const ScratchDirectory dir;
  const std::string whole = write_guest_file(guests(2));
  for (size_t size = 0; size + 1 < whole.size(); ++size) {
    GuestStore store(dir.path());
    write(store.path(), std::string_view(whole).substr(0, size));
    const auto loaded = store.load();
    EXPECT_THAT(loaded.guests, IsEmpty());
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].thing, "state file " + store.path());
    EXPECT_THAT(loaded.problems[0].why, HasSubstr("set aside as " + store.path() + ".corrupt-1"));
    EXPECT_FALSE(loaded.problems[0].remedy.empty());
    EXPECT_FALSE(fs::exists(store.path()));
    EXPECT_EQ(slurp(store.path() + ".corrupt-1"), whole.substr(0, size));
    EXPECT_TRUE(store.save(guests(1)));
    EXPECT_EQ(store.load().guests.size(), 1U);
    fs::remove(store.path() + ".corrupt-1");
  }
}

TEST(GuestStore, set_aside_files_do_not_replace_one_another_and_are_bounded) {
  const ScratchDirectory dir;
  GuestStore store(dir.path());
  for (int i = 1; i <= 100; ++i) {
    write(store.path(), fmt::format("broken {}", i));
    EXPECT_THAT(store.load().problems.at(0).why, HasSubstr(fmt::format(".corrupt-{}", i)));
  }
  EXPECT_EQ(slurp(store.path() + ".corrupt-7"), "broken 7");
  write(store.path(), "broken again");
  EXPECT_THAT(store.load().problems.at(0).why, HasSubstr("not set aside"));
  // It is still there, so it is not written over.
  EXPECT_FALSE(store.save(guests(1)));
  EXPECT_EQ(slurp(store.path()), "broken again");
}

TEST(GuestStore, a_temporary_file_of_a_crash_is_taken_over) {
  const ScratchDirectory dir;
  GuestStore store(dir.path());
  ASSERT_TRUE(store.save(guests(2)));
  write(store.path() + ".tmp", "half of");
  EXPECT_EQ(store.load().guests.size(), 2U);
  ASSERT_TRUE(store.save(guests(3)));
  EXPECT_EQ(store.load().guests.size(), 3U);
  EXPECT_FALSE(fs::exists(store.path() + ".tmp"));
}

TEST(GuestStore, an_unreadable_file_is_reported_and_never_written_over) {
  const ScratchDirectory dir;
  fs::permissions(dir.path(), fs::perms::all);
  GuestStore store(dir.path());
  ASSERT_TRUE(store.save(guests(2)));
  ASSERT_EQ(::chmod(store.path().c_str(), 0), 0);
  {
    const AsNobody nobody;
    const auto loaded = store.load();
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_THAT(loaded.problems[0].why, HasSubstr("Permission denied"));
    const auto saved = store.save(guests(1));
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().message, HasSubstr("would be lost"));
  }
  ASSERT_EQ(::chmod(store.path().c_str(), 0600), 0);
  EXPECT_EQ(store.load().guests.size(), 2U);
}

TEST(GuestStore, a_directory_that_cannot_be_written_is_an_error_with_its_remedy) {
  const ScratchDirectory dir;
  GuestStore store(dir.path());
  ASSERT_TRUE(store.save(guests(2)));
  ASSERT_EQ(::chmod(store.path().c_str(), 0644), 0);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0555), 0);
  const AsNobody nobody;
  const auto saved = store.save(guests(3));
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("Permission denied"));
  EXPECT_THAT(saved.error().remedy, HasSubstr("write permission on " + dir.path()));
  EXPECT_EQ(store.load().guests.size(), 2U);
}

TEST(GuestStore, a_corrupt_file_that_cannot_be_set_aside_is_reported_and_stays) {
  const ScratchDirectory dir;
  GuestStore store(dir.path());
  write(store.path(), "{");
  ASSERT_EQ(::chmod(store.path().c_str(), 0644), 0);
  ASSERT_EQ(::chmod(dir.path().c_str(), 0555), 0);
  const AsNobody nobody;
  const auto loaded = store.load();
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_THAT(loaded.problems[0].why, HasSubstr("could not be set aside"));
  EXPECT_THAT(loaded.problems[0].remedy, HasSubstr("write permission"));
  EXPECT_FALSE(store.save(guests(1)));
  EXPECT_EQ(slurp(store.path()), "{");
}

// A file system of one megabyte, in a mount namespace of the test's own process only.
TEST(GuestStore, a_full_disk_leaves_the_old_file) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: it mounts a small tmpfs";
  const ScratchDirectory dir;
  EXPECT_EXIT(
      {
        const auto check = [](bool good, const char* what) {
          if (good) return;
          fmt::print(stderr, "not so: {}\n", what);
          ::_exit(1);
        };
        check(::unshare(CLONE_NEWNS) == 0, "unshare");
        check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private");
        check(::mount("none", dir.path().c_str(), "tmpfs", 0, "size=1m") == 0, "tmpfs");
        GuestStore store(dir.path());
        check(store.save(guests(100)).has_value(), "a small file fits");
        const auto saved = store.save(guests(50'000));
        check(!saved, "a large one does not");
        check(saved.error().code == ENOSPC, "with ENOSPC");
        check(saved.error().remedy.find("free space") != std::string::npos, "and its remedy");
        check(store.load().guests.size() == 100, "the old file is whole");
        check(!fs::exists(store.path() + ".tmp"), "no half of a file takes up the space");
        check(store.save(guests(101)).has_value(), "a small file still fits");
        check(::mount("none", dir.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0,
              "read-only");
        const auto read_only = store.save(guests(1));
        check(!read_only && read_only.error().code == EROFS, "a read-only file system says so");
        check(store.load().guests.size() == 101, "and keeps the file");
        ::_exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace xdpfwd

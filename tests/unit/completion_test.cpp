// SPDX-License-Identifier: BSD-2-Clause
// The completion scripts in the shells they are for, against a daemon whose guests have names that a shell
// must not take for something else.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/run_xdpctl.h"
#include "support/scratch_directory.h"
#include "support/served_control.h"

namespace xdpfwd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() {
    for (const std::string shell : {"bash", "zsh"})
      std::ofstream(directory / "xdpctl." + shell) << run_xdpctl({"completion", shell}).out;
    ::setenv("PATH", fmt::format("{}:{}", XDPFWD_BINARY_DIR, std::getenv("PATH")).c_str(), 1);
  }

  static std::vector<std::string> lines_of(const std::string& command) {
    std::vector<std::string> lines;
    FILE* pipe = ::popen(command.c_str(), "r");
    char* line = nullptr;
    size_t size = 0;
    while (::getline(&line, &size, pipe) > 0) lines.emplace_back(line, std::strcspn(line, "\r\n"));
    std::free(line);
    ::pclose(pipe);
    return lines;
  }

  // What bash offers after these words, of which the last is being typed.
  std::vector<std::string> bash(const std::vector<std::string>& words) {
    std::ofstream script(directory / "drive.sh");
    script << "source " << directory / "xdpctl.bash" << "\nCOMP_WORDS=(xdpctl";
    for (const std::string& word : words) script << " '" << word << "'";
    script << ")\nCOMP_CWORD=" << words.size()
           << "\n_xdpctl\n((${#COMPREPLY[@]})) && printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    script.close();
    return lines_of("bash --norc --noprofile " + (directory / "drive.sh") + " 2>&1");
  }

  ScratchDirectory directory;
  std::string path = directory / "control.sock";
};

TEST_F(CompletionTest, bash_offers_commands_options_and_values) {
  EXPECT_THAT(bash({"st"}), UnorderedElementsAre("status", "stats"));
  EXPECT_THAT(bash({"guest", ""}), UnorderedElementsAre("add", "del", "list"));
  EXPECT_THAT(bash({"guest", "add", "--t"}), UnorderedElementsAre("--tap", "--trunk", "--tpid"));
  EXPECT_THAT(bash({"--json", "guest", "add", "x", "--e"}), ElementsAre("--ephemeral"));
  EXPECT_THAT(bash({"guest", "add", "x", "--tpid", ""}), UnorderedElementsAre("802.1q", "802.1ad"));
  EXPECT_THAT(bash({"guest", "add", "x", "--tpid", "=", "802.1a"}), ElementsAre("802.1ad"));
  EXPECT_THAT(bash({"guest", "add", "x", "--tpid", "="}), UnorderedElementsAre("802.1q", "802.1ad"));
  EXPECT_THAT(bash({"guest", "add", "x", "--mac", ""}), IsEmpty());
  EXPECT_THAT(bash({"guest", "add", "x", "--tap", "lo"}), ElementsAre("lo"));
  EXPECT_THAT(bash({"explain", "uplink.d"}), ElementsAre("uplink.devices"));
  EXPECT_THAT(bash({"completion", "z"}), ElementsAre("zsh"));
  EXPECT_THAT(bash({"status", ""}), IsEmpty());
  EXPECT_THAT(bash({"status", "--c"}), ElementsAre("--check"));
  // The value of an option is no command.
  EXPECT_THAT(bash({"--socket", "guest", "st"}), UnorderedElementsAre("status", "stats"));
  EXPECT_THAT(bash({"--socket", directory / "xdpctl.b"}), ElementsAre(directory / "xdpctl.bash"));
}

TEST_F(CompletionTest, bash_asks_the_daemon_for_names) {
  EXPECT_THAT(bash({"--socket", path, "guest", "del", ""}), IsEmpty()) << "and is silent without one";
  Served served(path);
  served.control.guest_list[1].guest.name = "$(touch${IFS}hacked)";
  served.control.guest_list[2].guest.name = "vm3";
  EXPECT_THAT(bash({"--socket", path, "guest", "del", "v"}), ElementsAre("vm3"));
  EXPECT_THAT(bash({"--socket", "=", path, "guest", "del", "v"}), ElementsAre("vm3"));
  EXPECT_THAT(bash({"--socket", path, "guest", "del", "$"}), ElementsAre("\\$\\(touch\\$\\{IFS\\}hacked\\)"));
  EXPECT_NE(::access("hacked", F_OK), 0);
  EXPECT_THAT(bash({"--socket", path, "detach", "eth"}), UnorderedElementsAre("eth0", "eth1"));
}

// Types into an interactive zsh, and reads the line that completion made of it.
TEST_F(CompletionTest, zsh_completes_as_one_types) {
  if (lines_of("zsh -c 'print yes' 2>/dev/null") != std::vector<std::string>{"yes"})
    GTEST_SKIP() << "zsh is not installed";
  EXPECT_THAT(lines_of("zsh -n " + (directory / "xdpctl.zsh") + " 2>&1"), IsEmpty());
  Served served(path);
  const std::vector<std::pair<std::string, std::string>> typed = {
      {"xdpctl gu", "xdpctl guest "},
      {"xdpctl guest a", "xdpctl guest add "},
      {"xdpctl guest add x --eph", "xdpctl guest add x --ephemeral "},
      {"xdpctl guest add x --tpid 802.1a", "xdpctl guest add x --tpid 802.1ad "},
      {"xdpctl guest add x --tpid=802.1a", "xdpctl guest add x --tpid=802.1ad "},
      {"xdpctl explain uplink.dev", "xdpctl explain uplink.devices "},
      {"xdpctl --socket " + path + " guest del vm3", "xdpctl --socket " + path + " guest del vm3 "},
      {"xdpctl --socket=" + path + " detach eth1", "xdpctl --socket=" + path + " detach eth1 "},
      {"xdpctl guest add x --mac 52:54:00:00:00:01 --mac 52:54:00:00:00:02 --tr",
       "xdpctl guest add x --mac 52:54:00:00:00:01 --mac 52:54:00:00:00:02 --trunk "},
      {"xdpctl status --js", "xdpctl status --json "},
      {"xdpctl --js", "xdpctl --json "},
  };
  std::ofstream script(directory / "drive.zsh");
  script
      << "zmodload zsh/zpty\n"
         "zpty inner 'TERM=dumb PS1= zsh -f -i'\n"
         "zpty -w inner 'unsetopt zle_bracketed_paste 2>/dev/null; autoload -Uz compinit && compinit -u -D'\n"
         "zpty -w inner 'source "
      << directory / "xdpctl.zsh"
      << "'\n"
         "zpty -w inner 'show() { print -r -- \"<<$BUFFER>>\" >>"
      << directory / "typed"
      << "; BUFFER= }; zle -N show; bindkey \"^X\" show; print re\"\"ady'\n"
         "zpty -r inner line '*ready*'\n";
  for (const auto& [begin, end] : typed)
    script << "zpty -w -n inner $'" << begin << "\\t\\x18'\n"
           << "repeat 1200; do [[ $(wc -l <" << directory / "typed"
           << " 2>/dev/null) -ge $((++n)) ]] && break; ((n--)); sleep 0.05; done\n";
  script << "zpty -d inner\n";
  script.close();
  lines_of("zsh -f " + (directory / "drive.zsh") + " 2>&1");
  const auto made = lines_of("cat " + (directory / "typed"));
  ASSERT_EQ(made.size(), typed.size());
  for (size_t i = 0; i < typed.size(); ++i) EXPECT_EQ(made[i], "<<" + typed[i].second + ">>");
}

}  // namespace
}  // namespace xdpfwd

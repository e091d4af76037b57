// SPDX-License-Identifier: BSD-2-Clause
// The command line of xdpctl: every command, argument and option, declared once. Parsing, help texts and the
// completion scripts are all made from this declaration.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ctl/commands.h"

namespace xdpfwd {

// What can stand for an argument, for completion.
struct Values {
  std::vector<std::string> words;
  std::string live;  // "guests", "members": names that the daemon knows
  bool files = false;
  bool interfaces = false;
};

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Parses and runs; the result is the exit status. `session` has everything but what the arguments say.
  int run(const std::vector<std::string>& arguments, Session session);

  [[nodiscard]] const CLI::App& app() const { return *app_; }
  // nullptr when there is nothing to offer.
  [[nodiscard]] const Values* values_of(const CLI::Option* option) const;

 private:
  using Action = std::function<int(const Session&)>;

  CLI::App* command(CLI::App* parent, std::string name, std::string help, Action action);
  CLI::App* group(std::string name, std::string help);
  void add_status();
  void add_guest_commands();
  void add_fdb_commands();
  void add_other_reads();
  void add_other_writes();
  void add_tune_commands();
  void add_napi_commands();
  void add_doctor();
  void add_words();

  std::unique_ptr<CLI::App> app_;
  std::string socket_;
  bool json_ = false;
  Action chosen_;
  std::map<const CLI::Option*, Values> values_;
};

}  // namespace xdpfwd

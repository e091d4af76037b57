// SPDX-License-Identifier: BSD-2-Clause
// How --help looks. CLI11's own layout differs between the versions that Debian has.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace xdpfwd {

class HelpFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

// What help and completion show: not the hidden ones, in the order of declaration.
std::vector<const CLI::App*> visible_commands(const CLI::App& app);
std::vector<const CLI::Option*> visible_options(const CLI::App& app);
std::vector<const CLI::Option*> visible_arguments(const CLI::App& app);
// "xdpctl guest add"
std::string full_name(const CLI::App& app);
// "--mac", or "-h" when there is no long name.
std::string main_name(const CLI::Option& option);
[[nodiscard]] bool takes_value(const CLI::Option& option);

}  // namespace xdpfwd

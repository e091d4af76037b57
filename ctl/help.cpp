// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "ctl/wrap.h"

namespace xdpfwd {
namespace {

std::string value_name(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.empty() ? "VALUE" : name;
}

std::string option_names(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  if (!takes_value(option)) return names;
  return names + (option.get_expected_min() == 0 ? fmt::format(" [{}]", value_name(option))
                                                 : " " + value_name(option));
}

std::string argument_name(const CLI::Option& option) {
  std::string name = option.get_name(true);
  if (option.get_items_expected_max() > 1) name += "...";
  return option.get_required() ? name : "[" + name + "]";
}

using Lines = std::vector<std::pair<std::string, std::string>>;

void append(std::string& text, std::string_view title, const Lines& lines) {
  if (lines.empty()) return;
  size_t width = 0;
  for (const auto& [left, right] : lines) width = std::max(width, left.size());
  text += fmt::format("\n{}:\n", title);
  for (const auto& [left, right] : lines)
    text += fmt::format("  {:<{}}  {}\n", left, width, wrapped(right, width + 4));
}

std::string usage(const CLI::App& app) {
  std::string text = "usage: " + full_name(app);
  if (!visible_commands(app).empty()) text += " COMMAND";
  for (const CLI::Option* argument : visible_arguments(app)) text += " " + argument_name(*argument);
  for (const CLI::Option* option : visible_options(app))
    if (option->get_required()) text += fmt::format(" {} {}", main_name(*option), value_name(*option));
  return text + " [OPTION...]\n";
}

}  // namespace

std::vector<const CLI::App*> visible_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

std::vector<const CLI::Option*> visible_options(const CLI::App& app) {
  return app.get_options(
      [](const CLI::Option* option) { return option->nonpositional() && !option->get_group().empty(); });
}

std::vector<const CLI::Option*> visible_arguments(const CLI::App& app) {
  return app.get_options(
      [](const CLI::Option* option) { return option->get_positional() && !option->get_group().empty(); });
}

std::string full_name(const CLI::App& app) {
  return app.get_parent() ? full_name(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::string main_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? "-" + option.get_snames().front() : "--" + option.get_lnames().front();
}

bool takes_value(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  std::string text = usage(*app);
  text += "\n" + wrapped(app->get_description(), 0) + "\n";
  Lines arguments, options, general, commands;
  for (const CLI::Option* argument : visible_arguments(*app))
    arguments.emplace_back(argument->get_name(true), argument->get_description());
  for (const CLI::Option* option : visible_options(*app))
    (app->get_parent() && option != app->get_help_ptr() ? options : general)
        .emplace_back(option_names(*option), option->get_description());
  for (const CLI::App* above = app->get_parent(); above; above = above->get_parent())
    for (const CLI::Option* option : visible_options(*above))
      if (option != above->get_help_ptr() && option != above->get_version_ptr())
        general.emplace_back(option_names(*option), option->get_description());
  for (const CLI::App* command : visible_commands(*app))
    commands.emplace_back(command->get_name(), command->get_description());
  append(text, "Commands", commands);
  append(text, "Arguments", arguments);
  append(text, "Options", options);
  append(text, "General options", general);
  if (const std::string footer = app->get_footer(); !footer.empty()) text += "\n" + footer + "\n";
  return text;
}

}  // namespace xdpfwd

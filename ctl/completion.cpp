// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "ctl/command_line.h"
#include "ctl/help.h"

namespace xdpfwd {
namespace {

// Calls `each` with the app and every command below it that is shown.
void walk(const CLI::App& app, const std::function<void(const CLI::App&)>& each) {
  each(app);
  for (const CLI::App* command : visible_commands(app)) walk(*command, each);
}

// "guest add"; empty for xdpctl itself.
std::string path_of(const CLI::App& app) {
  if (!app.get_parent()) return {};
  const std::string above = path_of(*app.get_parent());
  return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

// ---- bash
// ----------------------------------------------------------------------------------------------------

constexpr std::string_view kBashScript =
    R"bash(# bash completion for xdpctl; made by 'xdpctl completion bash'. Needs bash 4 and nothing else.

# What the daemon knows, from the socket that the command line names.
_xdpctl_names() {{
  local -a ask=(xdpctl)
  [[ -n $socket ]] && ask+=(--socket "$socket")
  "${{ask[@]}}" complete-names "$1" 2>/dev/null
}}

# Offers the lines that begin with what is typed. Not compgen -W: it would expand what is in them.
_xdpctl_reply() {{
  local line
  while IFS= read -r line; do
    [[ -n $line && $line == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done
}}

_xdpctl() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}}
  local path='' socket='' options='' words='' word i
  COMPREPLY=()
  # bash takes '--option=value' for three words.
  [[ $cur == '=' ]] && cur=''
  [[ $prev == '=' ]] && prev=${{COMP_WORDS[COMP_CWORD - 2]}}
  # Which command is it? Options and their values may stand anywhere between its words.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case $word in
    {with_value})
      [[ ${{COMP_WORDS[i + 1]}} == '=' ]] && ((i++))
      ((i++))
      [[ $word == --socket ]] && socket=${{COMP_WORDS[i]}}
      ;;
    -*) ;;
    *)
      case "${{path:+$path }}$word" in
      {paths}) path="${{path:+$path }}$word" ;;
      esac
      ;;
    esac
  done
  case "$path:$prev" in
{values}  esac
  case "$path" in
{words}  esac
  [[ $cur == -* ]] && words=$options
  _xdpctl_reply < <(printf '%s\n' $words)
}}

complete -F _xdpctl xdpctl
)bash";

// A command that fills COMPREPLY with what can stand for a value.
std::string bash_reply(const Values* values) {
  if (!values) return ":";
  if (values->files) return "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
  if (values->interfaces) return "_xdpctl_reply < <(command ls /sys/class/net 2>/dev/null)";
  if (!values->live.empty()) return fmt::format("_xdpctl_reply < <(_xdpctl_names {})", values->live);
  return fmt::format("_xdpctl_reply < <(printf '%s\\n' {})", fmt::join(values->words, " "));
}

}  // namespace

std::string bash_completion(const CommandLine& line) {
  std::vector<std::string> paths, with_value;
  std::string values, words;
  walk(line.app(), [&](const CLI::App& app) {
    const std::string path = path_of(app);
    if (!path.empty()) paths.push_back(fmt::format("\"{}\"", path));
    std::vector<std::string> options, commands;
    for (const CLI::App* above = &app; above; above = above->get_parent())
      for (const CLI::Option* option : visible_options(*above)) {
        if (above != &app && (option == above->get_help_ptr() || option == above->get_version_ptr()))
          continue;
        for (const std::string& name : names_of(*option)) {
          if (name.starts_with("--")) options.push_back(name);
          if (above == &app && takes_value(*option)) {
            // Where a value may be left out, it cannot be told from an argument.
            if (option->get_expected_min() > 0) with_value.push_back(name);
            values +=
                fmt::format("    {}) {}; return ;;\n",
                            path.empty() ? fmt::format("*:{}", name) : fmt::format("\"{}:{}\"", path, name),
                            bash_reply(line.values_of(option)));
          }
        }
      }
    for (const CLI::App* command : visible_commands(app)) commands.push_back(command->get_name());
    words += fmt::format("    \"{}\")\n      options='{}'\n", path, fmt::join(options, " "));
    if (!commands.empty()) {
      words += fmt::format("      words='{}'\n", fmt::join(commands, " "));
    } else if (const auto arguments = visible_arguments(app); !arguments.empty()) {
      if (const Values* first = line.values_of(arguments.front()))
        words += fmt::format("      [[ $cur == -* ]] || {{ {}; return; }}\n", bash_reply(first));
    }
    words += "      ;;\n";
  });
  std::ranges::sort(with_value);
  with_value.erase(std::ranges::unique(with_value).begin(), with_value.end());
  return fmt::format(kBashScript, fmt::arg("with_value", fmt::format("{}", fmt::join(with_value, " | "))),
                     fmt::arg("paths", fmt::format("{}", fmt::join(paths, " | "))),
                     fmt::arg("values", values), fmt::arg("words", words));
}

// ---- zsh
// -----------------------------------------------------------------------------------------------------

namespace {

// Inside '...[...]' of an _arguments specification.
std::string zsh_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\'') {
      escaped += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// What follows "message:" in a specification.
std::string zsh_action(const Values* values) {
  if (!values) return " ";
  if (values->files) return "_files";
  if (values->interfaces) return "_net_interfaces";
  if (!values->live.empty()) return "_xdpctl_names " + values->live;
  return fmt::format("({})", fmt::join(values->words, " "));
}

std::string zsh_option(const CommandLine& line, const CLI::Option& option) {
  std::string specification;
  for (const std::string& name : names_of(option)) {
    // An option that may be repeated is offered again.
    const bool repeated = option.get_items_expected_max() > 1;
    specification +=
        fmt::format("      '{}{}{}[{}]", repeated ? "*" : "", name,
                    takes_value(option) && option.get_expected_min() > 0 && name.starts_with("--") ? "=" : "",
                    zsh_escaped(option.get_description()));
    if (takes_value(option))
      specification += fmt::format("{}{}:{}", option.get_expected_min() == 0 ? "::" : ":",
                                   zsh_escaped(option.get_type_name()), zsh_action(line.values_of(&option)));
    specification += "' \\\n";
  }
  return specification;
}

std::string zsh_function_name(const CLI::App& app) {
  std::string name = "_xdpctl " + path_of(app);
  while (name.ends_with(' ')) name.pop_back();
  std::ranges::replace(name, ' ', '_');
  return name;
}

std::string zsh_function(const CommandLine& line, const CLI::App& app) {
  std::string options;
  for (const CLI::App* above = &app; above; above = above->get_parent())
    for (const CLI::Option* option : visible_options(*above)) {
      if (above != &app && (option == above->get_help_ptr() || option == above->get_version_ptr())) continue;
      options += zsh_option(line, *option);
    }
  const auto commands = visible_commands(app);
  if (commands.empty()) {
    std::string arguments;
    for (const CLI::Option* argument : visible_arguments(app))
      arguments += fmt::format("      '{}:{}:{}' \\\n", argument->get_items_expected_max() > 1 ? "*" : "",
                               zsh_escaped(argument->get_name(true)), zsh_action(line.values_of(argument)));
    return fmt::format("{}() {{\n  _arguments -s \\\n{}{}      && return 0\n}}\n\n", zsh_function_name(app),
                       options, arguments);
  }
  std::string described, cases;
  for (const CLI::App* command : commands) {
    described += fmt::format("      '{}:{}'\n", command->get_name(), zsh_escaped(command->get_description()));
    cases += fmt::format("    {}) {} ;;\n", command->get_name(), zsh_function_name(*command));
  }
  return fmt::format(R"({name}() {{
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
{described}  )
  _arguments -C \
{options}      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
{cases}    esac
    ;;
  esac
}}

)",
                     fmt::arg("name", zsh_function_name(app)), fmt::arg("described", described),
                     fmt::arg("options", options), fmt::arg("cases", cases));
}

}  // namespace

std::string zsh_completion(const CommandLine& line) {
  std::string functions;
  walk(line.app(), [&](const CLI::App& app) { functions += zsh_function(line, app); });
  return R"zsh(#compdef xdpctl
# zsh completion for xdpctl; made by 'xdpctl completion zsh'.

# What the daemon knows, from the socket that the command line names.
_xdpctl_names() {
  local -a names ask=(xdpctl)
  [[ -n $xdpctl_socket ]] && ask+=(--socket ${(Q)xdpctl_socket})
  # _arguments puts options for compadd in front.
  names=(${(f)"$($ask complete-names ${@[-1]} 2>/dev/null)"})
  compadd "${@[1,-2]}" -a names
}

)zsh" + functions +
         R"(_xdpctl_line() {
  local xdpctl_socket=${${words[(r)--socket=*]}#--socket=}
  local -i at=${words[(i)--socket]}
  (( at < $#words )) && xdpctl_socket=${words[at + 1]}
  _xdpctl
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _xdpctl_line
else
  compdef _xdpctl_line xdpctl
fi
)";
}

}  // namespace xdpfwd

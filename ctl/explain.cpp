// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/nearest.h"
#include "core/options.h"
#include "core/report_names.h"
#include "ctl/wrap.h"

namespace xdpfwd {
namespace {

std::string section_header(const Section& section) {
  return section.name == "guest" ? "[[guest]]" : fmt::format("[{}]", section.name);
}

std::string default_text(const Option& option) {
  return option.required() ? "none: it must be given" : std::string(option.default_text);
}

std::string_view reload_text(const Option& option) {
  return option.on_reload ? "applied by a reload" : "read at start only: restart xdpfwd after a change";
}

std::string explain_option(const Option& option) {
  return fmt::format("{}: {}\n\n{}\n\n  type     {}\n  default  {}\n  change   {}\n  example  {}\n",
                     option.path(), option.help, wrapped(option.explanation, 0), type_text(option),
                     default_text(option), reload_text(option), option.example);
}

std::string list_section(const Section& section) {
  std::string text = fmt::format("{}: {}\n", section_header(section), section.help);
  for (const Option& option : options())
    if (option.section == section.name) text += fmt::format("  {:<20}  {}\n", option.path(), option.help);
  return text;
}

// One word can be several things: too_long is a reason and a loss.
std::string explain_words_of_reports(std::string_view word) {
  std::string text;
  for (size_t i = 0; i < reasons().size(); ++i)
    if (reasons()[i].name == word)
      text += fmt::format("{}: counts frames of a member, verdict {}: {}\n", word, verdict_of_reason(i),
                          reasons()[i].help);
  for (const NamedCounter& loss : losses())
    if (loss.name == word)
      text += fmt::format("{}: counts frames lost after the redirect to a tap: {}\n", word, loss.help);
  if (const auto state = from_name<PortState>(word))
    text += fmt::format("{}: state of a tap: {}\n", word, help_of(*state));
  return text;
}

// scdoc takes '_' and '*' for markup, wherever they stand in a paragraph.
std::string scdoc_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '_' || c == '*' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string as_sentence(std::string_view text) {
  std::string sentence = fmt::format("{}.", text);
  if (sentence[0] >= 'a' && sentence[0] <= 'z') sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  return sentence;
}

}  // namespace

std::string explain_all() {
  std::string text;
  for (const Section& section : sections()) text += (text.empty() ? "" : "\n") + list_section(section);
  return text + "\n'xdpctl explain KEY' says more; it also explains counters and the states of taps.\n";
}

Result<std::string> explain(std::string_view word) {
  if (const Option* option = find_option(word)) return explain_option(*option);
  for (const Section& section : sections())
    if (section.name == word) return list_section(section);
  std::string text;
  for (const Option& option : options())
    if (option.key == word) text += (text.empty() ? "" : "\n") + explain_option(option);
  text += explain_words_of_reports(word);
  if (!text.empty()) return text;
  const auto words = explained_words();
  const std::vector<std::string_view> candidates(words.begin(), words.end());
  const auto meant = nearest(word, candidates);
  return fail(fmt::format("'{}' is no key of the configuration, counter or state", word),
              meant ? fmt::format("did you mean '{}'?", *meant) : "'xdpctl explain' lists the keys");
}

std::vector<std::string> explained_words() {
  std::vector<std::string> words;
  for (const Option& option : options()) words.push_back(option.path());
  for (const Section& section : sections()) words.emplace_back(section.name);
  for (const NamedCounter& reason : reasons()) words.emplace_back(reason.name);
  for (const NamedCounter& loss : losses()) words.emplace_back(loss.name);
  for (const std::string_view state : names_of<PortState>()) words.emplace_back(state);
  std::ranges::sort(words);
  const auto rest = std::ranges::unique(words);
  words.erase(rest.begin(), rest.end());
  return words;
}

Json options_json() {
  Json list = Json::array();
  for (const Option& option : options()) {
    Json json = {{"path", option.path()},         {"type", type_text(option)},
                 {"required", option.required()}, {"reload", option.on_reload},
                 {"help", option.help},           {"explanation", option.explanation},
                 {"example", option.example}};
    if (!option.required()) json["default"] = option.default_text;
    if (!option.choices.empty())
      json["choices"] = std::vector<std::string>(option.choices.begin(), option.choices.end());
    list.push_back(std::move(json));
  }
  return {{"options", std::move(list)}};
}

std::string options_scdoc() {
  std::string text;
  for (const Section& section : sections()) {
    text += fmt::format("## {}\n\n{}\n\n", section_header(section), scdoc_escaped(as_sentence(section.help)));
    for (const Option& option : options()) {
      if (option.section != section.name) continue;
      text += fmt::format("*{}*\n", scdoc_escaped(option.key));
      const auto paragraph = [&](std::string_view words) {
        text += fmt::format("\t{}\n\n", scdoc_escaped(words));
      };
      paragraph(as_sentence(option.help));
      paragraph(option.explanation);
      paragraph(fmt::format("Type: {}. Default: {}. {}", type_text(option), default_text(option),
                            as_sentence(reload_text(option))));
      text += fmt::format("\t```\n\t{}\n\t```\n\n", option.example);
    }
  }
  return text;
}

}  // namespace xdpfwd

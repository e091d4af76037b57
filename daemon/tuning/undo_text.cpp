// SPDX-License-Identifier: BSD-2-Clause
#include "tuning/undo_text.h"

#include <fmt/format.h>

#include <map>

#include "core/json_reader.h"

namespace xdpfwd {
namespace {

Json head_of(const UndoEntry& entry, std::string_view boot_id) {
  Json json = {{"boot", boot_id},
               {"ifindex", entry.setting.ifindex},
               {"device", entry.device.text()},
               {"knob", name_of(entry.setting.knob)}};
  if (entry.setting.index != kWholeDevice) json["index"] = entry.setting.index;
  return json;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string line_of(const UndoEntry& entry, std::string_view boot_id) {
  Json json = head_of(entry, boot_id);
  json["before"] = entry.before;
  json["set"] = entry.set;
  if (entry.earlier) json["earlier"] = *entry.earlier;
  if (entry.shaken) json["shaken"] = true;
  if (entry.begun) json["begun"] = true;
  if (entry.roams) json["roams"] = true;
  return line_of(json);
}

struct Line {
  std::string boot;
  UndoEntry entry;
  bool gone = false;
};

Result<Line> read_line(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return std::unexpected(json.error());
  JsonReader reader(*json, "");
  Line line;
  line.boot = reader.text("boot");
  UndoEntry& entry = line.entry;
  entry.setting.ifindex = reader.count32("ifindex");
  if (const std::string device = reader.text("device"); !device.empty())
    entry.device = reader.take("device", InterfaceName::parse(device));
  entry.setting.knob = reader.take("knob", parse_knob(reader.text("knob")));
  if (reader.has("index")) entry.setting.index = reader.count32("index");
  line.gone = reader.flag_or("gone", false);
  if (!line.gone) {
    entry.before = reader.text("before");
    entry.set = reader.text("set");
    if (reader.has("earlier")) entry.earlier = reader.text("earlier");
    entry.shaken = reader.flag_or("shaken", false);
    entry.begun = reader.flag_or("begun", false);
    entry.roams = reader.flag_or("roams", false);
  }
  if (auto done = reader.finish_strict(); !done) return std::unexpected(std::move(done).error());
  return line;
}

}  // namespace

std::string text_of(const UndoLog& log, std::string_view boot_id) {
  std::string text;
  for (const UndoEntry& entry : log.entries) text += line_of(entry, boot_id);
  return text;
}

std::string text_of(const UndoChanges& changes, std::string_view boot_id) {
  std::string text;
  for (const UndoEntry& entry : changes.dropped) {
    Json json = head_of(entry, boot_id);
    json["gone"] = true;
    text += line_of(json);
  }
  for (const UndoEntry& entry : changes.written) text += line_of(entry, boot_id);
  return text;
}

Result<UndoText> read_undo_text(std::string_view text, std::string_view boot_id) {
  UndoText read;
  std::map<Setting, UndoEntry> entries;
  size_t number = 0;
  while (read.good_bytes < text.size()) {
    ++number;
    const std::string_view rest = text.substr(read.good_bytes);
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    auto line = read_line(rest.substr(0, end));
    if (!line) return fail_in(fmt::format("line {}", number), std::move(line).error());
    read.good_bytes += end + 1;
    if (line->boot != boot_id) {
      ++read.other_boots;
      continue;
    }
    if (line->gone)
      entries.erase(line->entry.setting);
    else
      entries.insert_or_assign(line->entry.setting, std::move(line->entry));
  }
  for (auto& [setting, entry] : entries) read.log.entries.push_back(std::move(entry));
  return read;
}

}  // namespace xdpfwd

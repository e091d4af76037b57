// SPDX-License-Identifier: BSD-2-Clause
// Walks what toml++ parsed by the option table's rows. 100 000 guests go through here at each start and
// reload, so nothing is looked up by name for each value, and duplicates are found by sorting.
#include "core/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>

// Nothing is thrown across our functions, so toml++ shall not throw either.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
// Bad text (`a = [}`) reaches places of toml++ 3.3 where its assertions say no text comes. With NDEBUG it
// takes them for granted, so that clang may leave out the code that reports the error; without, a file's
// author would end the daemon. Neither assumed nor asserted, the error is reported. The fuzzers watch over
// it.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include "core/config_pieces.h"
#include "core/cpus.h"
#include "core/guest_fields.h"
#include "core/nearest.h"
#include "core/options.h"

namespace xdpfwd {
namespace {

// Places and errors in one piece of a file.
class FileErrors {
 public:
  FileErrors(const std::string& file, uint32_t lines_before) : file_(file), lines_before_(lines_before) {}

  [[nodiscard]] SourceLocation at(const toml::source_region& region) const {
    return {file_, region.begin.line + lines_before_, region.begin.column};
  }

  [[nodiscard]] std::unexpected<Error> fail_at(const toml::source_region& region, std::string message,
                                               std::string remedy = {}) const {
    return fail(fmt::format("{}: {}", at(region).text(), message), std::move(remedy));
  }
  // For what a field's own parser says.
  [[nodiscard]] std::unexpected<Error> fail_at(const toml::source_region& region, std::string_view what,
                                               Error error) const {
    error.message = fmt::format("{}: {}: {}", at(region).text(), what, error.message);
    return std::unexpected(std::move(error));
  }

 private:
  const std::string& file_;
  uint32_t lines_before_;
};

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date and time";
    case toml::node_type::none:
      break;
  }
  return "nothing";
}

std::unexpected<Error> wrong_type(const FileErrors& errors, const Option& option, const toml::node& node) {
  return errors.fail_at(
      node.source(), fmt::format("{} must be {}, not {}", option.path(), type_text(option), type_name(node)),
      fmt::format("write it like this: {}", option.example));
}

// A string's text, or nullptr.
const std::string* text_of(const toml::node& node) {
  const auto* value = node.as_string();
  return value ? &value->get() : nullptr;
}

// Calls `each` for the node itself or, when it is an array, for each of its elements.
template <typename Each>
Result<void> for_one_or_many(const FileErrors& errors, const Option& option, const toml::node& node,
                             const Each& each) {
  const auto* array = node.as_array();
  if (!array) return each(node);
  if (array->empty())
    return errors.fail_at(node.source(), fmt::format("{} is an empty array", option.path()),
                          fmt::format("write it like this: {}", option.example));
  for (const toml::node& element : *array)
    if (auto done = each(element); !done) return done;
  return {};
}

// ---- settings
// ------------------------------------------------------------------------------------------------

Result<std::string> read_text(const FileErrors& errors, const Option& option, const toml::node& node) {
  const std::string* text = text_of(node);
  if (!text) return wrong_type(errors, option, node);
  const auto size = static_cast<int64_t>(text->size());
  if (option.max != 0 && (size < option.min || size > option.max))
    return errors.fail_at(node.source(), fmt::format("{} has {} bytes, and must have {} to {}", option.path(),
                                                     size, option.min, option.max));
  if (text->find('\0') != std::string::npos)
    return errors.fail_at(node.source(), fmt::format("{} has a NUL character in it", option.path()));
  if (option.type == OptionType::kPath && !text->starts_with('/'))
    return errors.fail_at(node.source(),
                          fmt::format("{}: '{}' is not an absolute path", option.path(), *text),
                          "begin it with '/'");
  return *text;
}

Result<size_t> read_choice(const FileErrors& errors, const Option& option, const toml::node& node) {
  const std::string* text = text_of(node);
  if (!text) return wrong_type(errors, option, node);
  for (size_t i = 0; i < option.choices.size(); ++i)
    if (option.choices[i] == *text) return i;
  return errors.fail_at(node.source(), fmt::format("{} cannot be '{}'", option.path(), *text),
                        did_you_mean(*text, option.choices, "write one of"));
}

Result<uint32_t> read_integer(const FileErrors& errors, const Option& option, const toml::node& node) {
  const auto* value = node.as_integer();
  if (!value) return wrong_type(errors, option, node);
  if (value->get() < option.min || value->get() > option.max)
    return errors.fail_at(node.source(), fmt::format("{} cannot be {}", option.path(), value->get()),
                          fmt::format("write {} to {}", option.min, option.max));
  return static_cast<uint32_t>(value->get());
}

Result<NumberWish> read_number_wish(const FileErrors& errors, const Option& option, const toml::node& node) {
  if (node.is_integer()) {
    const auto given = read_integer(errors, option, node);
    if (!given) return std::unexpected(given.error());
    return NumberWish{NumberWish::Kind::kGiven, *given};
  }
  const auto index = read_choice(errors, option, node);
  if (!index) return std::unexpected(index.error());
  const bool keep = option.choices[*index] == "keep";
  return NumberWish{keep ? NumberWish::Kind::kKeep : NumberWish::Kind::kAuto, 0};
}

Result<CpuWish> read_cpu_wish(const FileErrors& errors, const Option& option, const toml::node& node) {
  const std::string* text = text_of(node);
  // What begins with a digit is meant as a list, the rest as a word.
  if (!text || text->empty() || *text->begin() < '0' || *text->begin() > '9') {
    const auto index = read_choice(errors, option, node);
    if (!index) return std::unexpected(index.error());
    const bool keep = option.choices[*index] == "keep";
    return CpuWish{keep ? CpuWish::Kind::kKeep : CpuWish::Kind::kAuto, {}};
  }
  auto cpus = parse_cpus(*text);
  if (!cpus) return errors.fail_at(node.source(), option.path(), cpus.error());
  return CpuWish{CpuWish::Kind::kGiven, std::move(*cpus)};
}

Result<NapiWish> read_napi_wish(const FileErrors& errors, const Option& option, const toml::node& node) {
  const std::string* text = text_of(node);
  if (!text) return wrong_type(errors, option, node);
  auto wish = parse_napi_wish(*text);
  if (!wish) return errors.fail_at(node.source(), option.path(), wish.error());
  return wish;
}

Result<std::optional<ThreadSchedule>> read_schedule(const FileErrors& errors, const Option& option,
                                                    const toml::node& node) {
  const std::string* text = text_of(node);
  if (!text) return wrong_type(errors, option, node);
  if (*text == "keep") return std::nullopt;
  const auto schedule = parse_thread_schedule(*text);
  if (!schedule) return errors.fail_at(node.source(), option.path(), schedule.error());
  return *schedule;
}

Result<InterfaceName> read_interface(const FileErrors& errors, const Option& option, const toml::node& node) {
  const std::string* text = text_of(node);
  if (!text) return wrong_type(errors, option, node);
  auto name = InterfaceName::parse(*text);
  if (!name) return errors.fail_at(node.source(), option.path(), name.error());
  return name;
}

Result<std::vector<InterfaceName>> read_interfaces(const FileErrors& errors, const Option& option,
                                                   const toml::node& node) {
  if (!node.is_array()) return wrong_type(errors, option, node);
  std::vector<InterfaceName> names;
  auto done = for_one_or_many(errors, option, node, [&](const toml::node& element) -> Result<void> {
    auto name = read_interface(errors, option, element);
    if (!name) return std::unexpected(std::move(name).error());
    if (std::ranges::find(names, *name) != names.end())
      return errors.fail_at(element.source(),
                            fmt::format("{}: '{}' is given twice", option.path(), name->view()),
                            "name each device once");
    names.push_back(*name);
    return {};
  });
  if (!done) return std::unexpected(std::move(done).error());
  return names;
}

// Hands a read value on, or its error.
template <typename T>
Result<void> put(Result<T> value, T& into) {
  if (!value) return std::unexpected(std::move(value).error());
  into = std::move(*value);
  return {};
}

Result<void> read_setting(const FileErrors& errors, const Option& option, const toml::node& node,
                          Settings& settings) {
  if (const auto* text = std::get_if<std::string Settings::*>(&option.field)) {
    if (option.type != OptionType::kChoice) return put(read_text(errors, option, node), settings.*(*text));
    const auto index = read_choice(errors, option, node);
    if (!index) return std::unexpected(index.error());
    settings.*(*text) = option.choices[*index];
    return {};
  }
  if (const auto* number = std::get_if<uint32_t Settings::*>(&option.field))
    return put(read_integer(errors, option, node), settings.*(*number));
  if (const auto* names = std::get_if<std::vector<InterfaceName> Settings::*>(&option.field))
    return put(read_interfaces(errors, option, node), settings.*(*names));
  if (const auto* wish = std::get_if<NumberWish TuningSettings::*>(&option.field))
    return put(read_number_wish(errors, option, node), settings.tuning.*(*wish));
  if (const auto* cpus = std::get_if<CpuWish TuningSettings::*>(&option.field))
    return put(read_cpu_wish(errors, option, node), settings.tuning.*(*cpus));
  if (const auto* napi = std::get_if<NapiWish TuningSettings::*>(&option.field))
    return put(read_napi_wish(errors, option, node), settings.tuning.*(*napi));
  if (const auto* schedule = std::get_if<std::optional<ThreadSchedule> TuningSettings::*>(&option.field))
    return put(read_schedule(errors, option, node), settings.tuning.*(*schedule));
  if (const auto* choice = std::get_if<ChoiceField>(&option.field)) {
    const auto index = read_choice(errors, option, node);
    if (!index) return std::unexpected(index.error());
    choice->set(settings, *index);
  }
  return {};
}

std::unexpected<Error> unknown_key(const FileErrors& errors, const toml::key& key, std::string_view section) {
  const bool guest = section == "guest";
  return errors.fail_at(
      key.source(),
      fmt::format("unknown key '{}' in {}{}{}", key.str(), guest ? "[[" : "[", section, guest ? "]]" : "]"),
      did_you_mean(key.str(), keys_of(section), "known keys"));
}

Result<void> read_section(const FileErrors& errors, std::string_view section, const toml::table& table,
                          Config& config) {
  for (const auto& [key, node] : table) {
    const Option* option = find_option(section, key.str());
    if (!option) return unknown_key(errors, key, section);
    if (auto done = read_setting(errors, *option, node, config.settings); !done) return done;
    config.places.insert_or_assign(option->path(), errors.at(node.source()));
  }
  return {};
}

// ---- guests
// --------------------------------------------------------------------------------------------------

// The rows of the table that describe a guest, found once and not for each guest.
struct GuestOptions {
  const Option& name = *find_option("guest", "name");
  const Option& tap = *find_option("guest", "tap");
  const Option& mac = *find_option("guest", "mac");
  const Option& vlan = *find_option("guest", "vlan");
  const Option& tpid = *find_option("guest", "tpid");
  const Option& mode = *find_option("guest", "mode");
  const Option& profile = *find_option("guest", "profile");
  const Option& cpu = *find_option("guest", "cpu");
};

class GuestReader {
 public:
  explicit GuestReader(const FileErrors& errors) : errors_(errors) {}

  Result<Guest> read(const toml::table& table) const {
    Guest guest;
    guest.where = errors_.at(table.source());
    const toml::node *mac = nullptr, *vlan = nullptr;
    auto tpid = VlanTag::Tpid::k8021q;
    for (const auto& [key, node] : table) {
      const std::string_view word = key.str();
      Result<void> done;
      if (word == "name")
        done = read_name(node, guest);
      else if (word == "tap")
        done = put(read_interface(errors_, options_.tap, node), guest.tap);
      else if (word == "mac")
        mac = &node;
      else if (word == "vlan")
        vlan = &node;
      else if (word == "tpid")
        done = read_tpid(node, tpid);
      else if (word == "mode")
        done = read_mode(node, guest.keep_tag);
      else if (word == "profile")
        done = read_profile(node, guest.profile);
      else if (word == "cpu")
        done = read_cpu(node, guest.cpu);
      else
        done = unknown_key(errors_, key, "guest");
      if (!done) return std::unexpected(std::move(done).error());
    }
    for (const auto& [missing, option] : {std::pair{guest.name.empty(), &options_.name},
                                          {guest.tap.empty(), &options_.tap},
                                          {mac == nullptr, &options_.mac},
                                          {vlan == nullptr, &options_.vlan}})
      if (missing)
        return errors_.fail_at(table.source(),
                               fmt::format("guest{} has no '{}'", quoted(guest.name), option->key),
                               fmt::format("add: {}", option->example));
    if (auto done = read_macs(*mac, guest); !done) return std::unexpected(std::move(done).error());
    if (auto done = read_vlans(*vlan, tpid, guest); !done) return std::unexpected(std::move(done).error());
    return guest;
  }

 private:
  static std::string quoted(const std::string& name) {
    return name.empty() ? "" : fmt::format(" '{}'", name);
  }

  Result<void> read_name(const toml::node& node, Guest& guest) const {
    const std::string* text = text_of(node);
    if (!text) return wrong_type(errors_, options_.name, node);
    auto name = parse_guest_name(*text);
    if (!name) return errors_.fail_at(node.source(), "guest.name", name.error());
    guest.name = std::move(*name);
    return {};
  }

  Result<void> read_macs(const toml::node& node, Guest& guest) const {
    return for_one_or_many(errors_, options_.mac, node, [&](const toml::node& element) -> Result<void> {
      const std::string* text = text_of(element);
      if (!text) return wrong_type(errors_, options_.mac, element);
      const auto mac = parse_guest_mac(*text);
      if (!mac) return errors_.fail_at(element.source(), fmt::format("guest '{}'", guest.name), mac.error());
      guest.macs.push_back(*mac);
      return {};
    });
  }

  Result<void> read_vlans(const toml::node& node, VlanTag::Tpid tpid, Guest& guest) const {
    return for_one_or_many(errors_, options_.vlan, node, [&](const toml::node& element) -> Result<void> {
      int64_t id = 0;
      if (const auto* number = element.as_integer()) {
        id = number->get();
      } else if (const std::string* text = text_of(element); !text) {
        return wrong_type(errors_, options_.vlan, element);
      } else if (*text != "untagged") {
        return errors_.fail_at(element.source(),
                               fmt::format("guest '{}': vlan cannot be \"{}\"", guest.name, *text),
                               "write a number without quotes, 1 to 4094, or \"untagged\"");
      }
      const auto vlan = make_guest_vlan(id, tpid);
      if (!vlan)
        return errors_.fail_at(element.source(), fmt::format("guest '{}'", guest.name), vlan.error());
      guest.vlans.push_back(*vlan);
      return {};
    });
  }

  Result<void> read_tpid(const toml::node& node, VlanTag::Tpid& tpid) const {
    const auto index = read_choice(errors_, options_.tpid, node);
    if (!index) return std::unexpected(index.error());
    tpid = *index == 0 ? VlanTag::Tpid::k8021q : VlanTag::Tpid::k8021ad;
    return {};
  }

  Result<void> read_mode(const toml::node& node, bool& keep_tag) const {
    const auto index = read_choice(errors_, options_.mode, node);
    if (!index) return std::unexpected(index.error());
    keep_tag = *index == 1;
    return {};
  }

  Result<void> read_profile(const toml::node& node, std::optional<Profile>& profile) const {
    const auto index = read_choice(errors_, options_.profile, node);
    if (!index) return std::unexpected(index.error());
    // The first choice is to inherit.
    profile = *index == 0 ? std::nullopt : std::optional(static_cast<Profile>(*index - 1));
    return {};
  }

  Result<void> read_cpu(const toml::node& node, std::optional<uint32_t>& cpu) const {
    const auto wish = read_number_wish(errors_, options_.cpu, node);
    if (!wish) return std::unexpected(wish.error());
    cpu = wish->kind == NumberWish::Kind::kGiven ? std::optional(wish->given) : std::nullopt;
    return {};
  }

  const FileErrors& errors_;
  GuestOptions options_;
};

Result<void> read_guests(const FileErrors& errors, const toml::node& node, std::vector<Guest>& guests) {
  const auto* array = node.as_array();
  if (!array)
    return errors.fail_at(node.source(),
                          fmt::format("'guest' must be an array of tables, not {}", type_name(node)),
                          "write [[guest]] with double brackets before each guest");
  const GuestReader reader(errors);
  for (const toml::node& element : *array) {
    const auto* table = element.as_table();
    if (!table)
      return errors.fail_at(element.source(),
                            fmt::format("a guest must be a table, not {}", type_name(element)),
                            "write [[guest]] with double brackets before each guest");
    auto guest = reader.read(*table);
    if (!guest) return std::unexpected(std::move(guest).error());
    guests.push_back(std::move(*guest));
  }
  return {};
}

// ---- files
// ---------------------------------------------------------------------------------------------------

// What toml++ 3.3 must not be given: characters that are not ASCII outside comments (where it meets some of
// them in a value or key that was not begun well, its table of blanks ends in what it calls unreachable), and
// strings over several lines, which no option needs and which would make this scan as long as a parser.
struct Unreadable {
  toml::source_position at;
  std::string_view what;
  std::string_view remedy;
};
std::optional<Unreadable> find_unreadable(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark
  toml::source_position at{1, 1};
  char quote = '\0';
  bool comment = false;
  for (size_t i = 0; i < text.size(); ++i, ++at.column) {
    const char c = text[i];
    if (c == '\n') {
      at = {at.line + 1, 0};
      quote = '\0';
      comment = false;
    } else if (comment) {
      continue;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      return Unreadable{at, "a character that is not ASCII, outside a comment",
                        R"(write its number between double quotes, as in "caf\u00e9")"};
    } else if (quote != '\0') {
      if (c == '\\' && quote == '"' &&
          (text.substr(i).starts_with(R"(\")") || text.substr(i).starts_with(R"(\\)")))
        ++i, ++at.column;
      else if (c == quote)
        quote = '\0';
    } else if (c == '"' || c == '\'') {
      if (text.substr(i).starts_with(std::string(3, c)))
        return Unreadable{at, "a string over several lines", "put it between single quotes, on one line"};
      quote = c;
    } else if (c == '#') {
      comment = true;
    }
  }
  return std::nullopt;
}

// `seen`: the sections that earlier pieces of the same file had.
Result<void> read_piece(const std::string& file, const ConfigPiece& piece, std::vector<std::string>& seen,
                        Config& config) {
  const FileErrors errors(file, piece.lines_before);
  const auto parsed = toml::parse(piece.text, std::string_view(file));
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return errors.fail_at(error.source(), fmt::format("not TOML: {}", error.description()));
  }
  for (const auto& [key, node] : parsed.table()) {
    const std::string_view word = key.str();
    if (word == "guest") {
      if (auto done = read_guests(errors, node, config.guests); !done) return done;
      continue;
    }
    const auto names = section_names();
    if (std::ranges::find(names, word) == names.end())
      return errors.fail_at(key.source(), fmt::format("unknown section or key '{}'", word),
                            did_you_mean(word, names, "known sections"));
    const auto* table = node.as_table();
    if (!table)
      return errors.fail_at(node.source(), fmt::format("'{}' must be a table, not {}", word, type_name(node)),
                            fmt::format("write [{}] on a line of its own, and its keys below", word));
    if (std::ranges::find(seen, word) != seen.end())
      return errors.fail_at(node.source(), fmt::format("[{}] is given a second time in this file", word),
                            "put its keys together, or into a file of their own in the drop-in directory");
    seen.emplace_back(word);
    if (auto done = read_section(errors, word, *table, config); !done) return done;
  }
  return {};
}

Result<void> read_text_into(const ConfigText& text, Config& config) {
  if (const auto found = find_unreadable(text.text))
    return FileErrors(text.file, 0)
        .fail_at({.begin = found->at, .end = found->at, .path = {}}, std::string(found->what),
                 std::string(found->remedy));
  std::vector<std::string> seen;
  for (const ConfigPiece& piece : cut_config(text.text))
    if (auto done = read_piece(text.file, piece, seen, config); !done) return done;
  return {};
}

std::string names_of(const std::vector<ConfigText>& texts) {
  if (texts.empty()) return "configuration";
  return texts.size() == 1 ? texts.front().file
                           : fmt::format("{} and {} more files", texts.front().file, texts.size() - 1);
}

std::string place_of(const Guest& guest) {
  const std::string name = fmt::format("guest '{}'", guest.name);
  return guest.where.file.empty() ? name : fmt::format("{}: {}", guest.where.text(), name);
}

std::string whence(const Guest& guest) {
  return guest.where.file.empty() ? "that was added over the control socket" : "at " + guest.where.text();
}

}  // namespace

std::string SourceLocation::text() const {
  if (file.empty()) return "control socket";
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

Result<void> check_guests(const std::vector<Guest>& guests) {
  uint64_t rows = 0;
  for (const Guest& guest : guests) {
    rows += rows_of(guest);
    // Before anything is expanded: a guest with many MACs on many VLANs is small to write.
    if (rows > kMostRows)
      return fail(fmt::format("{}: the guests up to here need more than {} rows, one for each (VLAN, MAC)",
                              place_of(guest), kMostRows),
                  "a table cannot be larger; give guests fewer VLANs or MACs");
  }

  struct Named {
    std::string_view name;
    uint32_t guest;
    auto operator<=>(const Named&) const = default;
  };
  std::vector<Named> names;
  names.reserve(guests.size());
  for (uint32_t i = 0; i < guests.size(); ++i) names.push_back({guests[i].name, i});
  std::ranges::sort(names);
  const auto twin = std::ranges::adjacent_find(names, {}, &Named::name);
  if (twin != names.end())
    return fail(fmt::format("{}: the name is already taken by the guest {}",
                            place_of(guests[std::next(twin)->guest]), whence(guests[twin->guest])),
                "give each guest its own name; several MACs or VLANs of one guest go into its arrays",
                EEXIST);

  struct Keyed {
    FdbKey key;
    uint32_t guest;
    auto operator<=>(const Keyed&) const = default;
  };
  std::vector<Keyed> keys;
  keys.reserve(rows);
  for (uint32_t i = 0; i < guests.size(); ++i)
    for (const VlanTag vlan : guests[i].vlans)
      for (const MacAddress mac : guests[i].macs) keys.push_back({FdbKey::make(mac, vlan), i});
  std::ranges::sort(keys);
  const auto twice = std::ranges::adjacent_find(keys, {}, &Keyed::key);
  if (twice == keys.end()) return {};
  const Guest& first = guests[twice->guest];
  const Guest& second = guests[std::next(twice)->guest];
  if (&first == &second)
    return fail(fmt::format("{}: {} is given twice", place_of(second), twice->key.text()), "give it once",
                EEXIST);
  return fail(fmt::format("{}: {} already belongs to guest '{}' {}", place_of(second), twice->key.text(),
                          first.name, whence(first)),
              "frames to one (VLAN, MAC) can go to one tap only: take it from one of the two", EEXIST);
}

Result<Config> parse_config(const std::vector<ConfigText>& texts) {
  Config config;
  for (const ConfigText& text : texts)
    if (auto done = read_text_into(text, config); !done) return std::unexpected(std::move(done).error());
  if (config.settings.devices.empty())
    return fail(fmt::format("{}: uplink.devices is not set", names_of(texts)),
                fmt::format("name the bond or NICs that frames come from, under [uplink]: {}",
                            find_option("uplink", "devices")->example));
  if (auto done = check_guests(config.guests); !done) return std::unexpected(std::move(done).error());
  return config;
}

}  // namespace xdpfwd

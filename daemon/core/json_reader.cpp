// SPDX-License-Identifier: BSD-2-Clause
#include "core/json_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/nearest.h"

namespace xdpfwd {
namespace {

// What an absent object or array is read as.
const Json kEmptyObject = Json::object();

// Nothing that we read nests deeper; who writes the text chooses the depth, and values are destroyed by
// recursion.
constexpr int kDeepest = 32;

bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// Builds nothing: finds where the text stops being JSON.
class ErrorFinder final : public nlohmann::json_sax<Json> {
 public:
  size_t bad_at = 0;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    bad_at = position;
    return false;
  }
};

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (nests_too_deep(text)) return fail(fmt::format("JSON nests deeper than {} levels", kDeepest));
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_discarded()) return json;
  ErrorFinder finder;
  Json::sax_parse(text.begin(), text.end(), &finder);
  return fail(fmt::format("not JSON, from byte {} of {} on", finder.bad_at, text.size()));
}

std::string_view json_type(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return "an integer";
    case Json::value_t::number_float:
      return "a number with a fraction";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "no JSON value";
}

JsonReader::JsonReader(const Json& object, std::string place)
    : object_(object.is_object() ? object : kEmptyObject), place_(std::move(place)) {
  if (!object.is_object())
    error_ = Error{fmt::format("{} must be an object, not {}", place_.empty() ? "the message" : place_,
                               json_type(object)),
                   {},
                   0};
}

std::string JsonReader::path(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key);
}

void JsonReader::refuse(std::string_view key, Error error) {
  if (error_) return;
  bad_key_ = key;
  error.message = fmt::format("{}: {}", path(key), error.message);
  error_ = std::move(error);
}

void JsonReader::refuse(const Result<void>& inner) {
  if (!error_ && !inner) error_ = inner.error();
}

void JsonReader::wrong_type(std::string_view key, std::string_view wanted, const Json& value) {
  refuse(key, {fmt::format("must be {}, not {}", wanted, json_type(value)), {}, 0});
}

const Json* JsonReader::find(std::string_view key) {
  asked_.push_back(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json* JsonReader::need(std::string_view key) {
  const Json* value = find(key);
  if (!value) refuse(key, {"is missing", {}, 0});
  return value;
}

bool JsonReader::has(std::string_view key) const {
  const auto found = object_.find(key);
  return found != object_.end() && !found->is_null();
}

std::string JsonReader::text(std::string_view key) {
  const Json* value = need(key);
  if (!value) return {};
  if (value->is_string()) return value->get_ref<const std::string&>();
  wrong_type(key, "a string", *value);
  return {};
}

std::string JsonReader::text_or(std::string_view key, std::string_view otherwise) {
  if (has(key)) return text(key);
  find(key);
  return std::string(otherwise);
}

bool JsonReader::flag(std::string_view key) {
  const Json* value = need(key);
  if (!value) return false;
  if (value->is_boolean()) return value->get<bool>();
  wrong_type(key, "true or false", *value);
  return false;
}

bool JsonReader::flag_or(std::string_view key, bool otherwise) {
  if (has(key)) return flag(key);
  find(key);
  return otherwise;
}

int64_t JsonReader::integer(std::string_view key, int64_t min, int64_t max) {
  const Json* value = need(key);
  if (!value) return min > 0 ? min : 0;
  if (!value->is_number_integer()) {
    wrong_type(key, "an integer", *value);
    return 0;
  }
  // Above INT64_MAX the number is held unsigned.
  const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t number = huge ? INT64_MAX : value->get<int64_t>();
  if (!huge && number >= min && number <= max) return number;
  refuse(key, {fmt::format("cannot be {}", value->dump()), fmt::format("it must be {} to {}", min, max), 0});
  return 0;
}

uint64_t JsonReader::count(std::string_view key) {
  return static_cast<uint64_t>(integer(key, 0));
}
uint32_t JsonReader::count32(std::string_view key) {
  return static_cast<uint32_t>(integer(key, 0, UINT32_MAX));
}

std::optional<uint64_t> JsonReader::optional_count(std::string_view key) {
  if (has(key)) return count(key);
  find(key);
  return std::nullopt;
}

const Json& JsonReader::object(std::string_view key) {
  const Json* value = need(key);
  if (!value) return kEmptyObject;
  if (value->is_object()) return *value;
  wrong_type(key, "an object", *value);
  return kEmptyObject;
}

std::vector<std::string> JsonReader::texts(std::string_view key) {
  std::vector<std::string> all;
  elements(key, [&](const Json& element, const std::string& element_place) {
    if (element.is_string())
      all.push_back(element.get_ref<const std::string&>());
    else if (!error_) {
      bad_key_ = key;
      error_ = Error{fmt::format("{} must be a string, not {}", element_place, json_type(element)), {}, 0};
    }
  });
  return all;
}

std::vector<std::string> JsonReader::texts_or_empty(std::string_view key) {
  if (has(key)) return texts(key);
  find(key);
  return {};
}

void JsonReader::elements(std::string_view key,
                          const std::function<void(const Json&, const std::string&)>& each) {
  const Json* value = need(key);
  if (!value) return;
  if (!value->is_array()) return wrong_type(key, "an array", *value);
  size_t index = 0;
  for (const Json& element : *value) {
    if (error_) return;
    each(element, fmt::format("{}[{}]", path(key), index++));
  }
}

Result<void> JsonReader::finish() const {
  if (error_) return std::unexpected(*error_);
  return {};
}

Result<void> JsonReader::finish_strict() {
  if (error_) return std::unexpected(*error_);
  for (const auto& [key, value] : object_.items()) {
    if (std::ranges::find(asked_, std::string_view(key)) != asked_.end()) continue;
    refuse(key, {"is not known",
                 asked_.empty() ? "nothing is taken here" : did_you_mean(key, asked_, "known"), 0});
    break;
  }
  return finish();
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Reads the fields of a JSON object that somebody else wrote. The first thing that is wrong is kept, with the
// path to it; later reads give empty values, so that a reader is a list of fields and one check at its end.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

using Json = nlohmann::json;

// Parses without exceptions; the error says at which byte.
Result<Json> parse_json(std::string_view text);

// "a string", "an integer", ... for messages.
std::string_view json_type(const Json& value);

class JsonReader {
 public:
  // `place` is what messages begin with: "guests[3]"; may be empty.
  JsonReader(const Json& object, std::string place);

  // A field that must be there.
  std::string text(std::string_view key);
  bool flag(std::string_view key);
  int64_t integer(std::string_view key, int64_t min = INT64_MIN, int64_t max = INT64_MAX);
  uint64_t count(std::string_view key);  // 0 or more
  uint32_t count32(std::string_view key);
  const Json& object(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  // Calls `each` with every element and its place: "guests[3]".
  void elements(std::string_view key, const std::function<void(const Json&, const std::string&)>& each);

  // A field that may be absent or null.
  [[nodiscard]] bool has(std::string_view key) const;
  std::string text_or(std::string_view key, std::string_view otherwise);
  bool flag_or(std::string_view key, bool otherwise);
  std::optional<uint64_t> optional_count(std::string_view key);
  std::vector<std::string> texts_or_empty(std::string_view key);

  // Notes that what `key` holds is not acceptable.
  void refuse(std::string_view key, Error error);
  // Takes over what an inner reader found.
  void refuse(const Result<void>& inner);
  // Takes a parsed value out of its Result, or notes the error.
  template <typename T>
  T take(std::string_view key, Result<T> value) {
    if (value) return std::move(*value);
    refuse(key, std::move(value).error());
    return T{};
  }

  // What was wrong first. `finish_strict` also refuses fields that nobody asked for.
  [[nodiscard]] Result<void> finish() const;
  [[nodiscard]] Result<void> finish_strict();
  // The key that finish() complains about, for protocols that name it.
  [[nodiscard]] const std::string& bad_key() const { return bad_key_; }

 private:
  const Json* find(std::string_view key);
  const Json* need(std::string_view key);
  void wrong_type(std::string_view key, std::string_view wanted, const Json& value);
  [[nodiscard]] std::string path(std::string_view key) const;

  const Json& object_;
  std::string place_;
  std::vector<std::string_view> asked_;
  std::optional<Error> error_;
  std::string bad_key_;
};

}  // namespace xdpfwd

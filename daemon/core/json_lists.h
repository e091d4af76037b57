// SPDX-License-Identifier: BSD-2-Clause
// Lists and whole reports in JSON, of values that have a to_json() and a reader of their own.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/json_reader.h"

namespace xdpfwd {

template <typename T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

// A reader and what it reads; the fields of its list elements.
template <typename T>
std::vector<T> read_list(JsonReader& reader, std::string_view key, T (*read)(JsonReader&)) {
  std::vector<T> values;
  reader.elements(key, [&](const Json& element, const std::string& place) {
    JsonReader inner(element, place);
    values.push_back(read(inner));
    reader.refuse(inner.finish());
  });
  return values;
}

template <typename T>
Result<T> read_whole(const Json& json, T (*read)(JsonReader&)) {
  JsonReader reader(json, "");
  T value = read(reader);
  if (auto done = reader.finish(); !done) return std::unexpected(std::move(done).error());
  return value;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/guest_file.h"

#include <fmt/format.h>

#include "core/guest_json.h"

namespace xdpfwd {
namespace {

constexpr int64_t kVersion = 1;

}  // namespace

std::string write_guest_file(const std::vector<Guest>& guests) {
  std::string text = fmt::format("{{\"version\":{},\"guests\":[", kVersion);
  const char* separator = "\n";
  for (const Guest& guest : guests) {
    text += separator;
    text += to_json(guest).dump(-1, ' ', false, Json::error_handler_t::replace);
    separator = ",\n";
  }
  return text + "\n]}\n";
}

Result<std::vector<Guest>> read_guest_file(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return std::unexpected(json.error());
  JsonReader file(*json, "");
  const int64_t version = file.integer("version", 1);
  if (file.finish() && version != kVersion)
    return fail(fmt::format("version {} is not known", version),
                fmt::format("it was written by a newer xdpfwd; this one reads version {}", kVersion));
  std::vector<Guest> guests;
  file.elements("guests", [&](const Json& element, const std::string& place) {
    JsonReader reader(element, place);
    guests.push_back(read_guest(reader));
    file.refuse(reader.finish_strict());
  });
  if (auto done = file.finish_strict(); !done) return std::unexpected(std::move(done).error());
  if (auto done = check_guests(guests); !done) return std::unexpected(std::move(done).error());
  return guests;
}

}  // namespace xdpfwd

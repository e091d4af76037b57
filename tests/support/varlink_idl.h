// SPDX-License-Identifier: BSD-2-Clause
// A reader of varlink interface definitions, to hold what is sent to what is documented.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/json_reader.h"

namespace xdpfwd {

struct IdlType {
  enum class Kind { kBool, kInt, kFloat, kString, kObject, kNamed, kList, kMap, kOptional, kStruct, kEnum };
  Kind kind = Kind::kBool;
  std::string name;                                                      // kNamed
  std::shared_ptr<IdlType> of;                                           // kList, kMap, kOptional
  std::vector<std::pair<std::string, std::shared_ptr<IdlType>>> fields;  // kStruct; names only: kEnum
};

struct Idl {
  struct Method {
    IdlType in, out;
  };
  std::string interface;
  std::map<std::string, IdlType> types;
  std::map<std::string, Method> methods;
  std::map<std::string, IdlType> errors;

  static Result<Idl> parse(std::string_view text);
  // What in `value` is not of the type, or empty. Every field of a struct must be there unless it is
  // optional, and no other may be.
  [[nodiscard]] std::string mismatch(const IdlType& type, const Json& value, const std::string& place) const;
};

}  // namespace xdpfwd

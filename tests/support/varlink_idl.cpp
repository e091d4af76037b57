// SPDX-License-Identifier: BSD-2-Clause
#include "support/varlink_idl.h"

#include <fmt/format.h>

#include <cctype>

namespace xdpfwd {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Idl> parse() {
    Idl idl;
    if (word() != "interface") return wrong("'interface'");
    idl.interface = word();
    for (skip(); at_ < text_.size() && error_.empty(); skip()) {
      const std::string keyword = word();
      const std::string name = word();
      if (name.empty() || !std::isupper(static_cast<unsigned char>(name[0])))
        return wrong("a CamelCase name");
      if (keyword == "type") {
        idl.types[name] = type();
      } else if (keyword == "error") {
        idl.errors[name] = type();
      } else if (keyword == "method") {
        const IdlType in = type();
        if (!take("->")) return wrong("'->'");
        idl.methods[name] = {in, type()};
      } else {
        return wrong("type, method or error");
      }
    }
    if (!error_.empty()) return fail(error_);
    return idl;
  }

 private:
  std::unexpected<Error> wrong(std::string_view wanted) {
    note(wanted);
    return fail(error_);
  }
  void note(std::string_view wanted) {
    if (error_.empty())
      error_ = fmt::format("byte {}: {} expected at '{}'", at_, wanted, text_.substr(at_, 30));
  }
  void skip() {
    while (at_ < text_.size())
      if (text_[at_] == '#')
        at_ = std::min(text_.find('\n', at_), text_.size());
      else if (std::isspace(static_cast<unsigned char>(text_[at_])))
        ++at_;
      else
        return;
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  std::string word() {
    skip();
    const size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' || text_[at_] == '.' ||
            (text_[at_] == '-' && !text_.substr(at_).starts_with("->"))))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  IdlType type() {
    using enum IdlType::Kind;
    const auto wrap = [&](IdlType::Kind kind) {
      return IdlType{.kind = kind, .name = {}, .of = std::make_shared<IdlType>(type()), .fields = {}};
    };
    if (take("?")) return wrap(kOptional);
    if (take("[]")) return wrap(kList);
    if (take("[string]")) return wrap(kMap);
    IdlType result;
    if (take("(")) {
      result.kind = kStruct;
      if (take(")")) return result;
      do {
        const std::string name = word();
        if (name.empty()) note("a field");
        if (take(":"))
          result.fields.emplace_back(name, std::make_shared<IdlType>(type()));
        else {
          result.kind = kEnum;
          result.fields.emplace_back(name, nullptr);
        }
      } while (take(",") && error_.empty());
      if (!take(")")) note("')'");
      return result;
    }
    result.name = word();
    if (result.name == "bool")
      result.kind = kBool;
    else if (result.name == "int")
      result.kind = kInt;
    else if (result.name == "float")
      result.kind = kFloat;
    else if (result.name == "string")
      result.kind = kString;
    else if (result.name == "object")
      result.kind = kObject;
    else
      result.kind = kNamed;
    if (result.name.empty()) note("a type");
    return result;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

Result<Idl> Idl::parse(std::string_view text) {
  return Parser(text).parse();
}

std::string Idl::mismatch(const IdlType& type, const Json& value, const std::string& place) const {
  using enum IdlType::Kind;
  const auto unless = [&](bool good, std::string_view wanted) {
    return good ? std::string() : fmt::format("{}: {} is not {}", place, value.dump(), wanted);
  };
  switch (type.kind) {
    case kBool:
      return unless(value.is_boolean(), "a bool");
    case kInt:
      return unless(value.is_number_integer(), "an int");
    case kFloat:
      return unless(value.is_number(), "a float");
    case kString:
      return unless(value.is_string(), "a string");
    case kObject:
      return unless(value.is_object(), "an object");
    case kNamed: {
      const auto found = types.find(type.name);
      return found == types.end() ? fmt::format("{}: no type {}", place, type.name)
                                  : mismatch(found->second, value, place);
    }
    case kOptional:
      return value.is_null() ? std::string() : mismatch(*type.of, value, place);
    case kList:
      if (!value.is_array()) return unless(false, "an array");
      for (const Json& element : value)
        if (auto bad = mismatch(*type.of, element, place + "[]"); !bad.empty()) return bad;
      return {};
    case kMap:
      if (!value.is_object()) return unless(false, "a map");
      for (const auto& [key, element] : value.items())
        if (auto bad = mismatch(*type.of, element, place + "." + key); !bad.empty()) return bad;
      return {};
    case kEnum:
      for (const auto& [name, nothing] : type.fields)
        if (value == Json(name)) return {};
      return unless(false, "one of the enum");
    case kStruct:
      break;
  }
  if (!value.is_object()) return unless(false, "an object");
  size_t known = 0;
  for (const auto& [name, field] : type.fields) {
    const auto found = value.find(name);
    if (found == value.end() && field->kind != kOptional) return fmt::format("{}: no field {}", place, name);
    if (found == value.end()) continue;
    ++known;
    if (auto bad = mismatch(*field, *found, place + "." + name); !bad.empty()) return bad;
  }
  return unless(known == value.size(), "documented: it has more fields");
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/wrap.h"

#include <algorithm>

namespace xdpfwd {
namespace {

constexpr size_t kWidth = 100;

}  // namespace

std::string wrapped(std::string_view text, size_t indent) {
  std::string result;
  size_t column = indent;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (column + word.size() > kWidth && column > indent) {
      while (result.ends_with(' ')) result.pop_back();
      result += '\n' + std::string(indent, ' ');
      column = indent;
    }
    result += word;
    column += word.size();
    text.remove_prefix(end);
    if (text.empty()) break;
    text.remove_prefix(1);
    result += ' ';
    ++column;
  }
  return result;
}

}  // namespace xdpfwd

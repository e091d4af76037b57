// SPDX-License-Identifier: BSD-2-Clause
#include "core/cpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace xdpfwd {
namespace {

constexpr uint32_t kWordBits = 32;
constexpr size_t kWordDigits = kWordBits / 4;

// All of `text` as a number.
bool read_number(std::string_view text, uint32_t& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

// Up to the next comma, which `rest` loses too.
std::string_view take_piece(std::string_view& rest) {
  const size_t end = std::min(rest.find(','), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

}  // namespace

Result<std::vector<uint32_t>> parse_cpus(std::string_view text) {
  std::vector<uint32_t> cpus;
  std::string_view rest = text;
  do {
    const bool more = rest.find(',') != std::string_view::npos;
    const std::string_view piece = take_piece(rest);
    const size_t dash = piece.find('-');
    uint32_t first = 0;
    uint32_t last = 0;
    if (!read_number(piece.substr(0, dash), first, 10) ||
        !read_number(dash == std::string_view::npos ? piece : piece.substr(dash + 1), last, 10) ||
        last < first || last >= kMostCpus || (more && rest.empty()))
      return fail(fmt::format("'{}' is not a list of CPUs", text), "write numbers and ranges, as in 0-3,8",
                  EINVAL);
    for (uint32_t cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    // Ranges that overlap again and again must not pile up.
    if (cpus.size() > kMostCpus) return fail("a list of CPUs has too many", "name each once", EINVAL);
  } while (!rest.empty());
  std::ranges::sort(cpus);
  cpus.erase(std::ranges::unique(cpus).begin(), cpus.end());
  return cpus;
}

Result<std::vector<uint32_t>> parse_cpu_list(std::string_view text) {
  return text.empty() ? std::vector<uint32_t>{} : parse_cpus(text);
}

Result<std::vector<uint32_t>> parse_cpu_mask(std::string_view text) {
  std::vector<uint32_t> words;  // the most significant first, as they are written
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view piece = take_piece(rest);
    uint32_t word = 0;
    if (piece.size() > kWordDigits || !read_number(piece, word, 16) || words.size() == kMostCpus / kWordBits)
      return fail(fmt::format("'{}' is no mask of CPUs", text), {}, EINVAL);
    words.push_back(word);
  }
  std::ranges::reverse(words);
  std::vector<uint32_t> cpus;
  for (uint32_t i = 0; i < words.size(); ++i)
    for (uint32_t bit = 0; bit < kWordBits; ++bit)
      if ((words[i] >> bit & 1) != 0) cpus.push_back(i * kWordBits + bit);
  return cpus;
}

std::string cpu_list_text(const std::vector<uint32_t>& cpus) {
  std::string text;
  for (size_t i = 0; i < cpus.size();) {
    size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[last]);
    i = last + 1;
  }
  return text;
}

std::string cpu_mask_text(const std::vector<uint32_t>& cpus) {
  if (cpus.empty()) return "0";
  std::vector<uint32_t> words(cpus.back() / kWordBits + 1);
  for (const uint32_t cpu : cpus) words[cpu / kWordBits] |= uint32_t{1} << (cpu % kWordBits);
  std::string text = fmt::format("{:x}", words.back());
  for (size_t i = words.size() - 1; i-- > 0;) text += fmt::format(",{:08x}", words[i]);
  return text;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
// Sets of CPUs in the two forms that people and the kernel write them: a list, "0-3,8", and a mask in words
// of 32 bits, "00000001,0000000f". Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xdpfwd {

// More than any kernel is built for (NR_CPUS): a larger number is a mistake, and would take memory.
inline constexpr uint32_t kMostCpus = 16384;

// All give the CPUs sorted, each once. An empty text is the empty set, but not where people have to name one.
Result<std::vector<uint32_t>> parse_cpus(std::string_view text);
Result<std::vector<uint32_t>> parse_cpu_list(std::string_view text);
Result<std::vector<uint32_t>> parse_cpu_mask(std::string_view text);

// As the kernel prints them; `cpus` sorted. The empty set is "" as a list and "0" as a mask.
std::string cpu_list_text(const std::vector<uint32_t>& cpus);
std::string cpu_mask_text(const std::vector<uint32_t>& cpus);

}  // namespace xdpfwd

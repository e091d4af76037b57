// SPDX-License-Identifier: BSD-2-Clause
// Texts that people and scripts see, kept as files under tests/golden: a change of one is seen in review.
// With XDPFWD_UPDATE_GOLDEN=1 in the environment the files are written instead of compared.
#pragma once

#include <string>
#include <string_view>

namespace xdpfwd {

void expect_golden(const std::string& name, std::string_view text);

}  // namespace xdpfwd

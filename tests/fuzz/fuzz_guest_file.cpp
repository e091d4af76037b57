// SPDX-License-Identifier: BSD-2-Clause
// Any text as the stored guests' file: refused, or read; and what was read is written and read the same
// again.
#include <cstdlib>

#include "core/guest_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto guests = xdpfwd::read_guest_file({reinterpret_cast<const char*>(data), size});
  if (!guests) return 0;
  const auto again = xdpfwd::read_guest_file(xdpfwd::write_guest_file(*guests));
  if (!again || again->size() != guests->size()) std::abort();
  for (size_t i = 0; i < guests->size(); ++i)
    if (!(*again)[i].same_as((*guests)[i])) std::abort();
  return 0;
}

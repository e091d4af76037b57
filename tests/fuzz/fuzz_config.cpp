// SPDX-License-Identifier: BSD-2-Clause
// Any text as a configuration file: it is refused with a place, or it makes an intent whose guests hold the
// rules.
#include <cstdlib>

#include "core/intent.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto config = xdpfwd::parse_config({{.file = "fuzz.toml", .text = text}});
  if (!config) {
    if (config.error().message.empty()) std::abort();
    return 0;
  }
  if (!xdpfwd::check_guests(config->guests)) std::abort();
  const auto intent = xdpfwd::make_intent(config->settings, config->guests);
  if (intent && intent->rows.size() > config->settings.max_entries) std::abort();
  return 0;
}

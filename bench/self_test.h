// SPDX-License-Identifier: BSD-2-Clause
// Generator and sink without anything between them: what they lose alone, no forwarder is to be blamed for.
// Every run on the host tier begins with it.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "base/result.h"
#include "bench/telemetry.h"

namespace xdpfwd::bench {

// The rates sent, met and lost, for the results' header; nothing that counts where it was interrupted. An
// error when this machine cannot be measured on.
Result<nlohmann::json> self_test(unsigned rx_cpu, unsigned tx_cpu, Telemetry& telemetry,
                                 const std::function<bool()>& interrupted);

}  // namespace xdpfwd::bench

// SPDX-License-Identifier: BSD-2-Clause
// Percentiles of latencies, as many as there are frames for.
#pragma once

#include "bench/result_file.h"
#include "pktgen/histogram.h"

namespace xdpfwd::bench {

// p50_us, p90_us, p99_us, p999_us, p9999_us, max_us. One that few frames are later than is left out: it is
// an accident. Nothing of no frames.
Metrics latency_figures(const pktgen::Histogram& latency_ns);

}  // namespace xdpfwd::bench

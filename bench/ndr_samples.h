// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of its searches becomes samples. Text and numbers only.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

// "measured CONTENDER SEARCH NDR FOUND PDR FOUND MOST_RECEIVED TRIALS", all rates in frames a second; and of
// each trial, before it, "trial CONTENDER SEARCH PPS DUE IN_TIME DELIVERED REFUSED LOOKED_USECS": of the
// frames that were due so many had arrived LOOKED_USECS at most after the last one was sent, so many in the
// end, and so many found the tap full. A search's sample tells the latest look among trials that lost
// nothing, as the percentage of a trial's frames that could wait in a queue unseen.
Result<std::vector<Sample>> ndr_samples(std::string_view log);

}  // namespace xdpfwd::bench

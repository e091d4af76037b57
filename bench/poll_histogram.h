// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of NAPI's polls, by how many packets each took: the histogram that article 4
// shows. Text and numbers only.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/instruction_marks.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

// "measured USECS REPETITION RECEIVED SENT ELAPSED_US" and the lines "polls USECS REPETITION WORK COUNT"
// behind it become a sample of the contender USECS, with the marks tx-usecs/USECS/REPETITION/begin and /end.
Result<std::vector<Sample>> poll_samples(std::string_view log, const InstructionMarks& marks);

}  // namespace xdpfwd::bench

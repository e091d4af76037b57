// SPDX-License-Identifier: BSD-2-Clause
// What the emulator counted: one line of JSON a mark, with the instructions of each virtual CPU since the
// start. And what the guest's script said it did between two marks. Text and numbers only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

struct VcpuCount {
  uint64_t all = 0;      // in every context
  uint64_t softirq = 0;  // inside softirq handling
  uint64_t softirqs = 0;
};
using InstructionMarks = std::map<std::string, std::vector<VcpuCount>>;  // by NAME/begin and NAME/end

Result<InstructionMarks> parse_marks(std::string_view text);

// No frame of this contender's is to arrive.
bool takes_nothing(std::string_view contender);

// "measured CONTENDER PPS GUESTS POLL REPETITION SENT ARRIVED USECS IN_TIME", with the marks
// CONTENDER/PPS/GUESTS/POLL/REPETITION/begin and /end, becomes a sample of the receiving CPU. Instructions
// are told for each frame that arrived; for each that was sent, where none is to arrive. The sender sent for
// USECS; when it was known to be done IN_TIME frames had arrived. "polled
// CONTENDER PPS GUESTS POLL HUNDREDTHS" before it says how many frames a poll took that found any; the first
// repetition tells it. Other lines are nothing; nor is a last line that an interruption cut off.
Result<std::vector<Sample>> samples_of_log(std::string_view log, const InstructionMarks& marks,
                                           size_t receiving_cpu, unsigned cpus);

}  // namespace xdpfwd::bench

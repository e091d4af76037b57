// SPDX-License-Identifier: BSD-2-Clause
// What a guest's script says of CPUs that send to one tap through a queueing discipline becomes samples. Text
// and numbers only.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/instruction_marks.h"
#include "bench/result_file.h"

namespace xdpfwd::bench {

// "measured DISCIPLINE CPUS WINDOW READ REFUSED DROPPED", then "OFFERED BEGAN ENDED" for each of the first
// CPUS virtual CPUs, with the marks DISCIPLINE/CPUS/WINDOW/begin and /end, becomes a sample of the contender
// DISCIPLINE. So many frames were read from the tap, refused by it, and dropped by the discipline; so many a
// CPU offered from one time to the other, in us. Window 0 warms up. Other lines are nothing; nor is a last
// line that an interruption cut off.
Result<std::vector<Sample>> qdisc_samples(std::string_view log, const InstructionMarks& marks);

}  // namespace xdpfwd::bench

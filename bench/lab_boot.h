// SPDX-License-Identifier: BSD-2-Clause
// One boot of the lab for a scenario: starts it with a script for the guest, tells the progress, ends it when
// the run is interrupted. What is made of the script's words and the instruction counts is the scenario's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/scenario.h"

namespace xdpfwd::bench {

struct LabBoot {
  unsigned cpus = 1;
  // Of instructions, CPU by CPU. Several CPUs run at once then, by this machine's clock. One, or several that
  // nothing is counted of, run in turns by a clock that counts instructions, so that runs repeat themselves.
  bool counts = true;
  std::string script;
  std::vector<std::string> arguments;
  std::string folder;       // for the log, and for what the guest leaves
  size_t measurements = 0;  // lines "measured ..." that it will say
};

struct LabWords {
  std::string log;
  std::string counts;            // of the instruction counter
  bool came_to_its_end = false;  // false: interrupted, or it failed; the words are those until then
};

// An error, too, when the script measured before generator and sink had proved that they lose nothing alone.
// `heard` is told the log whenever it says that something more was measured; its error ends the boot.
Result<LabWords> run_lab_boot(Run& run, const LabBoot& boot,
                              const std::function<Result<void>(const std::string& log)>& heard = {});
// Adds what is not among the run's results yet. An error, too, for a boot that was not interrupted, and yet
// did not come to its end.
Result<void> keep_samples(Run& run, const LabWords& words, const std::vector<Sample>& samples);
// Both at once, of a boot whose log alone says what was measured: kept as soon as it is said, so that it
// outlives a boot, or a harness, that comes to a bad end.
Result<void> measure_in_boot(
    Run& run, const LabBoot& boot,
    const std::function<Result<std::vector<Sample>>(std::string_view log)>& samples_of);

// "CONTENDER:FIRST" of each whose repetitions are not all there, from the first one that is missing on.
struct Left {
  std::string words;  // joined by commas, for a script
  size_t count = 0;   // of repetitions
};
Left left_of(const ResultFile& file, const std::vector<std::string>& contenders, unsigned repetitions);

// What a boot's log says of the guest: "environment NAME VALUE" by its script, and the emulator's version by
// the lab. A last line that is not whole is nothing.
std::map<std::string, std::string> guest_of_log(std::string_view log);

// Whether a boot's log, up to now, begins with a self-test: "self-test WHAT PPS SENT COUNTED" before the
// first line "measured ...", and of all that was sent without a forwarder all was counted, and no more.
Result<void> self_tested(std::string_view log);

// An error says why the lab cannot be used.
Result<void> probe_lab();

}  // namespace xdpfwd::bench

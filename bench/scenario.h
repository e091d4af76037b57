// SPDX-License-Identifier: BSD-2-Clause
// What every scenario is: a question, answered by samples in a result file, and how its answer is shown. One
// file a scenario, in scenarios/: it registers itself by a static RegisteredScenario.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/aim.h"
#include "bench/contender.h"
#include "bench/progress.h"
#include "bench/ratio.h"
#include "bench/result_file.h"
#include "bench/telemetry.h"

namespace xdpfwd::bench {

struct RunOptions {
  bool quick = false;
  std::string out;
  std::vector<std::string> contenders;  // by --contender; empty = all that the scenario takes
  unsigned repetitions = 0;             // 0 = the scenario's own
  unsigned rx_cpu = 1;
  unsigned tx_cpu = 0;
};

// What a scenario works with.
struct Run {
  const RunOptions& options;
  ResultFile& file;
  Progress& progress;
  Telemetry* telemetry = nullptr;  // of the host tier
  std::function<bool()> interrupted;

  [[nodiscard]] unsigned repetitions(unsigned full = 10, unsigned quick = 3) const {
    if (options.repetitions != 0) return options.repetitions;
    return options.quick ? quick : full;
  }
};

// What somebody else published of the same, of a machine of his own: drawn beside, in no ratio.
struct Published {
  std::string name;
  Point rest;  // in the plot of these other coordinates
  std::vector<std::pair<double, double>> points;
};

// A plot: `metric` over the coordinate `x`, a line a contender; or bars, when x is empty. One for each value
// of the other coordinates.
struct Plot {
  std::string title;
  std::string x;
  std::string x_label;
  std::string metric;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::string base = {};  // a contender whose median is taken off from all others, as with a Ratio
  std::vector<Published> published = {};
};

// Bars whose parts add up: a group for each value of `x`, in it one a contender. One chart for each value of
// the other coordinates.
struct Stack {
  struct Part {
    std::string metric;
    std::string name;
  };
  std::string title;
  std::string x;
  std::string x_label;
  std::string y_label;
  std::vector<Part> parts;
};

enum class Tier { kHost, kLab };

struct ScenarioKind {
  std::string name;
  std::string summary;
  Tier tier = Tier::kHost;
  std::function<Result<void>(Run&)> run;
  std::vector<Plot> plots = {};
  std::vector<Stack> stacks = {};
  std::vector<Ratio> ratios = {};
  std::vector<std::string> table = {};  // the metrics worth a column
  // The last line of `run --json`; empty: the ratios.
  std::function<nlohmann::json(const ResultSet&)> json_line = {};
  // What has to be told beside the figures, a line each.
  std::function<std::vector<std::string>(const ResultSet&)> caveats = {};
  // Samples that the ratios leave out.
  Refusal refusal = {};
  // What the project promises of these results, and whether they hold it.
  std::function<std::vector<Aim>(const ResultSet&)> aims = {};
  // What --contender may choose from. Unset: the contenders of 'list'. Asked once all have registered.
  std::function<std::vector<std::string>()> contenders = {};
  int order = 100;
};

const std::vector<ScenarioKind>& scenario_kinds();
const ScenarioKind* find_scenario(const std::string& name);

struct RegisteredScenario {
  explicit RegisteredScenario(ScenarioKind kind);
};

// There is nothing to choose.
std::vector<std::string> no_contenders();
// An error says which of --contender the scenario cannot have.
Result<void> check_contenders(const ScenarioKind& kind, const std::vector<std::string>& chosen);
// Those of a scenario's own that --contender chooses; all, where it chooses none. NAME chooses NAME:2, too.
std::vector<std::string> chosen_of(const RunOptions& options, std::vector<std::string> all);

// A contender that cannot be measured: told, and kept with the results.
void leave_out(Run& run, const std::string& contender, const Error& why);

// The contenders of this run that this machine can have. Those that it cannot are noted with the reason.
std::vector<const ContenderKind*> present_contenders(Run& run,
                                                     const std::function<bool(const ContenderKind&)>& wanted);

}  // namespace xdpfwd::bench

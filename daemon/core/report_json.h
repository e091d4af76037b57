// SPDX-License-Identifier: BSD-2-Clause
// Reports as JSON objects and back: what the daemon sends and xdpctl reads. The fields are those of the types
// in protocol_interface.cpp, which is the documentation of the schema; a test holds the two together.
#pragma once

#include "core/json_reader.h"
#include "core/report.h"

namespace xdpfwd {

Json to_json(const Problem& problem);
Json to_json(const MemberReport& member);
Json to_json(const PortReport& port);
Json to_json(const GuestReport& guest);
Json to_json(const FdbReport& row);
Json to_json(const StatusReport& status);
Json to_json(const StatsReport& stats);
Json to_json(const PlanReport& plan);
Json to_json(const TuningChange& change);
Json to_json(const TuningReport& tuning);

// Unknown fields are left alone: a newer daemon may tell more.
Result<StatusReport> read_status(const Json& parameters);
Result<StatsReport> read_stats(const Json& parameters);
Result<PlanReport> read_plan(const Json& parameters);
Result<TuningReport> read_tuning(const Json& parameters);
Result<std::vector<GuestReport>> read_guests(const Json& parameters);
Result<std::vector<FdbReport>> read_fdb(const Json& parameters);
Result<FdbReport> read_fdb_row(const Json& row);
Result<std::vector<PortReport>> read_ports(const Json& parameters);

}  // namespace xdpfwd

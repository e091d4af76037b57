// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/doctor.h"

#include <algorithm>

#include "core/effect_json.h"
#include "core/report_json.h"
#include "core/report_names.h"
#include "ctl/client.h"
#include "ctl/render_effect.h"
#include "doctor/examine.h"
#include "kernel/host_facts.h"
#include "sources/files.h"
#include "sources/guest_store.h"

namespace xdpfwd {
namespace {

struct Told {
  std::optional<StatusReport> status;
  std::vector<Guest> guests;
};

// What the daemon says, as far as one answers.
Told ask_daemon(const std::string& socket) {
  Told told;
  auto client = Client::connect(socket);
  if (!client) return told;
  if (const auto answer = client->ask("GetStatus"))
    if (auto status = read_status(*answer)) told.status = std::move(*status);
  (void)client->ask_more("ListGuests", [&](const Json& parameters) -> Result<void> {
    auto guests = read_guests(parameters);
    if (!guests) return std::unexpected(guests.error());
    for (GuestReport& guest : *guests) told.guests.push_back(std::move(guest.guest));
    return {};
  });
  return told;
}

Finding refused_configuration(const Error& error) {
  return {.verdict = Verdict::kFail,
          .check = "configuration",
          .thing = "xdpfwd",
          .what = error.message,
          .remedy = error.remedy};
}

}  // namespace

int run_doctor(const Session& session, const std::string& config_file) {
  Told told = ask_daemon(session.socket);
  std::vector<Finding> findings;
  Examined examined;
  std::string file = config_file;
  if (file.empty())
    file = told.status && !told.status->config_files.empty() ? told.status->config_files.front()
                                                             : std::string(kDefaultConfigFile);
  const auto texts = read_config_files(file);
  auto config = texts ? parse_config(*texts) : Result<Config>(std::unexpected(texts.error()));
  if (config) {
    examined.settings = std::move(config->settings);
    examined.guests = std::move(config->guests);
    findings.push_back({.verdict = Verdict::kPass,
                        .check = "configuration",
                        .thing = file,
                        .what = "can be read",
                        .remedy = {}});
  } else {
    // The kernel can be looked at all the same.
    findings.push_back(refused_configuration(config.error()));
  }
  if (told.status) {
    examined.guests = std::move(told.guests);
  } else if (config) {
    // Those that xdpctl added.
    GuestStore::Loaded stored = GuestStore(examined.settings.state_dir).load();
    std::ranges::move(stored.guests, std::back_inserter(examined.guests));
  }
  examined.daemon = std::move(told.status);
  examined.facts = read_host_facts(examined.settings, examined.guests);
  std::ranges::move(examine(examined), std::back_inserter(findings));

  Verdict worst = Verdict::kPass;
  for (const Finding& finding : findings) worst = std::max(worst, finding.verdict);
  std::string text;
  if (session.json) {
    Json list = Json::array();
    for (const Finding& finding : findings) list.push_back(to_json(finding));
    const Json whole = {{"verdict", name_of(worst)}, {"findings", std::move(list)}};
    text = whole.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  } else {
    text = render_findings(findings, {.colour = session.colour});
  }
  std::fwrite(text.data(), 1, text.size(), session.out);
  return static_cast<int>(worst);
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "shell/guest_set.h"

#include <fmt/format.h>

#include <algorithm>

namespace xdpfwd {
namespace {

// The names and keys that are taken, for a quick question.
class Claims {
 public:
  explicit Claims(const std::vector<Guest>& guests) {
    for (const Guest& guest : guests) {
      names_.push_back(guest.name);
      for (const VlanTag vlan : guest.vlans)
        for (const MacAddress mac : guest.macs) keys_.push_back(FdbKey::make(mac, vlan));
    }
    std::ranges::sort(names_);
    std::ranges::sort(keys_);
  }

  // What of the guest is taken; empty if nothing.
  [[nodiscard]] std::string conflict(const Guest& guest) const {
    if (std::ranges::binary_search(names_, guest.name)) return fmt::format("the name {}", guest.name);
    for (const VlanTag vlan : guest.vlans)
      for (const MacAddress mac : guest.macs)
        if (const FdbKey key = FdbKey::make(mac, vlan); std::ranges::binary_search(keys_, key))
          return key.text();
    return {};
  }

 private:
  std::vector<std::string> names_;
  std::vector<FdbKey> keys_;
};

}  // namespace

void GuestSet::set_files(std::vector<Guest> guests) {
  files_ = std::move(guests);
}
void GuestSet::set_stored(std::vector<Guest> guests) {
  stored_ = std::move(guests);
}

void GuestSet::add(Guest guest, GuestSource source) {
  (source == GuestSource::kEphemeral ? ephemeral_ : stored_).push_back(std::move(guest));
}

bool GuestSet::remove(const std::string& name) {
  const auto named = [&](const Guest& guest) { return guest.name == name; };
  std::erase_if(standing_back_, [&](const Standing& standing) { return standing.name == name; });
  return std::erase_if(stored_, named) + std::erase_if(ephemeral_, named) > 0;
}

void GuestSet::yield_to_files() {
  if (stored_.empty() && ephemeral_.empty()) return;
  const Claims claims(files_);
  standing_back_.clear();
  for (const auto* added : {&stored_, &ephemeral_})
    for (const Guest& guest : *added)
      if (std::string taken = claims.conflict(guest); !taken.empty())
        standing_back_.push_back({.name = guest.name, .taken = std::move(taken)});
}

void GuestSet::return_where_free() {
  if (standing_back_.empty()) return;
  std::vector<std::string> before;
  before.reserve(standing_back_.size());
  for (const Standing& standing : standing_back_) before.push_back(standing.name);
  yield_to_files();
  std::erase_if(standing_back_, [&](const Standing& standing) {
    return std::ranges::find(before, standing.name) == before.end();
  });
}

std::vector<Problem> GuestSet::conflicts() const {
  std::vector<Problem> problems;
  problems.reserve(standing_back_.size());
  for (const auto& [name, taken] : standing_back_)
    problems.push_back({.thing = fmt::format("guest {}, added by xdpctl", name),
                        .why = fmt::format("a configuration file has taken {}; the file wins", taken),
                        .remedy = fmt::format("xdpctl guest del {}, or correct the file and reload", name),
                        .retry_ms = {}});
  return problems;
}

std::vector<Guest> GuestSet::active() const {
  std::vector<Guest> guests = files_;
  for (const auto* added : {&stored_, &ephemeral_})
    for (const Guest& guest : *added)
      if (std::ranges::find(standing_back_, guest.name, &Standing::name) == standing_back_.end())
        guests.push_back(guest);
  return guests;
}

const Guest* GuestSet::find_in_files(const std::string& name) const {
  const auto at = std::ranges::find(files_, name, &Guest::name);
  return at == files_.end() ? nullptr : &*at;
}

const Guest* GuestSet::find_added(const std::string& name, GuestSource* source) const {
  for (const auto* added : {&stored_, &ephemeral_}) {
    const auto at = std::ranges::find(*added, name, &Guest::name);
    if (at == added->end()) continue;
    if (source) *source = added == &stored_ ? GuestSource::kControl : GuestSource::kEphemeral;
    return &*at;
  }
  return nullptr;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/guest_json.h"

#include <algorithm>

#include "core/guest_fields.h"

namespace xdpfwd {

Json to_json(const Guest& guest) {
  Json macs = Json::array();
  for (const MacAddress& mac : guest.macs) macs.push_back(mac.text());
  Json vlans = Json::array();
  for (const VlanTag vlan : guest.vlans) vlans.push_back(vlan.id());
  Json json = {
      {"name", guest.name},        {"tap", guest.tap.text()},           {"macs", std::move(macs)},
      {"vlans", std::move(vlans)}, {"tpid", tpid_text(tpid_of(guest))}, {"mode", mode_text(guest.keep_tag)}};
  if (guest.profile) json["profile"] = profile_text(*guest.profile);
  if (guest.cpu) json["cpu"] = *guest.cpu;
  return json;
}

Guest read_guest(JsonReader& reader) {
  Guest guest;
  guest.name = reader.take("name", parse_guest_name(reader.text("name")));
  guest.tap = reader.take("tap", InterfaceName::parse(reader.text("tap")));
  for (const std::string& text : reader.texts("macs"))
    guest.macs.push_back(reader.take("macs", parse_guest_mac(text)));
  const auto tpid = reader.take("tpid", parse_tpid(reader.text_or("tpid", "802.1q")));
  reader.elements("vlans", [&](const Json& element, const std::string& place) {
    if (!element.is_number_integer())
      return reader.refuse(fail(place + " must be an integer, not " + std::string(json_type(element)),
                                "write 1 to 4094, or 0 for untagged"));
    const bool huge = element.is_number_unsigned() && element.get<uint64_t>() > VlanTag::kMaxId;
    guest.vlans.push_back(
        reader.take("vlans", make_guest_vlan(huge ? VlanTag::kMaxId + 1 : element.get<int64_t>(), tpid)));
  });
  guest.keep_tag = reader.take("mode", parse_mode(reader.text_or("mode", "access")));
  guest.profile = reader.take("profile", parse_guest_profile(reader.text_or("profile", "inherit")));
  if (const auto cpu = reader.optional_count("cpu"))
    guest.cpu =
        reader.take("cpu", parse_guest_cpu(static_cast<int64_t>(std::min<uint64_t>(*cpu, INT64_MAX))));
  if (guest.macs.empty()) reader.refuse("macs", {"is empty", "give at least one MAC address", 0});
  if (guest.vlans.empty()) reader.refuse("vlans", {"is empty", "give at least one VLAN; 0 is untagged", 0});
  return guest;
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace xdpfwd {
namespace {

constexpr std::array<std::string_view, 3> kVlanTag = {"auto", "hint", "frame"};
constexpr std::array<std::string_view, 2> kXdpMode = {"native", "generic"};
constexpr std::array<std::string_view, 2> kPromisc = {"auto", "off"};
constexpr std::array<std::string_view, 2> kReflected = {"pass", "drop"};
constexpr std::array<std::string_view, 5> kLogLevel = {"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kTpid = {"802.1q", "802.1ad"};
constexpr std::array<std::string_view, 2> kMode = {"access", "trunk"};

// sun_path holds 108 bytes with the terminating NUL.
constexpr int64_t kLongestSocketPath = 107;
constexpr int64_t kLongestPath = 4095;
constexpr int64_t kLongestGroup = 32;
constexpr int64_t kLongestGuestName = 64;

constexpr std::array<Section, 6> kSections = {{
    {"uplink", "the NICs that frames come from"},
    {"fdb", "the forwarding table"},
    {"daemon", "where xdpfwd keeps things"},
    {"control", "the socket that xdpctl talks to"},
    {"log", "what is logged"},
    {"guest", "one guest NIC: which frames go to which tap"},
}};

const std::array<Option, 18> kOptions = {{
    {.section = "uplink",
     .key = "devices",
     .type = OptionType::kInterfaces,
     .default_text = "",
     .field = &Settings::devices,
     .help = "bonds or NICs that guests' frames come from",
     .explanation = "For a bond, the program runs on each of its members, and members that join or leave are "
                    "followed. A NIC that is in no bond is named directly. A name that does not exist yet is "
                    "waited for and shown by 'xdpctl status'.",
     .example = "devices = [\"bond0\"]"},
    {.section = "uplink",
     .key = "vlan_tag",
     .type = OptionType::kChoice,
     .default_text = "\"auto\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.vlan_tag = static_cast<VlanTagSource>(i); }},
     .choices = kVlanTag,
     .help = "where the program finds a frame's VLAN tag",
     .explanation = "'frame': in the frame; the NIC's rxvlan offload is turned off. 'hint': in the receive "
                    "descriptor (Linux 6.8 and a driver with bpf_xdp_metadata_rx_vlan_tag); rxvlan stays on. "
                    "'auto': for each member 'hint' where it works, otherwise 'frame'.",
     .example = "vlan_tag = \"frame\""},
    {.section = "uplink",
     .key = "xdp_mode",
     .type = OptionType::kChoice,
     .default_text = "\"native\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.xdp_mode = static_cast<XdpMode>(i); }},
     .choices = kXdpMode,
     .help = "native XDP in the driver, or generic XDP in the stack",
     .explanation =
         "Generic XDP runs after the kernel has built an skb: it works with every NIC and is slow. It "
         "is never fallen back to: a driver without native XDP is reported as a problem instead.",
     .example = "xdp_mode = \"generic\""},
    {.section = "uplink",
     .key = "reflected",
     .type = OptionType::kChoice,
     .default_text = "\"pass\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.drop_reflected = i == 1; }},
     .choices = kReflected,
     .help = "what happens to our own guests' frames that come back from the wire",
     .explanation =
         "A switch that floods, or a loop, sends a guest's broadcast back to us, and a bridge then "
         "learns the guest on the wrong port. Only frames about to pass to the stack are looked at: "
         "broadcast, multicast and unknown unicast. They are counted either way.",
     .example = "reflected = \"drop\""},
    {.section = "uplink",
     .key = "promisc",
     .type = OptionType::kChoice,
     .default_text = "\"auto\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.promisc = i == 0; }},
     .choices = kPromisc,
     .help = "whether members are set promiscuous, so that guests' frames get past the NIC's filter",
     .explanation =
         "A NIC drops frames for MACs and VLANs that it does not know before XDP sees them. A bridge "
         "or Open vSwitch on the bond sets its members promiscuous. 'auto': a member that nobody else "
         "wants promiscuous is set so while it is a member. 'off': the NIC is left alone, for instance "
         "where steering rules or filters let the guests' frames in.",
     .example = "promisc = \"off\""},
    {.section = "uplink",
     .key = "relearn",
     .type = OptionType::kInteger,
     .default_text = "60",
     .field = &Settings::relearn_s,
     .min = 0,
     .max = 3600,
     .help = "seconds after which a frame of each sender passes through the bridge; 0: never",
     .explanation =
         "A bridge or Open vSwitch learns where a sender is from the frames that it sees, and forgets "
         "it after 300 s by default; then it floods what guests send there. Where the uplink and a "
         "guest's tap are in one bridge, a frame of each sender takes that way now and then. It "
         "arrives all the same. Keep it well below the bridge's ageing time.",
     .example = "relearn = 20"},
    {.section = "fdb",
     .key = "max_entries",
     .type = OptionType::kInteger,
     .default_text = "65536",
     .field = &Settings::max_entries,
     .min = 1,
     .max = 16777216,
     .help = "rows that the forwarding table can hold, one for each (VLAN, MAC)",
     .explanation =
         "Memory is taken for all rows when the table is made, about 100 bytes each. A reload with "
         "another size makes a new table and puts it in place without losing a frame.",
     .example = "max_entries = 1000000"},
    {.section = "daemon",
     .key = "bpffs",
     .type = OptionType::kPath,
     .default_text = "\"/sys/fs/bpf/xdpfwd\"",
     .field = &Settings::bpffs,
     .min = 1,
     .max = kLongestPath,
     .on_reload = false,
     .help = "directory on a BPF file system where programs and tables are pinned",
     .explanation =
         "What is pinned here goes on forwarding when the daemon stops, and is adopted when it starts. "
         "Two daemons need two directories.",
     .example = "bpffs = \"/sys/fs/bpf/xdpfwd-test\""},
    {.section = "daemon",
     .key = "state_dir",
     .type = OptionType::kPath,
     .default_text = "\"/var/lib/xdpfwd\"",
     .field = &Settings::state_dir,
     .min = 1,
     .max = kLongestPath,
     .on_reload = false,
     .help = "directory where guests added by 'xdpctl guest add' are kept",
     .explanation = "They are in guests.json there. A file that cannot be read is set aside as "
                    "guests.json.corrupt-N and reported; the daemon starts without it.",
     .example = "state_dir = \"/srv/xdpfwd\""},
    {.section = "control",
     .key = "socket",
     .type = OptionType::kPath,
     .default_text = "\"/run/xdpfwd/control.sock\"",
     .field = &Settings::socket,
     .min = 1,
     .max = kLongestSocketPath,
     .on_reload = false,
     .help = "unix socket that xdpctl talks to",
     .explanation =
         "It speaks varlink: 'varlinkctl introspect' shows what can be asked. Its mode is 0660. xdpctl finds "
         "another place by $XDPFWD_SOCKET, and so does 'systemctl reload': set it in the unit's "
         "Environment= too.",
     .example = "socket = \"/run/xdpfwd/test.sock\""},
    {.section = "control",
     .key = "group",
     .type = OptionType::kText,
     .default_text = "\"\"",
     .field = &Settings::socket_group,
     .min = 0,
     .max = kLongestGroup,
     .on_reload = false,
     .help = "group whose members may use the socket; empty: the daemon's own group",
     .explanation =
         "Because the socket's mode is 0660, members of its group can connect, and they may read and "
         "write: adding a guest decides who gets whose frames, so choose the group with care.",
     .example = "group = \"libvirt\""},
    {.section = "log",
     .key = "level",
     .type = OptionType::kChoice,
     .default_text = "\"info\"",
     .field = &Settings::log_level,
     .choices = kLogLevel,
     .help = "the least serious messages that are logged",
     .explanation = "'debug' tells each step that is applied, 'trace' also each look at the kernel.",
     .example = "level = \"debug\""},
    {.section = "guest",
     .key = "name",
     .type = OptionType::kText,
     .default_text = "",
     .field = {},
     .min = 1,
     .max = kLongestGuestName,
     .help = "name of the guest NIC, used by xdpctl and in messages",
     .explanation =
         "Any text without spaces and control characters that does not start with '-'. It is given only "
         "once, in all files and 'xdpctl guest add' together.",
     .example = "name = \"vm1\""},
    {.section = "guest",
     .key = "tap",
     .type = OptionType::kInterface,
     .default_text = "",
     .field = {},
     .help = "tap interface that the frames go to",
     .explanation = "It need not exist yet. Frames are redirected only while it exists, is up and a process "
                    "(QEMU) reads it; otherwise they pass to the stack.",
     .example = "tap = \"tap1\""},
    {.section = "guest",
     .key = "mac",
     .type = OptionType::kMacs,
     .default_text = "",
     .field = {},
     .help = "the guest's MAC address, or several",
     .explanation = "Each MAC on each VLAN is a row of the forwarding table, and can lead to one tap only.",
     .example = "mac = [\"52:54:00:00:00:01\", \"52:54:00:00:00:02\"]"},
    {.section = "guest",
     .key = "vlan",
     .type = OptionType::kVlans,
     .default_text = "",
     .field = {},
     .help = "VLAN that the guest is on, or several: 1 to 4094 or \"untagged\"",
     .explanation =
         "\"untagged\" (or 0) takes frames without a tag and priority-tagged ones. There is no default: "
         "a forgotten VLAN would put a guest into the wrong network.",
     .example = "vlan = [100, 200]"},
    {.section = "guest",
     .key = "tpid",
     .type = OptionType::kChoice,
     .default_text = "\"802.1q\"",
     .field = {},
     .choices = kTpid,
     .help = "kind of VLAN tag: 802.1q (0x8100) or 802.1ad (0x88a8)",
     .explanation = "With 802.1ad the outer (service) tag is looked at; an inner tag stays in the frame.",
     .example = "tpid = \"802.1ad\""},
    {.section = "guest",
     .key = "mode",
     .type = OptionType::kChoice,
     .default_text = "\"access\"",
     .field = {},
     .choices = kMode,
     .help = "access: the tag is taken off; trunk: the guest gets the frame with its tag",
     .explanation = "A trunk guest sees the VLANs and needs VLAN interfaces of its own.",
     .example = "mode = \"trunk\""},
}};

}  // namespace

std::string Option::path() const {
  return fmt::format("{}.{}", section, key);
}

std::span<const Section> sections() {
  return kSections;
}
std::span<const Option> options() {
  return kOptions;
}

const Option* find_option(std::string_view section, std::string_view key) {
  for (const Option& option : kOptions)
    if (option.key == key && option.section == section) return &option;
  return nullptr;
}

const Option* find_option(std::string_view path) {
  const size_t dot = path.find('.');
  return dot == std::string_view::npos ? nullptr : find_option(path.substr(0, dot), path.substr(dot + 1));
}

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> names;
  names.reserve(kSections.size());
  for (const Section& section : kSections) names.push_back(section.name);
  return names;
}

std::vector<std::string_view> keys_of(std::string_view section) {
  std::vector<std::string_view> keys;
  for (const Option& option : kOptions)
    if (option.section == section) keys.push_back(option.key);
  return keys;
}

std::string type_text(const Option& option) {
  switch (option.type) {
    case OptionType::kText:
      return "a string";
    case OptionType::kPath:
      return "a string, an absolute path";
    case OptionType::kInteger:
      return fmt::format("an integer, {} to {}", option.min, option.max);
    case OptionType::kChoice:
      return fmt::format("one of \"{}\"", fmt::join(option.choices, "\", \""));
    case OptionType::kInterface:
      return "a string, an interface name";
    case OptionType::kInterfaces:
      return "an array of interface names";
    case OptionType::kMacs:
      return "a MAC address, or an array of them";
    case OptionType::kVlans:
      return "an integer 0 to 4094, \"untagged\", or an array of them";
  }
  return {};
}

}  // namespace xdpfwd

// SPDX-License-Identifier: BSD-2-Clause
#include "core/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

constexpr std::array<std::string_view, 3> kVlanTag = {"auto", "hint", "frame"};
constexpr std::array<std::string_view, 2> kXdpMode = {"native", "generic"};
constexpr std::array<std::string_view, 2> kPromisc = {"auto", "off"};
constexpr std::array<std::string_view, 2> kReflected = {"pass", "drop"};
constexpr std::array<std::string_view, 5> kLogLevel = {"trace", "debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 3> kApply = {"off", "manual", "auto"};
constexpr std::array<std::string_view, 2> kOnStop = {"keep", "revert"};
constexpr std::array<std::string_view, 4> kProfile = {"none", "latency", "balanced", "throughput"};
constexpr std::array<std::string_view, 2> kOnOff = {"on", "off"};
constexpr std::array<std::string_view, 2> kAutoKeep = {"auto", "keep"};
constexpr std::array<std::string_view, 1> kKeep = {"keep"};
constexpr std::array<std::string_view, 1> kAuto = {"auto"};
constexpr std::array<std::string_view, 4> kSwitch = {"auto", "keep", "off", "on"};
constexpr std::array<std::string_view, 2> kBanKeep = {"ban", "keep"};
constexpr std::array<std::string_view, 2> kOffKeep = {"off", "keep"};
constexpr std::array<std::string_view, 3> kNoQueue = {"taps", "host", "off"};
constexpr std::array<std::string_view, 2> kNoYes = {"no", "yes"};
constexpr std::array<std::string_view, 5> kGuestProfile = {"inherit", "none", "latency", "balanced",
                                                           "throughput"};
constexpr std::array<std::string_view, 2> kTpid = {"802.1q", "802.1ad"};
constexpr std::array<std::string_view, 2> kMode = {"access", "trunk"};

// sun_path holds 108 bytes with the terminating NUL.
constexpr int64_t kLongestSocketPath = 107;
constexpr int64_t kLongestPath = 4095;
constexpr int64_t kLongestGroup = 32;
constexpr int64_t kLongestGuestName = 64;
constexpr int64_t kMostChannels = 4096;      // MAX_NUM_QUEUE of <linux/ethtool.h>
constexpr int64_t kMostDescriptors = 65536;  // no driver has larger rings
constexpr int64_t kLongestDelay = 100000;    // microseconds; longer is no coalescing any more
constexpr int64_t kMostFrames = 65535;
constexpr int64_t kMostEmptyPolls = 1'000'000;

constexpr std::array<Section, 7> kSections = {{
    {"uplink", "the NICs that frames come from"},
    {"fdb", "the forwarding table"},
    {"daemon", "where xdpfwd keeps things"},
    {"control", "the socket that xdpctl talks to"},
    {"log", "what is logged"},
    {"tuning", "the knobs of the NICs, the taps and the host"},
    {"guest", "one guest NIC: which frames go to which tap"},
}};

const std::array<Option, 46> kOptions = {{
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
     .explanation = "Memory is taken for all rows when the table is made, 64 bytes each. A reload with "
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
    {.section = "tuning",
     .key = "apply",
     .type = OptionType::kChoice,
     .default_text = "\"manual\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.apply = static_cast<TuningApply>(i); }},
     .choices = kApply,
     .help = "when the knobs below are set: never, when asked, or at once and ever again",
     .explanation =
         "'manual': nothing is changed until 'xdpctl tune apply'; 'xdpctl tune plan' shows what it would "
         "change and why. 'auto': applied at each start and reload, and again when something resets it. "
         "What was there before is kept in the state directory and put back by 'xdpctl tune revert'.",
     .example = "apply = \"auto\""},
    {.section = "tuning",
     .key = "on_stop",
     .type = OptionType::kChoice,
     .default_text = "\"keep\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.revert_on_stop = i == 1; }},
     .choices = kOnStop,
     .help = "whether stopping the daemon puts back what tuning changed",
     .explanation =
         "'keep' suits restarts and upgrades: forwarding goes on without the daemon, and the tuning with it. "
         "Only what xdpfwd set is put back, and nothing that somebody else has changed since.",
     .example = "on_stop = \"revert\""},
    {.section = "tuning",
     .key = "profile",
     .type = OptionType::kChoice,
     .default_text = "\"balanced\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.profile = static_cast<Profile>(i); }},
     .choices = kProfile,
     .help = "what interrupt coalescing is aimed at",
     .explanation =
         "'latency': a received frame interrupts at once. 'balanced': within 16 us or 32 frames. "
         "'throughput': within 50 us or 64 frames, a full poll. All three let transmit completions wait as "
         "long as TCP allows, since only receiving is felt as latency, and turn adaptive moderation off, "
         "which costs CPU to recalculate. 'none': coalescing is left alone but for keys given below.",
     .example = "profile = \"latency\""},
    {.section = "tuning",
     .key = "steering",
     .type = OptionType::kChoice,
     .default_text = "\"on\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.steering = i == 0; }},
     .choices = kOnOff,
     .help = "whether the NIC puts each guest's frames into one receive queue",
     .explanation =
         "One rule a MAC, so that one CPU fills a tap's ring and none waits for its lock. Rules that others "
         "made are left alone. Guests beyond the NIC's table are spread over all queues as before, and so "
         "are all guests where the NIC has no such rules.",
     .example = "steering = \"off\""},
    {.section = "tuning",
     .key = "cpus",
     .type = OptionType::kCpus,
     .default_text = "\"auto\"",
     .field = &TuningSettings::cpus,
     .choices = kAutoKeep,
     .help = "CPUs that serve the queues' interrupts, one a queue: a list, \"auto\" or \"keep\"",
     .explanation =
         "'auto': those of the NIC's NUMA node first, then the others, a core's second thread after all of "
         "its node's cores; none that the host has isolated (isolcpus, nohz_full, cpusets). With a list, "
         "queue 0 gets the first CPU of it, and so on, round again when there are more queues. 'keep': "
         "interrupts stay where they are.",
     .example = "cpus = \"2-5,10\""},
    {.section = "tuning",
     .key = "irqbalance",
     .type = OptionType::kChoice,
     .default_text = "\"ban\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.ban_irqbalance = i == 0; }},
     .choices = kBanKeep,
     .help = "whether a running irqbalance is told to leave the queues' interrupts alone",
     .explanation = "It would move them again every ten seconds. It is told over its own socket, and told to "
                    "take them back by a revert.",
     .example = "irqbalance = \"keep\""},
    {.section = "tuning",
     .key = "channels",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"keep\"",
     .field = &TuningSettings::channels,
     .min = 1,
     .max = kMostChannels,
     .choices = kAutoKeep,
     .help = "queues of each NIC: a number, \"auto\" (one for each CPU in cpus) or \"keep\"",
     .explanation = "Changing it resets the NIC, which is without link for up to seconds; members of a bond "
                    "are done one "
                    "after the other. Where guests also send through XDP, drivers need a queue for each CPU.",
     .example = "channels = 8"},
    {.section = "tuning",
     .key = "ring_rx",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"keep\"",
     .field = &TuningSettings::ring_rx,
     .min = 1,
     .max = kMostDescriptors,
     .choices = kKeep,
     .help = "descriptors of each receive ring, or \"keep\"",
     .explanation =
         "A short ring can be faster, because its buffers stay in the cache: the XDP benchmarks of the "
         "kernel "
         "community saw 46 instead of 30 million packets a second with 256 instead of 1024 on six queues. It "
         "also overflows sooner. Changing it resets the NIC.",
     .example = "ring_rx = 256"},
    {.section = "tuning",
     .key = "ring_tx",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"keep\"",
     .field = &TuningSettings::ring_tx,
     .min = 1,
     .max = kMostDescriptors,
     .choices = kKeep,
     .help = "descriptors of each transmit ring, or \"keep\"",
     .explanation =
         "Changing it resets the NIC. It must hold what is sent while completions wait (tx_usecs).",
     .example = "ring_tx = 2048"},
    {.section = "tuning",
     .key = "adaptive_rx",
     .type = OptionType::kChoice,
     .default_text = "\"auto\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.adaptive_rx = static_cast<Switch>(i); }},
     .choices = kSwitch,
     .help = "adaptive moderation of receive interrupts: \"auto\" is what the profile says",
     .explanation = "The driver then chooses usecs and frames itself, and the keys for them have no effect. "
                    "Switching it makes drivers forget those values, so they are set again after it.",
     .example = "adaptive_rx = \"on\""},
    {.section = "tuning",
     .key = "adaptive_tx",
     .type = OptionType::kChoice,
     .default_text = "\"auto\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.adaptive_tx = static_cast<Switch>(i); }},
     .choices = kSwitch,
     .help = "adaptive moderation of transmit interrupts: \"auto\" is what the profile says",
     .explanation = "The driver then chooses usecs and frames itself, and the keys for them have no effect. "
                    "Switching it makes drivers forget those values, so they are set again after it.",
     .example = "adaptive_tx = \"keep\""},
    {.section = "tuning",
     .key = "rx_usecs",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::rx_usecs,
     .min = 0,
     .max = kLongestDelay,
     .choices = kAutoKeep,
     .help = "longest time that a received frame waits for its interrupt, in microseconds",
     .explanation = "'auto' is what the profile says. Each microsecond is latency for guests; each interrupt "
                    "saved is CPU time.",
     .example = "rx_usecs = 20"},
    {.section = "tuning",
     .key = "rx_frames",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::rx_frames,
     .min = 0,
     .max = kMostFrames,
     .choices = kAutoKeep,
     .help = "received frames after which the interrupt comes at once",
     .explanation = "'auto' is what the profile says. 64 is what one poll takes, so that more only wait.",
     .example = "rx_frames = 64"},
    {.section = "tuning",
     .key = "tx_usecs",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::tx_usecs,
     .min = 0,
     .max = kLongestDelay,
     .choices = kAutoKeep,
     .help = "longest time that a sent frame waits for its completion, in microseconds",
     .explanation =
         "'auto': 150, or less where TCP could not wait that long. TCP leaves tcp_limit_output_bytes "
         "unconfirmed "
         "to a NIC; half the time in which the link sends those is the bound, and never more than 200. "
         "A larger value is refused unless 'force' is given.",
     .example = "tx_usecs = 100"},
    {.section = "tuning",
     .key = "tx_frames",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::tx_frames,
     .min = 0,
     .max = kMostFrames,
     .choices = kAutoKeep,
     .help = "sent frames after which completion comes at once",
     .explanation = "'auto' is what the profile says: 128.",
     .example = "tx_frames = 64"},
    {.section = "tuning",
     .key = "force",
     .type = OptionType::kChoice,
     .default_text = "\"no\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.force = i == 1; }},
     .choices = kNoYes,
     .help = "whether a tx_usecs beyond what TCP can wait for is set all the same",
     .explanation = "The host's own TCP connections then stall for want of completions. Where all traffic is "
                    "the guests', that may be what you want.",
     .example = "force = \"yes\""},
    {.section = "tuning",
     .key = "rps",
     .type = OptionType::kChoice,
     .default_text = "\"off\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.rps_off = i == 0; }},
     .choices = kOffKeep,
     .help = "receive packet steering by the kernel on the members: turned off, or left alone",
     .explanation =
         "It hands frames that pass to the stack to other CPUs by their flow, which brings back the many "
         "CPUs at one tap's lock that steering has just avoided.",
     .example = "rps = \"keep\""},
    {.section = "tuning",
     .key = "xps",
     .type = OptionType::kChoice,
     .default_text = "\"keep\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.xps_off = i == 0; }},
     .choices = kOffKeep,
     .help = "which CPU sends by which queue, on the members: turned off, or left alone",
     .explanation =
         "Drivers set it up well, one queue a CPU. Off, what a guest sends leaves by a queue chosen "
         "by its flow.",
     .example = "xps = \"off\""},
    {.section = "tuning",
     .key = "lro",
     .type = OptionType::kChoice,
     .default_text = "\"off\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.lro_off = i == 0; }},
     .choices = kOffKeep,
     .help = "merging of received frames by the NIC (LRO, hardware GRO): turned off, or left alone",
     .explanation = "Drivers refuse native XDP while it is on, or have it off while a program is attached. A "
                    "merged frame is also too long for a guest.",
     .example = "lro = \"keep\""},
    {.section = "tuning",
     .key = "noqueue",
     .type = OptionType::kChoice,
     .default_text = "\"taps\"",
     .field = ChoiceField{[](Settings& s, size_t i) { s.tuning.noqueue = static_cast<NoQueue>(i); }},
     .choices = kNoQueue,
     .help = "where the queueing discipline becomes noqueue: guests' taps, also new devices, or nowhere",
     .explanation =
         "A guest's tap needs no queue before its ring. With fq_codel all CPUs that deliver to one guest "
         "wait for one lock, and a storm towards it starves the host. 'host' also makes it the default of "
         "devices to come (net.core.default_qdisc), which includes NICs: those then drop when their ring is "
         "full. A discipline that somebody configured on a tap is left alone.",
     .example = "noqueue = \"off\""},
    {.section = "tuning",
     .key = "napi",
     .type = OptionType::kNapi,
     .default_text = "\"keep\"",
     .field = &TuningSettings::napi,
     .help = "who polls the members' queues: softirqs, a timer, kernel threads, or xdpfwd-poller",
     .explanation =
         "'softirq': after an interrupt, on top of whatever runs on that CPU; least latency at low load. "
         "'deferred': while frames come, a timer polls and interrupts stay off (napi_usecs, napi_polls): "
         "fewer "
         "wake-ups, later frames. 'threaded': one kernel thread a queue, on the CPU of the queue's "
         "interrupt, "
         "which the scheduler sees and ps shows: for CPUs of their own, since beside other work frames wait. "
         "'busy-poll': xdpfwd-poller(8), without interrupts, one for each CPU that queues have by 'cpus', "
         "which nothing else should use; where nothing polls for it, 'deferred'. "
         "'auto': threads that are packed, with their interrupts, on as few of tuning.cpus as their load "
         "takes, "
         "and spread when it rises, at the end of the first 100 ms that it fills: 200 ms at most. "
         "Queues can have other modes, as in \"softirq, 0-1 threaded, 7 deferred\", where the kernel can "
         "tell "
         "queues apart (deferral 6.13, threads 6.17) and the driver says which NAPI instance is a queue's; "
         "else "
         "all queues get the first mode.",
     .example = "napi = \"threaded\""},
    {.section = "tuning",
     .key = "napi_usecs",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::napi_usecs,
     .min = 1,
     .max = kLongestDelay,
     .choices = kAuto,
     .help = "deferred and busy-poll queues: microseconds until the kernel's timer polls",
     .explanation =
         "'auto': 50, and 200 for busy-poll, where the timer comes only when the poller does not. It is the "
         "latency that a frame may get on top, and a ring must hold what comes in that time.",
     .example = "napi_usecs = 20"},
    {.section = "tuning",
     .key = "napi_polls",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::napi_polls,
     .min = 1,
     .max = kMostEmptyPolls,
     .choices = kAuto,
     .help = "deferred and busy-poll queues: empty polls by the timer until interrupts are on",
     .explanation = "'auto': 100, which with 50 us is 5 ms without a frame, and 2 for busy-poll. An idle "
                    "queue then costs "
                    "nothing.",
     .example = "napi_polls = 20"},
    {.section = "tuning",
     .key = "napi_idle_ms",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::napi_idle_ms,
     .min = 0,
     .max = 60'000,
     .choices = kAuto,
     .help = "busy-poll queues: milliseconds without a frame until interrupts are on; 0: never",
     .explanation =
         "'auto': 100. The poller looks at idle queues every millisecond, and polls those that have frames "
         "again.",
     .example = "napi_idle_ms = 1000"},
    {.section = "tuning",
     .key = "napi_target",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = &TuningSettings::napi_target,
     .min = 10,
     .max = 95,
     .choices = kAuto,
     .help = "queues in mode auto: percent of a CPU that they fill together",
     .explanation = "'auto': 90. Where they come to take 5 more, some move to another CPU. A fuller CPU lets "
                    "frames wait "
                    "longer: 'xdpctl napi pack --simulate steady --target 70' shows by how much.",
     .example = "napi_target = 70"},
    {.section = "tuning",
     .key = "napi_thread",
     .type = OptionType::kSchedule,
     .default_text = "\"keep\"",
     .field = &TuningSettings::napi_thread,
     .help = "threaded queues: how their threads are scheduled",
     .explanation = "'other -10' is the usual class with a nice value; 'fifo 50' runs before all usual "
                    "threads, the guests' "
                    "included, and must not be given a CPU that others need.",
     .example = "napi_thread = \"other -10\""},
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
    {.section = "guest",
     .key = "profile",
     .type = OptionType::kChoice,
     .default_text = "\"inherit\"",
     .field = {},
     .choices = kGuestProfile,
     .help = "what interrupt coalescing of the guest's queue is aimed at",
     .explanation = "As tuning.profile, which is inherited. Takes a NIC that steers frames by rules and "
                    "coalesces each queue on its own; guests of different profiles get different queues.",
     .example = "profile = \"latency\""},
    {.section = "guest",
     .key = "cpu",
     .type = OptionType::kNumberOrChoice,
     .default_text = "\"auto\"",
     .field = {},
     .min = 0,
     .max = kMostCpus - 1,
     .choices = kAuto,
     .help = "CPU that receives the guest's frames",
     .explanation = "The guest's frames are steered to a queue whose interrupt is on this CPU: one close to "
                    "its vhost thread, or away from others. 'auto': the least loaded queue.",
     .example = "cpu = 4"},
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
    case OptionType::kNumberOrChoice:
      return fmt::format("an integer, {} to {}, or \"{}\"", option.min, option.max,
                         fmt::join(option.choices, "\" or \""));
    case OptionType::kCpus:
      return fmt::format("a list of CPUs such as \"0-3,8\", or \"{}\"",
                         fmt::join(option.choices, "\" or \""));
    case OptionType::kNapi:
      return "\"keep\", \"softirq\", \"deferred\", \"threaded\", \"busy-poll\" or \"auto\", and others for "
             "some queues: \"softirq, 0-1 threaded\"";
    case OptionType::kSchedule:
      return "\"keep\", \"other NICE\", \"fifo PRIORITY\" or \"rr PRIORITY\"";
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

// SPDX-License-Identifier: BSD-2-Clause
// The text of the interface, as `varlinkctl introspect` shows it. It is the documentation of the JSON that
// xdpctl --json prints; protocol_test checks every reply against it.
#include "core/protocol.h"

namespace xdpfwd {

const std::string_view kControlDescription =
    R"(# Asks and drives the xdpfwd daemon: which frames of the wire go to which VM.
# Reads are for everybody who can open the socket. Writes are for root, the daemon's own user, and members of
# the socket's group. Fields are only ever added; a reader leaves alone what it does not know.
interface org.xdpfwd.Control

# What a tap can do now. Only an open one is forwarded to; frames for the others pass to the stack.
type PortState (open, missing, down, no_reader, not_a_tap, no_slot, pending)

# What is not as wanted, why, and what to do about it. Without retry_ms it is looked at again when the kernel
# reports a change. waiting: nothing is wrong, the thing is only not there yet.
type Problem (thing: string, why: string, remedy: string, waiting: bool, retry_ms: ?int)

# A NIC that the program runs on. promisc: who keeps it from filtering; xdpfwd does where nobody else does.
# packets: received, by how they left the program.
type Member (
  name: string,
  ifindex: int,
  bond: string,
  attached: bool,
  vlan_tag: (frame, hint),
  xdp_mode: (native, generic),
  active: bool,
  promisc: (off, xdpfwd, others),
  packets: [string]int
)

# A tap. ifindex 0: it does not exist. packets and bytes: redirected to it; relearned: passed to the stack
# instead, so that the bridge behind knows the sender; lost: how many of packets were lost afterwards, by reason.
type Port (
  name: string,
  state: PortState,
  ifindex: int,
  slot: ?int,
  mtu: int,
  rows: int,
  packets: int,
  bytes: int,
  relearned: int,
  lost: [string]int
)

# A guest NIC. vlans: 1 to 4094, or 0 for untagged. tpid: 802.1q or 802.1ad. state: of its tap.
# where: file, line and column, for guests of the configuration. profile and cpu: of its queue, where it has
# its own.
type Guest (
  name: string,
  tap: string,
  macs: []string,
  vlans: []int,
  tpid: string,
  mode: (access, trunk),
  source: (file, control, ephemeral),
  state: PortState,
  where: ?string,
  profile: ?(none, latency, balanced, throughput),
  cpu: ?int
)

# A row of the forwarding table. installed: it is in the kernel's table now.
type FdbRow (
  vlan: int,
  tpid: string,
  mac: string,
  tap: string,
  guest: string,
  mode: (access, trunk),
  installed: bool
)

# A knob of a NIC, a tap or (device empty) the host. resets: the NIC is without link for a moment.
type TuningChange (device: string, knob: string, from: string, to: string, reason: string, resets: bool)

# What one queue of a NIC did in a period. queue: not given where nobody tells which queue a NAPI instance serves.
# napi: its id, 0 where it is not known or nothing polled it. packets: that polls took. polls: their number, by how
# many packets each took ("0", "1", "2", "3", "4-7", "8-15", "16-31", "32-63", "64+"). received: packets, as the
# driver counts them.
type QueuePolls (
  device: string,
  queue: ?int,
  napi: int,
  packets: int,
  polls: [string]int,
  interrupts: ?int,
  received: ?int
)

# What a poller does with a NAPI instance. handle: how it polls (none, io_uring, af_xdp, threaded). state: polling, or
# backed-off: idle, and left to interrupts. own_polls, and other_polls (by softirqs, threads): since it started.
type Polled (handle: string, state: string, own_polls: int, other_polls: int)

# A NAPI instance. mode: softirq, deferred, threaded, busy-poll, or auto (threads that are packed on few CPUs). cpus:
# where its thread or poller may run; empty: it has none. ran and waited: of the last interval, in thousandths of it,
# where they are sampled; polls, and packets that they took: a second, in that interval, where they are counted. moves: from CPU to CPU, by mode auto.
# polled: of one that a poller has.
type Napi (
  device: string,
  queue: ?int,
  napi: int,
  mode: string,
  cpus: string,
  irq: ?int,
  irq_cpus: string,
  ran: ?int,
  waited: ?int,
  polls: ?int,
  packets: ?int,
  moves: int,
  polled: ?Polled
)

# Mode auto. failure: what it could not do last, and could not since; empty: nothing.
type Packing (napis: int, cpus_allowed: int, cpus_used: int, moves: int, failure: string)

# Frames that came in by a queue and were handed to a tap; lost: those that it did not take.
type Delivery (device: string, queue: ?int, napi: int, tap: string, taken: int, lost: int)

# Frames that a NIC was given to send, whoever gave them.
type Sent (device: string, packets: int)

# What the members did in period_ns. net_softirq_ns: time of all CPUs in network softirqs. backlog_dropped and
# budget_exhausted: of /proc/net/softnet_stat. uncounted: polls and deliveries that found no row.
type Polls (
  period_ns: int,
  net_softirq_ns: int,
  queues: []QueuePolls,
  delivered: []Delivery,
  sent: []Sent,
  backlog_dropped: int,
  budget_exhausted: int,
  uncounted: int
)

# The outcome of one check. check: the same word each time. remedy: a command line, or what to do; may be empty.
type Finding (verdict: (pass, warn, fail), check: string, thing: string, what: string, remedy: string)

# One value of tx-usecs, and what the NIC did with it.
type TxRung (
  usecs: int,
  period_ns: int,
  polls: int,
  zero_polls: int,
  packets: int,
  interrupts: int,
  net_softirq_ns: int
)

method GetVersion() -> (version: string, abi: int)

method GetStatus() -> (
  version: string,
  state: (forwarding, degraded, detached),
  uptime_ms: int,
  guests: int,
  rows_wanted: int,
  rows_installed: int,
  table_capacity: int,
  ports_wanted: int,
  ports_open: int,
  config_files: []string,
  members: []Member,
  problems: []Problem
)

# Lists of more than 1024 entries need a call with 'more', and come in several replies.
method ListGuests() -> (guests: []Guest)
method ListFdb() -> (rows: []FdbRow)
method ListPorts() -> (ports: []Port)

# Fails with NotFound when frames to this (VLAN, MAC) pass to the stack. tpid: 802.1q when not given.
method LookupFdb(vlan: int, mac: string, tpid: ?string) -> (row: FdbRow)

# time_ns: of a clock that only goes forward; rates are differences of two answers.
method GetStats() -> (time_ns: int, members: []Member, ports: []Port)

# What Reload would change, without changing anything.
method Plan() -> (
  actions: []string,
  rows_added: int,
  rows_removed: int,
  rows_changed: int,
  problems: []Problem
)

# Adds a guest, and keeps it for the next start unless ephemeral. dry_run: only says whether it could be added.
method AddGuest(
  name: string,
  tap: string,
  macs: []string,
  vlans: []int,
  tpid: ?string,
  mode: ?(access, trunk),
  profile: ?(inherit, none, latency, balanced, throughput),
  cpu: ?int,
  ephemeral: ?bool,
  dry_run: ?bool
) -> ()

# Deletes a guest that AddGuest added.
method DeleteGuest(name: string) -> ()

# Reads the configuration files again and applies them, all or nothing.
method Reload() -> ()

# Takes the program off these members, until the next Reload or start. With all: off every member, and removes
# everything that is pinned; nothing is forwarded then.
method Detach(members: ?[]string, all: ?bool) -> ()

# What TuneApply would change. apply: tuning.apply. held: what is wanted is set, and set again when it is lost.
method TunePlan() -> (
  apply: (off, manual, auto),
  held: bool,
  changes: []TuningChange,
  waiting: int,
  problems: []Problem
)

# changes: what is not as it was before xdpfwd: from is what was there, to what was set.
method TuneStatus() -> (
  apply: (off, manual, auto),
  held: bool,
  changes: []TuningChange,
  waiting: int,
  problems: []Problem
)

# Sets the knobs, and keeps them so, over restarts. changes: what was done. waiting: changes that follow by
# themselves, when a NIC that was reset has its link back. dry_run: as TunePlan.
method TuneApply(dry_run: ?bool) -> (
  apply: (off, manual, auto),
  held: bool,
  changes: []TuningChange,
  waiting: int,
  problems: []Problem
)

# Puts back what is still as xdpfwd set it.
method TuneRevert() -> (
  apply: (off, manual, auto),
  held: bool,
  changes: []TuningChange,
  waiting: int,
  problems: []Problem
)

# Who runs the members' NAPI instances. wanted: tuning.napi in force; by_hand: by SetNapi. held: tuning is applied.
method GetNapi() -> (wanted: string, by_hand: bool, held: bool, napis: []Napi, packing: Packing)

# Another tuning.napi, until the next Reload or start; without mode: as the configuration says. The reply is as
# TuneApply's.
method SetNapi(mode: ?string) -> (
  apply: (off, manual, auto),
  held: bool,
  changes: []TuningChange,
  waiting: int,
  problems: []Problem
)

# Watches the members for so many seconds, 1 to 60, and 5 where none are given; then replies. Nothing is watched
# before and after; who hangs up ends it.
method WatchPolls(seconds: ?int) -> (
  period_ns: int,
  net_softirq_ns: int,
  queues: []QueuePolls,
  delivered: []Delivery,
  sent: []Sent,
  backlog_dropped: int,
  budget_exhausted: int,
  uncounted: int
)

# Reads every value back that tuning wants, watches for so many seconds, and says whether it has its effect.
method TuneVerify(seconds: ?int) -> (findings: []Finding, polls: Polls)

# Tries values of tx-usecs on a member, so many seconds each (1 to 60; 3), and sets the present value again, also
# when the caller hangs up. suggested: not given when nothing better was seen.
method SuggestTxCoalesce(member: string, seconds_each: ?int) -> (
  device: string,
  present: int,
  rungs: []TxRung,
  suggested: ?int,
  why: string
)

error Failed (message: string, remedy: string)
error NotFound (message: string, remedy: string)
error AlreadyExists (message: string, remedy: string)
error TableFull (message: string, remedy: string)
error InvalidArgument (message: string, remedy: string, parameter: ?string)
error NotPermitted (message: string, remedy: string)
# What was sent is not a call; the connection is closed.
error BadRequest (message: string, remedy: string)
# The connection is closed.
error TooManyClients (message: string, remedy: string)
)";

const std::string_view kVarlinkServiceDescription =
    R"(# The Varlink Service Interface is provided by every varlink service. It
# describes the service and the interfaces it implements.
interface org.varlink.service

# Get a list of all the interfaces a service provides and information
# about the implementation.
method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

# Get the description of an interface that is implemented by this service.
method GetInterfaceDescription(interface: string) -> (description: string)

# The requested interface was not found.
error InterfaceNotFound (interface: string)

# The requested method was not found
error MethodNotFound (method: string)

# The interface defines the requested method, but the service does not
# implement it.
error MethodNotImplemented (method: string)

# One of the passed parameters is invalid.
error InvalidParameter (parameter: string)

# Client is denied access
error PermissionDenied ()

# Method is expected to be called with 'more' set to true, but wasn't
error ExpectedMore ()
)";

}  // namespace xdpfwd

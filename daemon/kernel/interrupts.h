// SPDX-License-Identifier: BSD-2-Clause
// Interrupts: which CPUs may take one, and which one serves a queue where netlink does not tell (before 6.8,
// and drivers that tell no NAPI's interrupt): then by what the driver called it in /proc/interrupts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/net.h"
#include "kernel/host_file.h"

namespace xdpfwd {

struct Interrupt {
  uint32_t number = 0;
  std::string name;  // the driver's: "eth0-TxRx-3", "mlx5_comp3@pci:0000:01:00.0"
};

// Those with a number and a name. On a kernel without /proc/interrupts: none.
std::vector<Interrupt> read_interrupts(const HostRoots& roots);
// "0000:01:00.0", "virtio2": the device behind the NIC, on its bus. Empty: none.
std::string bus_name(const HostRoots& roots, const InterfaceName& device);

// As a CPU list.
Result<std::string> read_affinity(const HostRoots& roots, uint32_t interrupt);
// EIO: nobody may move it, as the kernel manages it.
Result<void> set_affinity(const HostRoots& roots, uint32_t interrupt, std::string_view cpus);

// Whose an interrupt is, by the names of its handlers: "eth0-TxRx-3". ENODEV: nobody's.
Result<std::string> read_handlers(const HostRoots& roots, uint32_t interrupt);
// Only while it has these handlers: else ENODEV. What counts is what was read back. EIO: nobody may move it.
Result<void> move_interrupt(const HostRoots& roots, uint32_t interrupt, std::string_view handlers,
                            uint32_t cpu);

// Pure. The text of /proc/interrupts.
std::vector<Interrupt> parse_interrupts(std::string_view text);
// The interrupt of each of `count` receive queues; 0 = not found. Names that drivers give: PREFIX-NAME-TxRx-3
// and the like (Intel, Broadcom, vmxnet3), NAME alone for a NIC with one queue, mlx5_comp3@pci:BUS,
// BUS-input.3.
std::vector<uint32_t> match_interrupts(const std::vector<Interrupt>& interrupts, std::string_view device,
                                       std::string_view bus, uint32_t count);
// Likewise of each queue's sending, where it has one of its own: PREFIX-NAME-tx-3, BUS-output.3.
std::vector<uint32_t> match_tx_interrupts(const std::vector<Interrupt>& interrupts, std::string_view device,
                                          std::string_view bus, uint32_t count);

}  // namespace xdpfwd

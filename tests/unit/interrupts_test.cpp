// SPDX-License-Identifier: BSD-2-Clause
// Names of interrupts as drivers give them. igb's, virtio's and the stand-in's lines are recorded; mlx5's,
// the other Intel drivers', bnxt's, ena's and vmxnet3's are laid out by hand as their sources make the names.
#include "kernel/interrupts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

using Queues = std::vector<uint32_t>;

// Linux 6.12, igb with as many interrupts for sending as for receiving.
constexpr std::string_view kIgb = R"(           CPU0       CPU1       CPU2
  0:        366          0          0   IO-APIC   2-edge      timer
 24:          0          0          1  PCI-MSIX-0000:00:08.0   0-edge      PCIe PME, aerdrv, pciehp
 40:          0          0          1  PCI-MSIX-0000:01:00.0   0-edge      eth0
 41:          4          0          0  PCI-MSIX-0000:01:00.0   1-edge      eth0-rx-0
 42:          0          4          0  PCI-MSIX-0000:01:00.0   2-edge      eth0-rx-1
 43:          0          0          5  PCI-MSIX-0000:01:00.0   3-edge      eth0-rx-2
 44:          4          0          0  PCI-MSIX-0000:01:00.0   4-edge      eth0-tx-0
 45:          0          4          0  PCI-MSIX-0000:01:00.0   5-edge      eth0-tx-1
 46:          0          0          5  PCI-MSIX-0000:01:00.0   6-edge      eth0-tx-2
NMI:          0          0          0   Non-maskable interrupts
LOC:       2362       2182       2103   Local timer interrupts
ERR:          0
)";
// Linux 6.18, virtio.
constexpr std::string_view kVirtio = R"(           CPU0       CPU1
 26:          0         16  IO-APIC   4-edge      ttyS0
 37:          0          0 PCI-MSIX-0000:00:03.0   0-edge      virtio2-config
 38:          0      33693 PCI-MSIX-0000:00:03.0   1-edge      virtio2-input.0
 39:      23727          0 PCI-MSIX-0000:00:03.0   2-edge      virtio2-output.0
 41:       8964          0 PCI-MSIX-0000:00:04.0   1-edge      virtio3-rx
)";

std::vector<Interrupt> named(std::initializer_list<const char*> names) {
  std::vector<Interrupt> interrupts;
  uint32_t number = 100;
  for (const char* name : names) interrupts.push_back({.number = number++, .name = name});
  return interrupts;
}

TEST(Interrupts, LinesOfTheTable) {
  const auto igb = parse_interrupts(kIgb);
  ASSERT_EQ(igb.size(), 9U);
  EXPECT_EQ(igb[0].name, "timer");
  EXPECT_EQ(igb[1].name, "pciehp");
  EXPECT_EQ(igb[3].number, 41U);
  EXPECT_EQ(igb[3].name, "eth0-rx-0");
  EXPECT_TRUE(parse_interrupts("").empty());
  EXPECT_TRUE(parse_interrupts("CPU0\n\n:\n 1:\nx: 1 y\n 99999999999: 1 y").empty());
}

TEST(Interrupts, OfAnIgb) {
  EXPECT_EQ(match_interrupts(parse_interrupts(kIgb), "eth0", "0000:01:00.0", 3), (Queues{41, 42, 43}));
  // Fewer channels than lines; more channels than lines.
  EXPECT_EQ(match_interrupts(parse_interrupts(kIgb), "eth0", "0000:01:00.0", 1), (Queues{41}));
  EXPECT_EQ(match_interrupts(parse_interrupts(kIgb), "eth0", "0000:01:00.0", 4), (Queues{41, 42, 43, 0}));
  EXPECT_EQ(match_interrupts(parse_interrupts(kIgb), "eth1", "0000:02:00.0", 2), (Queues{0, 0}));
  // Sending has interrupts of its own there; a driver that pairs them has none for sending alone.
  EXPECT_EQ(match_tx_interrupts(parse_interrupts(kIgb), "eth0", "0000:01:00.0", 3), (Queues{44, 45, 46}));
  EXPECT_EQ(match_tx_interrupts(parse_interrupts(kIgb), "eth1", "0000:02:00.0", 3), (Queues{0, 0, 0}));
  EXPECT_EQ(match_tx_interrupts(named({"eth0-TxRx-0", "ice-eth0-Tx-Rx-1"}), "eth0", "0000:01:00.0", 2),
            (Queues{0, 0}));
}

TEST(Interrupts, OfAVirtioNic) {
  EXPECT_EQ(match_interrupts(parse_interrupts(kVirtio), "ens3", "virtio2", 1), (Queues{38}));
  EXPECT_EQ(match_tx_interrupts(parse_interrupts(kVirtio), "ens3", "virtio2", 1), (Queues{39}));
  EXPECT_EQ(match_interrupts(parse_interrupts(kVirtio), "ens3", "virtio3", 1), (Queues{0}));
}

TEST(Interrupts, OfAnMlx5) {
  const auto lines =
      named({"mlx5_async0@pci:0000:01:00.0", "mlx5_comp0@pci:0000:01:00.0", "mlx5_comp1@pci:0000:01:00.0",
             "mlx5_comp0@pci:0000:01:00.1", "mlx5_comp10@pci:0000:01:00.0"});
  EXPECT_EQ(match_interrupts(lines, "enp1s0f0np0", "0000:01:00.0", 2), (Queues{101, 102}));
  EXPECT_EQ(match_interrupts(lines, "enp1s0f1np1", "0000:01:00.1", 2), (Queues{103, 0}));
  EXPECT_EQ(match_interrupts(lines, "enp1s0f0np0", "0000:01:00.0", 11).at(10), 104U);
}

TEST(Interrupts, OfOtherDrivers) {
  EXPECT_EQ(match_interrupts(named({"eth0-TxRx-0", "eth0-TxRx-1"}), "eth0", "0000:01:00.0", 2),
            (Queues{100, 101}));
  EXPECT_EQ(match_interrupts(named({"i40e-0000:01:00.0:misc", "i40e-eth0-TxRx-0", "i40e-eth0-TxRx-1"}),
                             "eth0", "0000:01:00.0", 2),
            (Queues{101, 102}));
  EXPECT_EQ(match_interrupts(named({"ice-eth0-TxRx-0", "ice-eth1-TxRx-0"}), "eth1", "0000:01:00.1", 1),
            (Queues{101}));
  EXPECT_EQ(
      match_interrupts(named({"eth0-rxtx-0", "eth0-rxtx-1", "eth0-event-2"}), "eth0", "0000:0b:00.0", 2),
      (Queues{100, 101}));
  EXPECT_EQ(match_interrupts(named({"eth0-Tx-Rx-0", "eth0-Tx-Rx-1"}), "eth0", "0000:00:05.0", 2),
            (Queues{100, 101}));
  // One interrupt for everything.
  EXPECT_EQ(match_interrupts(named({"eth0"}), "eth0", "0000:01:00.0", 1), (Queues{100}));
  EXPECT_EQ(match_interrupts(named({"eth0"}), "eth0", "0000:01:00.0", 2), (Queues{0, 0}));
}

TEST(Interrupts, ANameWithinAName) {
  EXPECT_EQ(
      match_interrupts(named({"eth10-TxRx-0", "veth1-TxRx-0", "eth1-TxRx-0"}), "eth1", "0000:01:00.0", 1),
      (Queues{102}));
  // A VLAN's or a renamed NIC's line is another's.
  EXPECT_EQ(match_interrupts(named({"eth1.100-TxRx-0"}), "eth1", "0000:01:00.0", 1), (Queues{0}));
  EXPECT_EQ(
      match_interrupts(named({"eth0-rx-x", "eth0-rx-", "eth0-rx-4294967296"}), "eth0", "0000:01:00.0", 2),
      (Queues{0, 0}));
}

TEST(Interrupts, AffinityInATreeOfItsOwn) {
  const ScratchDirectory tree;
  std::filesystem::create_directories(tree / "proc/irq/45");
  std::ofstream(tree / "proc/irq/45/smp_affinity_list") << "0-1\n";
  const HostRoots roots{.proc = tree / "proc"};
  EXPECT_EQ(read_affinity(roots, 45), "0-1");
  ASSERT_TRUE(set_affinity(roots, 45, "3,2"));
  EXPECT_EQ(read_affinity(roots, 45), "2-3");
  EXPECT_EQ(set_affinity(roots, 46, "3").error().code, ENOENT);
  EXPECT_EQ(set_affinity(roots, 45, "").error().code, EINVAL);
}

TEST(Interrupts, AMoveIsOfTheSameHandlersAlone) {
  const ScratchDirectory tree;
  std::filesystem::create_directories(tree / "proc/irq/45");
  std::filesystem::create_directories(tree / "sys/kernel/irq/45");
  const HostRoots roots{.proc = tree / "proc", .sys = tree / "sys"};
  std::ofstream(tree / "proc/irq/45/smp_affinity_list") << "2\n";
  EXPECT_EQ(move_interrupt(roots, 45, "eth0-rx-1", 3).error().code, ENODEV) << "it has none";
  std::ofstream(tree / "sys/kernel/irq/45/actions") << "eth0-rx-1\n";
  EXPECT_EQ(read_handlers(roots, 45), "eth0-rx-1");
  ASSERT_TRUE(move_interrupt(roots, 45, "eth0-rx-1", 3));
  EXPECT_EQ(read_affinity(roots, 45), "3");
  EXPECT_EQ(move_interrupt(roots, 45, "eth0-rx-2", 1).error().code, ENODEV);
  std::ofstream(tree / "sys/kernel/irq/45/actions") << "\n";
  EXPECT_EQ(read_handlers(roots, 45).error().code, ENODEV);
  EXPECT_EQ(move_interrupt(roots, 45, "", 1).error().code, ENODEV);
  EXPECT_EQ(read_affinity(roots, 45), "3");
  EXPECT_EQ(move_interrupt(roots, 46, "eth0-rx-1", 1).error().code, ENODEV) << "no such number";
}

TEST(Interrupts, AMoveThatIsNotDoneIsNone) {
  const ScratchDirectory tree;
  std::filesystem::create_directories(tree / "proc/irq/45");
  std::filesystem::create_directories(tree / "sys/kernel/irq/45");
  std::filesystem::create_symlink("/dev/null", tree / "proc/irq/45/smp_affinity_list");
  std::ofstream(tree / "sys/kernel/irq/45/actions") << "eth0-rx-1\n";
  const HostRoots roots{.proc = tree / "proc", .sys = tree / "sys"};
  EXPECT_EQ(move_interrupt(roots, 45, "eth0-rx-1", 3).error().code, EOPNOTSUPP);
}

TEST(Interrupts, TheDeviceBehindANic) {
  const ScratchDirectory tree;
  std::filesystem::create_directories(tree / "class/net/eth0");
  std::filesystem::create_directories(tree / "class/net/tap0");
  std::filesystem::create_symlink("../../../0000:01:00.0", tree / "class/net/eth0/device");
  const HostRoots roots{.sys = tree.path()};
  EXPECT_EQ(bus_name(roots, InterfaceName::parse("eth0").value()), "0000:01:00.0");
  EXPECT_EQ(bus_name(roots, InterfaceName::parse("tap0").value()), "");
}

}  // namespace
}  // namespace xdpfwd

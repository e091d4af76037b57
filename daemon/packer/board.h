// SPDX-License-Identifier: BSD-2-Clause
// Which NAPI is on which CPU while a decision is made, what that fills each CPU to, and the steps that can be
// taken back. Decides no move, only which CPU is the best of those that would do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "packer/demand.h"
#include "packer/host.h"

namespace xdpfwd::packer {

// What a CPU may be filled to: on average over the window, and at any time that its NAPIs' profiles know of.
struct Limits {
  float mean;
  float peak;
};
// Half of what is between target and mark is left for what nobody has seen yet.
inline Limits limits_of(const PackerSettings& settings) {
  return {settings.target, (settings.target + settings.mark) / 2};
}

// CPUs and NAPIs are numbered from 0 in the order in which they were given.
class Board {
 public:
  static constexpr size_t kNowhere = SIZE_MAX;

  explicit Board(std::span<const CpuPlace> cpus);
  // `cpu` may be kNowhere. `allowed` has one entry a CPU, or none: all. Both pointers outlive the board.
  // `moves`: how many it has left.
  void add(const Profile* profile, const std::vector<uint8_t>* allowed, int32_t node, uint32_t moves,
           size_t cpu);

  [[nodiscard]] size_t cpus() const { return cpus_.size(); }
  [[nodiscard]] size_t napis() const { return napis_.size(); }
  [[nodiscard]] size_t cpu_of(size_t napi) const { return napis_[napi].cpu; }
  [[nodiscard]] const std::vector<size_t>& on(size_t cpu) const { return cpus_[cpu].napis; }
  [[nodiscard]] bool used(size_t cpu) const { return !cpus_[cpu].napis.empty(); }
  [[nodiscard]] bool allowed(size_t napi, size_t cpu) const;
  [[nodiscard]] uint32_t moves_left(size_t napi) const { return napis_[napi].moves; }
  [[nodiscard]] bool remote(size_t napi, size_t cpu) const;  // from its NIC
  [[nodiscard]] float load(size_t cpu, size_t entry) const { return cpus_[cpu].sum[entry]; }
  [[nodiscard]] float load_of(size_t napi, size_t entry) const { return (*napis_[napi].profile)[entry]; }
  [[nodiscard]] float expected(size_t cpu) const { return cpus_[cpu].sum[kExpected]; }
  [[nodiscard]] float expected_of(size_t napi) const { return (*napis_[napi].profile)[kExpected]; }
  [[nodiscard]] float peak(size_t cpu) const;
  [[nodiscard]] float peak_of(size_t napi) const { return napis_[napi].peak; }

  // Whether the CPU stays within the limits with it.
  [[nodiscard]] bool fits(size_t napi, size_t cpu, Limits limits) const;
  // The fullest used CPU that it fits on; one of its NIC's node if there is any. Never `except`.
  [[nodiscard]] std::optional<size_t> best_used(size_t napi, Limits limits, size_t except) const;
  // A CPU that nobody uses. Best first: a core of its own on the NIC's node, a core of its own elsewhere (two
  // siblings at 90 % each are one core far over its capacity, and remote memory costs less than that), a
  // sibling on the NIC's node, any other.
  [[nodiscard]] std::optional<size_t> best_free(size_t napi) const;
  // The CPU with the least expected load.
  [[nodiscard]] std::optional<size_t> emptiest(size_t napi, size_t except) const;
  [[nodiscard]] bool core_used(size_t cpu) const;    // by it or a sibling
  [[nodiscard]] bool core_shared(size_t cpu) const;  // used by it and a sibling

  void put(size_t napi, size_t cpu);  // kNowhere: takes it off
  [[nodiscard]] size_t steps() const { return journal_.size(); }
  void take_back(size_t steps);  // all after that many

 private:
  struct OnBoard {
    const Profile* profile;
    const std::vector<uint8_t>* allowed;
    int32_t node;
    uint32_t moves;
    size_t cpu;
    float peak;
  };
  struct Cpu {
    CpuPlace place;
    size_t core = 0;
    Profile sum{};
    std::vector<size_t> napis;
  };
  struct Step {
    size_t napi;
    size_t from;
  };
  void move(size_t napi, size_t cpu);

  std::vector<OnBoard> napis_;
  std::vector<Cpu> cpus_;
  std::vector<uint32_t> used_of_core_;
  std::vector<Step> journal_;
};

}  // namespace xdpfwd::packer

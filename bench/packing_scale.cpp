// SPDX-License-Identifier: BSD-2-Clause
#include "bench/packing_scale.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/stage.h"

namespace xdpfwd::bench {
namespace {

constexpr const char* kFolder = "/mnt/packing";
// Before the first figure: threads are found, and packed on one CPU.
constexpr unsigned kPatienceSeconds = 30;

Result<void> write_config(const std::string& bpffs) {
  std::ofstream file(fmt::format("{}/xdpfwd.toml", kFolder), std::ios::trunc);
  file << fmt::format(
      "[uplink]\ndevices = [\"packed0\"]\n[daemon]\nbpffs = \"{0}/packing\"\nstate_dir = \"{1}/state\"\n"
      "[control]\nsocket = \"{1}/control.sock\"\n[tuning]\napply = \"auto\"\nnapi = \"auto\"\n",
      bpffs, kFolder);
  file.close();
  return file ? Result<void>{} : fail(fmt::format("cannot write to {}", kFolder));
}

Result<double> cpu_seconds(const std::string& pid) {
  std::ifstream file(fmt::format("/proc/{}/schedstat", pid));
  double nanoseconds = 0;
  if (file >> nanoseconds) return nanoseconds / 1e9;
  return fail("the daemon ended", fmt::format("see {}/log", kFolder));
}

}  // namespace

Result<std::vector<double>> cost_of_packing(const std::string& daemon, const std::string& bpffs,
                                            unsigned repetitions, unsigned seconds) {
  std::error_code failed;
  std::filesystem::create_directories(fmt::format("{}/state", kFolder), failed);
  std::filesystem::create_directories(bpffs + "/packing", failed);
  if (auto made = run(fmt::format(
          "ip link add packed0 numtxqueues {0} numrxqueues {0} type veth peer name packed1 numtxqueues {0} "
          "numrxqueues {0} && ip link set packed0 up && ip link set packed1 up && ethtool -K packed0 gro on",
          kPackedNapis));
      !made)
    return std::unexpected(made.error());
  if (auto written = write_config(bpffs); !written) return std::unexpected(written.error());
  const auto up = run(fmt::format(
      "{0} --config {1}/xdpfwd.toml >{1}/log 2>&1 & echo $! >{1}/pid; "
      "for i in $(seq {2}); do {3}/xdpctl --socket {1}/control.sock napi status | "
      "grep -q '^packed: {4} NAPI instances on 1 ' && exit; sleep 1; done; cat {1}/log >&2; kill $(cat "
      "{1}/pid); exit 1",
      daemon, kFolder, kPatienceSeconds, std::filesystem::path(daemon).parent_path().string(), kPackedNapis));
  if (!up) return std::unexpected(up.error());
  std::string pid;
  std::getline(std::ifstream(fmt::format("{}/pid", kFolder)), pid);
  std::vector<double> percent;
  Result<double> before = cpu_seconds(pid);
  auto begun = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < repetitions && before; ++i) {
    std::this_thread::sleep_until(begun + std::chrono::seconds(seconds));
    const auto after = cpu_seconds(pid);
    const auto now = std::chrono::steady_clock::now();
    if (after)
      percent.push_back((*after - *before) / std::chrono::duration<double>(now - begun).count() * 100);
    before = after;
    begun = now;
  }
  (void)run("kill " + pid);
  if (!before) return std::unexpected(before.error());
  return percent;
}

}  // namespace xdpfwd::bench

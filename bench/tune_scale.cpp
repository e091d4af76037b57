// SPDX-License-Identifier: BSD-2-Clause
#include "bench/tune_scale.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "bench/stage.h"
#include "core/net.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kGuests = 500;
constexpr unsigned kQueues = 64;
constexpr const char* kFolder = "/mnt/tuning";

// Packet steering on every queue, and a qdisc on every tap: each is something to be changed.
constexpr const char* kCables = R"(set -e
for member in 0 1; do
  ip link add wide$member numtxqueues {0} numrxqueues {0} type veth peer name peer$member numtxqueues {0} numrxqueues {0}
  ip link set wide$member up
  ip link set peer$member up
  for file in /sys/class/net/wide$member/queues/rx-*/rps_cpus; do echo 1 >$file; done
done)";

Result<void> write_config(const std::string& bpffs) {
  std::ofstream file(fmt::format("{}/xdpfwd.toml", kFolder), std::ios::trunc);
  file << fmt::format(
      "[uplink]\ndevices = [\"wide0\", \"wide1\"]\n[daemon]\nbpffs = \"{0}/tuning\"\nstate_dir = "
      "\"{1}/state\"\n"
      "[control]\nsocket = \"{1}/control.sock\"\n",
      bpffs, kFolder);
  for (unsigned i = 0; i < kGuests; ++i)
    file << fmt::format("[[guest]]\nname = \"vm{0}\"\ntap = \"tap{0}\"\nmac = \"{1}\"\nvlan = {2}\n", i,
                        MacAddress::from_bits(0x525400000000 + i).text(), 1 + i);
  file.close();
  return file ? Result<void>{} : fail(fmt::format("cannot write to {}", kFolder));
}

Result<double> seconds_of(const std::string& command) {
  const auto start = std::chrono::steady_clock::now();
  if (auto done = run(command); !done) return std::unexpected(done.error());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<TuningTimes> time_tuning(const std::string& daemon, const std::string& bpffs, unsigned repetitions) {
  std::error_code failed;
  std::filesystem::create_directories(fmt::format("{}/state", kFolder), failed);
  std::filesystem::create_directories(bpffs + "/tuning", failed);
  if (auto cabled = run(fmt::format(fmt::runtime(kCables), kQueues)); !cabled)
    return std::unexpected(cabled.error());
  if (auto written = write_config(bpffs); !written) return std::unexpected(written.error());
  const std::string ctl = fmt::format("{}/xdpctl --socket {}/control.sock",
                                      std::filesystem::path(daemon).parent_path().string(), kFolder);
  const auto up =
      run(fmt::format("{} --config {}/xdpfwd.toml >{}/log 2>&1 & echo $! >{}/pid; "
                      "until {} version >/dev/null 2>&1; do kill -0 $(cat {}/pid) || exit 1; sleep 0.1; done",
                      daemon, kFolder, kFolder, kFolder, ctl, kFolder));
  if (!up) return std::unexpected(up.error());
  TuningTimes times;
  Result<void> worked = {};
  for (unsigned i = 0; i < repetitions && worked; ++i) {
    const auto planned = seconds_of(ctl + " tune plan");
    const auto applied =
        planned ? seconds_of(fmt::format("{} tune apply --json >{}/applied", ctl, kFolder)) : planned;
    if (!applied) {
      worked = std::unexpected(applied.error());
      break;
    }
    times.plan_s.push_back(*planned);
    times.apply_s.push_back(*applied);
    // All queues' packet steering and all taps' qdiscs, or the time says nothing.
    worked = run(fmt::format("[ $(grep -o '\"knob\":' {}/applied | wc -l) = {} ] && {} tune revert", kFolder,
                             2 * kQueues + kGuests, ctl));
    times.settings = 2 * kQueues + kGuests;
  }
  (void)run(fmt::format("kill $(cat {}/pid)", kFolder));
  if (!worked) return std::unexpected(worked.error());
  return times;
}

}  // namespace xdpfwd::bench
